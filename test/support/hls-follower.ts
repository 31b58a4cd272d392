/**
 * A client of low-latency HLS that follows one rendition at the rate of its parts, asks for everything it is told of,
 * and judges what it gets. The rules themselves are in hls-checker.ts, hls-delivery.ts and hls-media.ts.
 */
import { type CheckState, checkPlaylist } from "./hls-checker.ts";
import { checkDelivery, type Delivery } from "./hls-delivery.ts";
import { checkMedia, type InitFacts, type ListedSegment, readInit, readSegment } from "./hls-media.ts";
import { lastOf, number, type ReadPlaylist } from "./hls-reader.ts";

/** What a client has seen. */
export interface Followed {
  readonly state: CheckState;
  readonly violations: readonly string[];
  /** Playlists that were answered. */
  readonly answers: number;
  /** Reloads that were held for three target durations and then refused (rule 20). */
  readonly refusals: number;
  /** From one new part to the next within a session, milliseconds. */
  readonly partGapsMs: readonly number[];
  /** Hinted parts that were asked for before they were there, and came. */
  readonly hintsKept: number;
  /** Segments that were compared with their parts, byte by byte. */
  readonly segmentsCompared: number;
  /** The fastest segment that is at least half a target duration long (4.4.6.2), bits a second. */
  readonly peakBitrate: number;
}

export interface FollowOptions {
  /** URL of the media playlist. */
  readonly url: string;
  /** No more is wanted. */
  readonly isDone: () => boolean;
  /** Nobody sends just now: parts may be late. */
  readonly isAway: () => boolean;
  /** How much later than its rule allows a part may come on a busy machine. */
  readonly slackMs: number;
}

/** An object that was asked for. */
interface Fetched {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** Follow a rendition until `isDone`. */
export async function follow({ url, isDone, isAway, slackMs }: FollowOptions): Promise<Followed> {
  const violations: string[] = [];
  const objects = new Objects(url);
  const partGapsMs: number[] = [];
  let state: CheckState | undefined;
  let answers = 0;
  let refusals = 0;
  let query = "";
  while (!isDone()) {
    const answer = await fetch(url + query, { redirect: "error" });
    if (answer.status === 503) {
      await answer.body?.cancel();
      refusals += 1;
      continue;
    }
    const text = await answer.text();
    if (answer.status !== 200) {
      violations.push(`${query} was answered ${answer.status}: ${text}`);
      break;
    }
    const receivedAtMs = Date.now();
    const checked = checkPlaylist(text, isAway() ? withoutPace(state) : state, { receivedAtMs, slackMs });
    const { playlist } = checked.state;
    const what = query === "" ? "plain playlist" : "blocking playlist";
    violations.push(...checked.violations, ...delivered(what, answer.headers, playlist));
    violations.push(...checkReached(query, playlist));
    const since = state?.newPartAt;
    if (since !== undefined && checked.state.newPartAt !== since && !isAway())
      partGapsMs.push(receivedAtMs - since);
    state = checked.state;
    answers += 1;
    objects.take(playlist);
    query = nextQuery(playlist, answers);
  }
  if (!state) throw new Error(`${url} was never answered`);
  const seen = await objects.judge(number(state.playlist, "TARGETDURATION"));
  return { state, answers, refusals, partGapsMs, ...seen, violations: [...violations, ...seen.violations] };
}

/** Ask for the part that is hinted; every other time for a delta update. */
function nextQuery({ hints }: ReadPlaylist, answers: number): string {
  const hint = hints.find((candidate) => candidate.get("TYPE") === "PART")?.get("URI") ?? "";
  const [, msn, part] = /part-(\d+)\.(\d+)\.m4s$/.exec(hint) ?? [];
  if (msn === undefined) return "";
  return `?_HLS_msn=${msn}&_HLS_part=${part}${answers % 2 === 1 ? "&_HLS_skip=YES" : ""}`;
}

/** A blocking reload is answered when what it asks for is there (rule 15). */
function checkReached(query: string, playlist: ReadPlaylist): string[] {
  const asked = new URLSearchParams(query);
  const [msn, part] = [Number(asked.get("_HLS_msn") ?? -1), Number(asked.get("_HLS_part") ?? 0)];
  const [lastMsn, lastPart = Number.POSITIVE_INFINITY] = lastOf(playlist);
  const isReached = playlist.ended || lastMsn > msn || (lastMsn === msn && lastPart >= part);
  return isReached ? [] : [`rule 15: ${query} was answered with ${lastMsn}.${lastPart}`];
}

function withoutPace(state: CheckState | undefined): CheckState | undefined {
  if (!state) return undefined;
  const { newPartAt: _part, newSegmentAt: _segment, ...rest } = state;
  return rest;
}

const delivered = (what: Delivery["what"], headers: Headers, playlist: ReadPlaylist): string[] =>
  checkDelivery({ what, headers, targetDuration: number(playlist, "TARGETDURATION") });

/** The media that playlists name: each is asked for once, parts as soon as they are hinted, or listed without a hint that was seen. */
class Objects {
  readonly #url: string;
  readonly #fetched = new Map<string, Promise<Fetched | undefined>>();
  readonly #hinted = new Set<string>();
  readonly #parts = new Set<string>();
  readonly #listed = new Set<string>();
  readonly #segments = new Map<
    string,
    { msn: number; duration: number; map: string; parts: readonly string[] }
  >();
  readonly #over = new AbortController();

