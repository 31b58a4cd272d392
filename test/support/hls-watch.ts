/**
 * A viewer for tests of broadcasts that something is wrong with: follows playlists through time by the rules of hls-checker.ts,
 * says how long the live edge stood still, and takes the media apart. Shows nothing.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { BoxReader } from "../../transcoder/cmaf/boxes.ts";
import { type CheckState, checkPlaylist, checkPresentation } from "./hls-checker.ts";
import { lastOf, type ReadSegment } from "./hls-reader.ts";

const run = promisify(execFile);
const POLL_MS = 200;
/** What became of one media playlist. */
export interface Followed {
  readonly violations: readonly string[];
  readonly state: CheckState;
  /** Longest time that the end of the playlist did not move, milliseconds. */
  readonly standstillMs: number;
  /** How far the end of a new segment was from the wall clock, at most, milliseconds. */
  readonly offClockMs: number;
}

/** What was seen of every rendition, by name. */
export interface Watched {
  readonly renditions: ReadonlyMap<string, Followed>;
  /** Of one playlist, and of all against each other. */
  readonly violations: readonly string[];
}

/** Follow the media playlists of a live stream from now on; call what comes back to stop. */
export function watch(edge: string, stream: string, renditions: readonly string[]): () => Promise<Watched> {
  let overAt: number | undefined;
  const following = Promise.all(
    renditions.map((rendition) => follow(`${edge}/live/${stream}/${rendition}/index.m3u8`, () => overAt)),
  );
  return async () => {
    overAt = performance.now();
    const followed = await following;
    const named = followed.map((one, i) => [renditions[i] ?? "", one] as const);
    const states = new Map(named.map(([name, { state }]) => [`${name}/index.m3u8`, state]));
    const violations = named.flatMap(([name, one]) => one.violations.map((text) => `${name}: ${text}`));
    return { renditions: new Map(named), violations: [...violations, ...checkPresentation(states)] };
  };
}

/** How long a cache may have kept an answer, milliseconds: what is older was asked for anew. */
function longestKeptMs({ headers }: Response): number {
  const directives = headers.get("cdn-cache-control") ?? "";
  const seconds = [...directives.matchAll(/(?:max-age|stale-while-revalidate)=(\d+)/g)].map(([, n]) =>
    Number(n),
  );
  return 1000 * seconds.reduce((sum, n) => sum + n, 0);
}

async function follow(url: string, overAt: () => number | undefined): Promise<Followed> {
  const violations: string[] = [];
  let state: CheckState | undefined;
  let movedAt = performance.now();
  let standstillMs = 0;
  let offClockMs = 0;
  for (;;) {
    const over = overAt();
    const askedAt = performance.now();
    const answer = await fetch(url);
    // The last look comes after the end was asked for, and is no copy from before: so all renditions are of one moment.
    const isLast = over !== undefined && askedAt >= over + longestKeptMs(answer);
    const text = await answer.text();
    if (answer.status === 200) {
      const before = state && lastOf(state.playlist).join();
      const newest = state?.playlist.segments.at(-1)?.msn ?? Number.POSITIVE_INFINITY;
      const checked = checkPlaylist(text, state);
      state = checked.state;
      violations.push(...checked.violations);
      if (over === undefined) standstillMs = Math.max(standstillMs, performance.now() - movedAt);
      if (before !== lastOf(state.playlist).join()) movedAt = performance.now();
      for (const { msn, date = 0, duration = 0 } of state.playlist.segments)
        if (msn > newest) offClockMs = Math.max(offClockMs, Math.abs(Date.now() - date - 1000 * duration));
    } else violations.push(`status ${answer.status}`);
    if (isLast && state) return { violations: [...new Set(violations)], state, standstillMs, offClockMs };
    if (isLast) throw new Error(`${url} was never there: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Whole segments of one rendition that share an init section: media time at which each begins, and what a decoder says. */
export interface Stretch {
  readonly map: string;
  readonly segments: readonly { readonly msn: number; readonly start: number; readonly end: number }[];
  /** Frames in them. */
  readonly frames: number;
  /** FFmpeg's complaints. */
  readonly complaints: string;
}

/** Load what a playlist names, and decode it. */
export async function load(
  edge: string,
  stream: string,
  rendition: string,
  state: CheckState,
): Promise<Stretch[]> {
  const base = `${edge}/live/${stream}/${rendition}/index.m3u8`;
  const get = async (uri: string) => Buffer.from(await (await fetch(new URL(uri, base))).arrayBuffer());
  const byMap = Map.groupBy(
    state.playlist.segments.filter(({ gap }) => !gap),
    ({ map }) => map ?? "",
  );
  return Promise.all(
    [...byMap].map(async ([map, segments]) => {
      const init = await get(map);
      const bodies = await Promise.all(segments.map(({ uri }) => get(uri ?? "")));
      return { map, ...readSegments(init, segments, bodies), complaints: await decode([init, ...bodies]) };
    }),
  );
}

function readSegments(init: Buffer, segments: readonly ReadSegment[], bodies: readonly Buffer[]) {
  const reader = new BoxReader();
  let timescale = 1;
  let frames = 0;
  for (const event of read(reader, init)) if (event.type === "init") timescale = event.init.timescale;
  const inTime = segments.map(({ msn }, i) => {
    const found = read(reader, bodies[i] ?? init).flatMap((event) =>
      event.type === "frame" ? [event.frame] : [],
    );
    frames += found.length;
    const last = found.at(-1);
    const start = (found[0]?.dts ?? Number.NaN) / timescale;
    return { msn, start, end: ((last?.dts ?? Number.NaN) + (last?.duration ?? 0)) / timescale };
  });
  return { segments: inTime, frames };
}

function read(reader: BoxReader, bytes: Buffer) {
  const events = reader.push(bytes);
  if (!events.ok) throw new Error(`not what was written: ${JSON.stringify(events.error)}`);
  return events.value;
}

async function decode(chunks: readonly Buffer[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-decode-"));
  try {
    const path = join(folder, "media.mp4");
    writeFileSync(path, Buffer.concat(chunks));
    const { stderr } = await run("ffmpeg", ["-nostdin", "-v", "error", "-i", path, "-f", "null", "-"]);
    return stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
