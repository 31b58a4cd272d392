/**
 * The timeline: the ordered segments and parts of a broadcast, the single truth from which every manifest is drawn.
 * This is the live window of it, bounded in size; history is storage's business. No I/O, no clock, nothing mutated.
 */

import type { Timing } from "./profile.ts";
import { fail, ok, type Result } from "./result.ts";
import { trim } from "./trim.ts";

/** One object of one rendition. */
export interface TrackObject {
  readonly bytes: number;
  /** Holds an independent frame (4.4.4.9). Audio always does. */
  readonly independent: boolean;
  /** Video that begins a segment: bytes from the start up to the end of the leading keyframe's own fragment. */
  readonly iframeBytes?: number;
  /** MD5 of a segment's bytes, as hexadecimal digits: what R2 calls its ETag. Parts carry none. */
  readonly md5?: string;
}

/** Objects by rendition; a rendition that is missing has a gap here. */
export type Tracks = Readonly<Record<string, TrackObject>>;

export interface Part {
  /** Seconds, the same on every track. */
  readonly duration: number;
  readonly tracks: Tracks;
}

export interface Segment {
  /** Media sequence number. */
  readonly msn: number;
  /** Ordinal of the session it came in. */
  readonly session: number;
  /** First of its session, and not of the broadcast. */
  readonly discontinuity: boolean;
  /** When its first frame was captured, milliseconds since 1970; never well before the end of the segment before it. */
  readonly at: number;
  /** Seconds, the same on every track. */
  readonly duration: number;
  /** How many parts it had, also after they are forgotten. */
  readonly partCount: number;
  /** Its parts, while a playlist may name them. */
  readonly parts: readonly Part[];
  readonly tracks: Tracks;
}

/** The segment being filled. */
export type OpenSegment = Pick<Segment, "msn" | "session" | "discontinuity" | "at" | "parts">;

/** One quality of one track, with what was measured of it so far. */
export interface Rendition {
  readonly name: string;
  readonly kind: "video" | "audio";
  /** RFC 6381, from the bitstream. */
  readonly codecs: string;
  /** Bits a second that were planned; used until a segment has been measured. */
  readonly bitrate: number;
  readonly width?: number;
  readonly height?: number;
  readonly frameRate?: number;
  readonly channels?: number;
  /** Sums over closed segments; peak is bits a second. */
  readonly measured: { readonly bytes: number; readonly seconds: number; readonly peak: number };
}

export interface Timeline {
  readonly broadcast: string;
  readonly stream: string;
  readonly timing: Timing;
  /** Video from the best down, then audio. */
  readonly renditions: readonly Rendition[];
  /** Ordinal of the newest session that described its tracks; 0 before the first. */
  readonly session: number;
  /** EXT-X-DISCONTINUITY-SEQUENCE: discontinuities that left the window; one at the first segment is still in it. */
  readonly discontinuitySequence: number;
  /** Closed segments in the window, `msn` dense. */
  readonly segments: readonly Segment[];
  readonly open?: OpenSegment;
  /** `msn` that the next segment to open will have. */
  readonly nextMsn: number;
  readonly ended: boolean;
}

/** What a rendition of a session is, from its init segment. */
export type RenditionFacts = Omit<Rendition, "measured">;

/** What a session adds to a timeline. */
export type Entry =
  | { readonly type: "init"; readonly renditions: readonly RenditionFacts[] }
  | {
      readonly type: "part";
      readonly msn: number;
      readonly part: number;
      readonly at: number;
      readonly duration: number;
      readonly tracks: Tracks;
    }
  | {
      readonly type: "segment";
      readonly msn: number;
      readonly at: number;
      readonly duration: number;
      readonly tracks: Tracks;
    };
/** A part or a segment. */
export type MediaEntry = Entry & { readonly type: "part" | "segment" };
/** A whole segment. */
export type SegmentEntry = Entry & { readonly type: "segment" };

/** The place that the next part has. */
export interface Position {
  readonly msn: number;
  readonly part: number;
}

export type ExtendError =
  /** An entry leaves out what must come first. */
  | { readonly reason: "gap"; readonly expected: Position }
  /** A session may not add media before it said what its tracks are. */
  | { readonly reason: "no-init" }
  /** A duration that TARGETDURATION or PART-TARGET forbids. */
  | { readonly reason: "too-long"; readonly seconds: number; readonly limit: number }
  /** A segment that does not last as long as its parts together. */
  | { readonly reason: "uneven"; readonly seconds: number; readonly parts: number }
  /** More renditions than a broadcast may have. */
  | { readonly reason: "too-many"; readonly limit: number }
  /** The broadcast is over. */
  | { readonly reason: "ended" };

