/**
 * Comparing the history of a broadcast with what R2 lists: what is missing, what nobody names, and when to look.
 * Pure: pages of the listing and the history between their ends come in.
 */
import type { MediaFile } from "../../media/address.ts";
import type { HistorySegment } from "../../media/history.ts";
import { MAX_MISSING, type Missing, type MissingReason, type Tally } from "../../wire/broadcasts.ts";
import { PARTS_KEPT_MS } from "./parts.ts";

/** A broadcast is looked at when its encoder has had time to finish, and when late segments have stopped coming. */
export const CHECK_AFTER_MS = 60_000;
/** A check that failed is tried again. */
export const CHECK_RETRY_MS = 60_000;
const DAY_MS = 86_400_000;
/** What is late may come for as long after the end. */
export const LATE_MS = 7 * DAY_MS;
/** An object that nothing names is left alone while it may be on its way into a timeline. */
export const ORPHAN_AGE_MS = DAY_MS;

/** What a check may remove. */
export interface Sweep {
  /** Every part. */
  readonly parts: boolean;
  /** Nothing more can be handed in: what history does not name now, it never will. */
  readonly orphans: boolean;
}

/** What a check that begins now may remove. */
export const sweepAt = (endedAt: number, now: number): Sweep => ({
  parts: now >= endedAt + PARTS_KEPT_MS,
  orphans: now >= endedAt + LATE_MS,
});

/** When to check again after a check that began then; `undefined` after the last one. */
export function nextCheckAfter(endedAt: number, begunAt: number): number | undefined {
  return [endedAt + PARTS_KEPT_MS, endedAt + LATE_MS].find((at) => at > begunAt);
}

/** Nothing was looked at yet. */
export const EMPTY_TALLY: Tally = {
  segments: 0,
  seconds: 0,
  objects: 0,
  bytes: 0,
  missingCount: 0,
  gaps: 0,
  removed: 0,
  missing: [],
};

/** Both together; the list of what is missing stays short. */
export const addTallies = (a: Tally, b: Tally): Tally => ({
  segments: a.segments + b.segments,
  seconds: a.seconds + b.seconds,
  objects: a.objects + b.objects,
  bytes: a.bytes + b.bytes,
  missingCount: a.missingCount + b.missingCount,
  gaps: a.gaps + b.gaps,
  removed: a.removed + b.removed,
  missing: [...a.missing, ...b.missing].slice(0, MAX_MISSING),
});

/** An object in R2. */
export interface Listed {
  readonly key: string;
  readonly file: MediaFile;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly md5: string;
  /** Milliseconds since 1970. */
  readonly uploadedAt: number;
}

/** A page of the objects of one rendition of one session. */
export interface Page {
  readonly session: number;
  readonly rendition: string;
  readonly listed: readonly Listed[];
  /** Segments whose names lie between the ends of the page. */
  readonly history: readonly HistorySegment[];
  /** The session described this rendition, or history names it. */
  readonly isNamed: boolean;
  /** The page begins with the first name, which is that of the init section. */
  readonly isFirst: boolean;
  /** The session has segments. */
  readonly hasMedia: boolean;
  /** Segments are counted with one rendition only. */
  readonly counts: boolean;
  readonly sweep: Sweep;
}

/** Compare a page; `remove` are keys that nothing names and nothing will. */
export function comparePage(
  page: Page,
  now: number,
): { readonly tally: Tally; readonly remove: readonly string[] } {
  const { session, rendition, history, listed } = page;
  const bySegment = new Map(
    listed.flatMap((one): [number, Listed][] => (one.file.kind === "segment" ? [[one.file.msn, one]] : [])),
  );
  const missing: Missing[] = [];
  const named = new Set<string>();
  let [objects, bytes] = [0, 0];
  // What history names is never removed, also of a rendition that its session forgot to describe.
  const isNamed = page.isNamed || history.some(({ tracks }) => Object.hasOwn(tracks, rendition));
  if (isNamed && page.hasMedia) {
    const init = listed.find(({ file }) => file.kind === "init");
    if (init) named.add(init.key);
    else if (page.isFirst) missing.push({ session, rendition, why: "absent" });
  }
  for (const { msn, tracks } of isNamed ? history : []) {
    const object = tracks[rendition];
    const found = bySegment.get(msn);
    if (found && object) named.add(found.key);
    const why = whyMissing(object, found);
    if (why) missing.push({ session, rendition, msn, why });
    else {
      objects += 1;
      bytes += found?.bytes ?? 0;
    }
  }
  const remove = listed.filter((one) => !named.has(one.key) && mayGo(one, page.sweep, now));
  return {
    tally: {
      segments: page.counts ? history.length : 0,
      seconds: page.counts ? history.reduce((sum, { duration }) => sum + duration, 0) : 0,
      objects,
      bytes,
      missingCount: missing.length,
      gaps: missing.filter(({ why }) => why === "gap").length,
      removed: remove.length,
      missing: missing.slice(0, MAX_MISSING),
    },
    remove: remove.map(({ key }) => key),
  };
}

function whyMissing(
  object: HistorySegment["tracks"][string] | undefined,
  found: Listed | undefined,
): MissingReason | undefined {
  if (!object) return "gap";
  if (!found) return "absent";
  if (found.bytes !== object.bytes) return "size";
  return object.md5 !== undefined && found.md5 !== object.md5 ? "checksum" : undefined;
}

/** Of what nothing names: parts when they had their time, the rest when it is old and nothing can name it any more. */
const mayGo = ({ file, uploadedAt }: Listed, sweep: Sweep, now: number): boolean =>
  file.kind === "part" ? sweep.parts : sweep.orphans && uploadedAt < now - ORPHAN_AGE_MS;
