/** One viewer of a low-latency broadcast: it loads what a player loads, when a player would, and plays nothing. */
import type { Client } from "./client.ts";
import { markOf, sharedNow } from "./encoder.ts";
import {
  chooseVariant,
  firstPart,
  follows,
  isBefore,
  type ListedPart,
  nextReload,
  type Position,
  partsFrom,
  type Reading,
  readMedia,
} from "./reading.ts";

/** A part that came while it was measured: which one, and when, milliseconds since 1970. */
export type Arrival = readonly [msn: number, part: number, at: number];

/** What many viewers share: what they saw. */
export interface Seen {
  /** Answers since it was last cleared. */
  requests: number;
  readonly errors: Map<string, number>;
  readonly arrivals: Arrival[];
}

/** Watch until told to stop; what goes wrong is counted, and watching goes on. */
export async function watch(client: Client, playlist: string, seen: Seen, stop: AbortSignal): Promise<void> {
  const fail = (what: string): void => {
    if (!stop.aborted) seen.errors.set(what, (seen.errors.get(what) ?? 0) + 1);
  };
  const multivariant = await load(client, playlist, seen, fail);
  const choice = chooseVariant(multivariant ?? "");
  if (!choice) return fail("no variant");
  const uris = [choice.video, ...(choice.audio === undefined ? [] : [choice.audio])];
  await Promise.all(uris.map((uri) => follow(client, resolve(uri, playlist), seen, fail, stop)));
}

type Fail = (what: string) => void;

/** Follow one rendition: reload its playlist without a pause, and beside it fetch its parts in order. */
async function follow(
  client: Client,
  path: string,
  seen: Seen,
  fail: Fail,
  stop: AbortSignal,
): Promise<void> {
  let newest = await reload(client, path, "", seen, fail);
  if (!newest) return;
  let changed = Promise.withResolvers<void>();
  if (newest.map !== undefined) await load(client, resolve(newest.map, path), seen, fail);

  async function readPlaylists(): Promise<void> {
    while (!stop.aborted && newest) {
      const wanted: Position | undefined = newest.hint;
      const next = await reload(client, path, nextReload(newest), seen, fail);
      if (stop.aborted) break;
      if (!next) {
        await pause(RETRY_MS);
        continue;
      }
      if (wanted && !next.parts.some((part) => !isBefore(part, wanted))) fail("a reload came too early");
      newest = next;
      changed.resolve();
      changed = Promise.withResolvers();
    }
    changed.resolve();
  }

  async function fetchParts(): Promise<void> {
    let last: Position | undefined;
    let from = newest && firstPart(newest);
    while (!stop.aborted && newest && from) {
      // The hinted part is asked for before it is there: the edge holds the request.
      const start: Position = from;
      const [next = hintFrom(newest, start)] = partsFrom(newest, start);
      if (!next) {
        await changed.promise;
        continue;
      }
      if (last && !follows(last, next)) fail("a part was passed over");
      await fetchPart(client, resolve(next.uri, path), next, seen, fail);
      last = next;
      from = { msn: next.msn, part: next.part + 1 };
    }
  }

  await Promise.all([readPlaylists(), fetchParts()]);
}

const RETRY_MS = 500;
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

const hintFrom = ({ hint }: Reading, from: Position): ListedPart | undefined =>
  hint && !isBefore(hint, from) ? hint : undefined;

async function fetchPart(
  client: Client,
  path: string,
  { msn, part }: Position,
  seen: Seen,
  fail: Fail,
): Promise<void> {
  const mark = markOf(...ofPath(path));
  try {
    const { status, head } = await client.ask(path, { keep: mark.length });
    seen.requests += 1;
    if (status !== 200) return fail(`a part: ${status}`);
    if (head !== mark) return fail("a part: other bytes");
    seen.arrivals.push([msn, part, sharedNow()]);
  } catch {
    fail("a part: broken off");
  }
}

async function reload(
  client: Client,
  path: string,
  query: string,
  seen: Seen,
  fail: Fail,
): Promise<Reading | undefined> {
  const text = await load(client, path + query, seen, fail);
  if (text === undefined) return undefined;
  const reading = readMedia(text);
  if (!reading) fail("a playlist that is none");
  return reading;
}

async function load(client: Client, path: string, seen: Seen, fail: Fail): Promise<string | undefined> {
  const kind = path.includes(".m3u8") ? "a playlist" : "an init section";
  try {
    const { status, head } = await client.text(path);
    seen.requests += 1;
    if (status === 200) return head;
    fail(`${kind}: ${status}`);
  } catch {
    fail(`${kind}: broken off`);
  }
  return undefined;
}

/** A URI as it stands in a playlist, as a path with its query. */
function resolve(uri: string, of: string): string {
  const url = new URL(uri, `http://edge.invalid${of}`);
  return url.pathname + url.search;
}

/** Rendition and file name: the encoder marks its objects with them. */
function ofPath(path: string): readonly [rendition: string, file: string] {
  const names = path.split("/");
  return [names.at(-2) ?? "", names.at(-1) ?? ""];
}
