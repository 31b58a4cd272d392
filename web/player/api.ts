/** Questions to the edge's `/api/`. Answers are parsed; what went wrong is a value. */
import type { Result } from "../../media/result.ts";
import { fail, ok } from "../../media/result.ts";
import { parseJson } from "../../wire/parse.ts";
import {
  type LiveStreams,
  LiveStreamsSchema,
  type StreamStatus,
  StreamStatusSchema,
} from "../../wire/public.ts";
import type { ClockSample } from "./clock.ts";
import { type Place, statusPath } from "./place.ts";

/** `closed`: the signed path that the page was opened by does not open, or does not any more. */
export type AskError = "missing" | "closed" | "unanswered";

export interface Answer {
  readonly status: Result<StreamStatus, AskError>;
  /** What the answer's Date header says of the server's clock. */
  readonly clock?: ClockSample;
}

const TIMEOUT_MS = 8_000;

/** `GET /api/streams/<id>`. */
export async function askStatus(place: Place): Promise<Answer> {
  const sentMs = Date.now();
  try {
    const response = await ask(statusPath(place));
    const receivedMs = Date.now();
    const date = response.headers.get("date");
    // A copy from a cache carries an old date.
    const fresh = date !== null && Number(response.headers.get("age") ?? 0) === 0;
    const clock = fresh ? { clock: { sentMs, receivedMs, dateMs: Date.parse(date) } } : {};
    if (response.status === 404) return { status: fail("missing"), ...clock };
    if (response.status === 403) return { status: fail("closed"), ...clock };
    const parsed = response.ok ? parseJson(StreamStatusSchema, await response.text()) : fail("bad");
    return { status: parsed.ok ? parsed : fail("unanswered"), ...clock };
  } catch {
    return { status: fail("unanswered") };
  }
}

/** `GET /api/streams`. */
export async function askLive(): Promise<Result<LiveStreams, AskError>> {
  try {
    const response = await ask("/api/streams");
    if (!response.ok) return fail("unanswered");
    const parsed = parseJson(LiveStreamsSchema, await response.text());
    return parsed.ok ? ok(parsed.value) : fail("unanswered");
  } catch {
    return fail("unanswered");
  }
}

/** `GET` of JSON, within a time that a person waits for. */
export const ask = (path: string): Promise<Response> =>
  fetch(path, { headers: { accept: "application/json" }, signal: AbortSignal.timeout(TIMEOUT_MS) });