/**
 * A timeline with nothing in it. A stream's playlists keep their address from one broadcast to the next, so the numbers
 * go on from those of the broadcast `before`: neither sequence may ever step back there (rfc8216bis 6.2.2).
 */
export function emptyTimeline(
  broadcast: string,
  stream: string,
  timing: Timing,
  before?: Timeline,
): Timeline {
  return {
    broadcast,
    stream,
    timing,
    renditions: [],
    session: 0,
    discontinuitySequence: before ? discontinuitiesOf(before) + 1 : 0,
    segments: [],
    nextMsn: before ? before.nextMsn + (before.open ? 1 : 0) : 0,
    ended: false,
  };
}

/** All discontinuities a timeline has had. */
const discontinuitiesOf = ({ discontinuitySequence, segments, open }: Timeline): number =>
  discontinuitySequence +
  segments.filter((segment) => segment.discontinuity).length +
  (open?.discontinuity ? 1 : 0);

/** Where the timeline goes on. */
export const positionOf = (timeline: Timeline): Position =>
  timeline.open
    ? { msn: timeline.open.msn, part: timeline.open.parts.length }
    : { msn: timeline.nextMsn, part: 0 };

/**
 * Add what a session sent. Entries that are already there are passed over, so that a retry does no harm;
 * `added` lists the rest, which is what must be stored before anyone is told. It may hold an entry that nobody sent:
 * a session that begins while the segment of an older one is open closes it, as a gap.
 */
export function extend(
  timeline: Timeline,
  session: number,
  entries: readonly Entry[],
): Result<{ readonly timeline: Timeline; readonly added: readonly Entry[] }, ExtendError> {
  if (timeline.ended) return fail({ reason: "ended" });
  let next = timeline;
  const added: Entry[] = [];
  for (const entry of entries) {
    const abandoned = entry.type === "init" && session > next.session ? abandonedEntry(next) : undefined;
    for (const one of abandoned ? [abandoned, entry] : [entry]) {
      const step = applyEntry(next, one === abandoned ? next.session : session, one);
      if (!step.ok) return step;
      if (step.value === next) continue;
      next = step.value;
      added.push(one);
    }
  }
  return ok({ timeline: next, added });
}

/** Close the broadcast: nothing follows, and a segment that was never closed is forgotten. */
export function end(timeline: Timeline): Timeline {
  const { open: _open, ...rest } = timeline;
  return { ...rest, ended: true };
}

function applyEntry(timeline: Timeline, session: number, entry: Entry): Result<Timeline, ExtendError> {
  if (entry.type === "init")
    return session > timeline.session ? describe(timeline, session, entry.renditions) : ok(timeline);
  if (session !== timeline.session) return fail({ reason: "no-init" });
  return entry.type === "part" ? addPart(timeline, entry) : closeSegment(timeline, entry);
}

/** Closes what an older session left open and nobody sealed (media/seal.ts): no whole object of it is known to exist. */
function abandonedEntry({ open }: Timeline): Entry | undefined {
  if (!open) return undefined;
  return { type: "segment", msn: open.msn, at: open.at, duration: partSeconds(open.parts), tracks: {} };
}

/** Sum of the durations of parts. */
export const partSeconds = (parts: readonly Part[]): number =>
  parts.reduce((sum, part) => sum + part.duration, 0);

function describe(
  timeline: Timeline,
  session: number,
  facts: readonly RenditionFacts[],
): Result<Timeline, ExtendError> {
  const known = new Map(timeline.renditions.map((rendition) => [rendition.name, rendition]));
  for (const fact of facts) {
    known.set(fact.name, {
      ...fact,
      measured: known.get(fact.name)?.measured ?? { bytes: 0, seconds: 0, peak: 0 },
    });
  }
  if (known.size > MAX_RENDITIONS) return fail({ reason: "too-many", limit: MAX_RENDITIONS });
  return ok({ ...timeline, session, renditions: [...known.values()] });
}

