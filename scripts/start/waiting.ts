/** Waiting for something that others do, not longer than is reasonable. */
import { parseJson } from "../../wire/parse.ts";
import { StreamStatusSchema } from "../../wire/public.ts";
import { StartFailure } from "./failure.ts";

const POLL_MS = 100;
const ANSWER_MS = 5000;

/** Wait until a GET answers 200; one that hangs counts as no answer. */
export const waitForOk = (url: string, limitMs: number, failure: string): Promise<void> =>
  waitUntil(async () => (await get(url, Math.min(limitMs, ANSWER_MS))) !== undefined, limitMs, failure);

/** Wait until a stream is live and its playlist is there; the playlist of an earlier broadcast does not count. */
export function waitForLive(edge: string, stream: string, limitMs: number, failure: string): Promise<void> {
  return waitUntil(
    async () =>
      (await isLive(edge, stream)) && (await get(`${edge}/live/${stream}/index.m3u8`)) !== undefined,
    limitMs,
    failure,
  );
}

/** An encoder is on this stream, and is heard of. */
export async function isLive(edge: string, stream: string): Promise<boolean> {
  const status = parseJson(StreamStatusSchema, (await get(`${edge}/api/streams/${stream}`)) ?? "");
  return status.ok && status.value.state === "live";
}

async function waitUntil(happened: () => Promise<boolean>, limitMs: number, failure: string): Promise<void> {
  const until = Date.now() + limitMs;
  while (Date.now() < until) {
    if (await happened()) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new StartFailure(failure);
}

/** Text of an answer with status 200, or `undefined`. */
async function get(url: string, limitMs = ANSWER_MS): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(limitMs) });
    const text = await response.text();
    return response.status === 200 ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Wait for a promise, not longer than a limit. */
export function within<T>(promise: Promise<T>, limitMs: number, failure: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StartFailure(failure)), limitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