  constructor(url: string) {
    this.#url = url;
  }

  take({ segments, open, hints }: ReadPlaylist): void {
    for (const hint of hints) {
      const uri = hint.get("URI") ?? "";
      if (hint.get("TYPE") !== "PART" || this.#hinted.has(uri)) continue;
      this.#hinted.add(uri);
      this.#parts.add(uri);
      if (!this.#fetched.has(uri)) this.#ask(uri);
    }
    for (const { msn, uri, duration, map, gap, parts } of [...segments, ...(open ? [open] : [])]) {
      for (const part of parts) {
        if (part.gap) continue;
        this.#listed.add(part.uri);
        this.#parts.add(part.uri);
        if (!this.#fetched.has(part.uri)) this.#ask(part.uri);
      }
      if (uri === undefined || duration === undefined || map === undefined || gap || this.#segments.has(uri))
        continue;
      this.#segments.set(uri, { msn, duration, map, parts: parts.map((part) => part.uri) });
      this.#ask(uri);
      if (!this.#fetched.has(map)) this.#ask(map);
    }
  }

  async judge(targetDuration: number) {
    // What is hinted now may never come.
    this.#over.abort();
    const violations: string[] = [];
    const got = new Map<string, Fetched>();
    for (const [uri, fetched] of this.#fetched) {
      const object = await fetched;
      if (object?.status === 200) got.set(uri, object);
      else if (object && (this.#listed.has(uri) || this.#segments.has(uri)))
        violations.push(`rule 22: ${uri} is listed and was answered ${object.status}`);
      if (object?.status !== 200) continue;
      const what = this.#segments.has(uri) ? "segment" : this.#parts.has(uri) ? "part" : "init";
      violations.push(...checkDelivery({ what, headers: object.headers, targetDuration }));
    }
    const hintsKept = [...this.#hinted].filter((uri) => got.has(uri)).length;
    const held = this.#compare(got, targetDuration, violations);
    return { violations, hintsKept, ...held };
  }

  /** Compare segments with their parts, and look into both. */
  #compare(got: ReadonlyMap<string, Fetched>, targetDuration: number, violations: string[]) {
    let segmentsCompared = 0;
    let peakBitrate = 0;
    let init: InitFacts | undefined;
    const listed: ListedSegment[] = [];
    for (const [uri, { msn, duration, map, parts }] of this.#segments) {
      const whole = got.get(uri)?.bytes;
      init = readInit(got.get(map)?.bytes ?? new Uint8Array()) ?? init;
      if (!whole || !init) continue;
      if (duration >= targetDuration / 2)
        peakBitrate = Math.max(peakBitrate, (8 * whole.byteLength) / duration);
      const facts = readSegment(whole, init);
      if (!facts) violations.push(`rule 29: segment ${msn} holds no samples`);
      else listed.push({ msn, duration, map, facts });
      const pieces = parts.flatMap((part) => got.get(part)?.bytes ?? []);
      if (parts.length === 0 || pieces.length < parts.length) continue;
      segmentsCompared += 1;
      if (Buffer.compare(Buffer.concat(pieces), whole) !== 0)
        violations.push(`rule 6: segment ${msn} has other bytes than its parts`);
    }
    if (init) violations.push(...checkMedia(listed, init));
    return { segmentsCompared, peakBitrate };
  }

  #ask(uri: string): void {
    const asked = fetch(new URL(uri, this.#url), { redirect: "error", signal: this.#over.signal }).then(
      async (answer) => ({
        status: answer.status,
        headers: answer.headers,
        bytes: new Uint8Array(await answer.arrayBuffer()),
      }),
    );
    this.#fetched.set(
      uri,
      asked.catch(() => undefined),
    );
  }
}