function addPart(timeline: Timeline, entry: Entry & { type: "part" }): Result<Timeline, ExtendError> {
  const expected = positionOf(timeline);
  if (entry.msn < expected.msn || (entry.msn === expected.msn && entry.part < expected.part))
    return ok(timeline);
  if (entry.msn > expected.msn || entry.part > expected.part) return fail({ reason: "gap", expected });
  const limit = timeline.timing.partTarget ?? 0;
  if (entry.duration > limit + ROUNDING_SECONDS)
    return fail({ reason: "too-long", seconds: entry.duration, limit });
  const part: Part = { duration: entry.duration, tracks: entry.tracks };
  const open = timeline.open ?? openSegment(timeline, entry);
  // Once listed, a part cannot be taken back: what could never be closed must not get so far.
  const whole = partSeconds(open.parts) + part.duration;
  if (whole >= segmentLimit(timeline.timing) - EXTINF_ROUNDING_SECONDS)
    return fail({ reason: "too-long", seconds: whole, limit: segmentLimit(timeline.timing) });
  return ok({ ...timeline, open: { ...open, parts: [...open.parts, part] } });
}

function closeSegment(timeline: Timeline, entry: SegmentEntry): Result<Timeline, ExtendError> {
  const expected = positionOf(timeline);
  if (entry.msn < expected.msn) return ok(timeline);
  if (entry.msn > expected.msn || (timeline.timing.partTarget !== undefined && expected.part === 0)) {
    return fail({ reason: "gap", expected });
  }
  const excess = segmentExcess(entry.duration, timeline.timing);
  if (excess) return fail(excess);
  const { open: opened, ...rest } = timeline;
  const open = opened ?? openSegment(timeline, entry);
  const parts = partSeconds(open.parts);
  // Each part's duration may have been rounded by as much as is forgiven below.
  if (open.parts.length > 0 && Math.abs(entry.duration - parts) > (open.parts.length + 1) * ROUNDING_SECONDS)
    return fail({ reason: "uneven", seconds: entry.duration, parts });
  const segment: Segment = {
    ...open,
    duration: entry.duration,
    partCount: open.parts.length,
    tracks: entry.tracks,
  };
  return ok(
    trim({
      ...rest,
      nextMsn: entry.msn + 1,
      segments: [...timeline.segments, segment],
      renditions: timeline.renditions.map((rendition) => measure(rendition, segment, timeline.timing)),
    }),
  );
}

function openSegment(timeline: Timeline, entry: { readonly msn: number; readonly at: number }): OpenSegment {
  const previous = timeline.segments.at(-1);
  const discontinuity = previous !== undefined && previous.session !== timeline.session;
  const at = previous ? dateAfter(previous, entry.at) : entry.at;
  return { msn: entry.msn, session: timeline.session, discontinuity, at, parts: [] };
}

/**
 * A date must name one place in a playlist; less than a second of overlap is allowed, for clocks that drift (6.2.1).
 * So a clock that was put back by more does not take the dates with it.
 */
function dateAfter(previous: Segment, at: number): number {
  const end = previous.at + 1000 * previous.duration;
  // A millisecond less, for playlists round both dates to whole ones.
  return at > end - 999 ? at : end;
}

/** EXTINF rounded to whole seconds must not exceed TARGETDURATION (4.4.3.1): a segment stays below this. */
const segmentLimit = (timing: Timing): number => timing.targetDuration + 0.5;

/** Why a segment cannot last so long, if it cannot. */
export const segmentExcess = (seconds: number, timing: Timing): ExtendError | undefined =>
  seconds < segmentLimit(timing) - EXTINF_ROUNDING_SECONDS
    ? undefined
    : { reason: "too-long", seconds, limit: segmentLimit(timing) };
/** By this much, for a playlist rounds durations to six decimals first. */
const EXTINF_ROUNDING_SECONDS = 1e-6;

function measure(rendition: Rendition, segment: Segment, timing: Timing): Rendition {
  const object = segment.tracks[rendition.name];
  if (!object) return rendition;
  const { bytes, seconds, peak } = rendition.measured;
  const bitsPerSecond = (8 * object.bytes) / segment.duration;
  const measured = {
    bytes: bytes + object.bytes,
    seconds: seconds + segment.duration,
    // A peak is that of a stretch of at least half a target duration (4.1); a last scrap says nothing.
    peak: segment.duration < timing.targetDuration / 2 ? peak : Math.max(peak, Math.ceil(bitsPerSecond)),
  };
  return { ...rendition, measured };
}

/** Renditions that a broadcast may have. */
export const MAX_RENDITIONS = 16;
/** Durations travel as decimals; this much is forgiven. */
const ROUNDING_SECONDS = 0.0005;
