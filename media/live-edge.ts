/**
 * The live edge of a broadcast, and who may be answered at it (rfc8216bis 6.2.5.2).
 * No I/O, no clock: callers do the waiting.
 */
import type { MediaFile } from "./address.ts";
import { advancePartLimit } from "./profile.ts";
import { positionOf, type Timeline } from "./timeline.ts";

export interface LiveEdge {
  /** Segment being filled, or about to be. */
  readonly msn: number;
  /** Parts of it already published. */
  readonly parts: number;
  /** Parts in segment `msn - 1`. */
  readonly closedParts: number;
  /** PART-TARGET; absent when the broadcast has no parts. */
  readonly partTarget?: number;
  readonly ended: boolean;
}

/** `_HLS_msn` and `_HLS_part`. */
export interface Reload {
  readonly msn: number;
  readonly part?: number;
}

/** `too-far`: further ahead than a client has reason to ask. */
export type Verdict = "serve" | "wait" | "too-far";

/** The edge of a timeline. */
export function edgeOf(timeline: Timeline): LiveEdge {
  const { msn, part } = positionOf(timeline);
  const { partTarget } = timeline.timing;
  return {
    msn,
    parts: part,
    closedParts: timeline.segments.at(-1)?.partCount ?? 0,
    ended: timeline.ended,
    ...(partTarget !== undefined && { partTarget }),
  };
}

/** Decide a request for a playlist; `undefined` is one that names no position. */
export function decide(want: Reload | undefined, edge: LiveEdge): Verdict {
  // An ended playlist ignores delivery directives (6.2.5).
  if (want === undefined || edge.ended) return "serve";
  const newestClosed = edge.msn - 1;
  if (want.msn > newestClosed + 2) return "too-far";
  if (want.part === undefined || edge.partTarget === undefined)
    return want.msn <= newestClosed ? "serve" : "wait";
  return decidePart(want.msn, want.part, edge, edge.partTarget);
}

function decidePart(msn: number, part: number, edge: LiveEdge, partTarget: number): Verdict {
  if (msn < edge.msn - 1) return "serve";
  if (msn === edge.msn - 1) {
    // A part past the end of its segment stands for the first of the next one.
    return part < edge.closedParts || edge.parts > 0 ? "serve" : "wait";
  }
  if (msn === edge.msn) return part < edge.parts ? "serve" : waitUnlessFar(part - edge.parts, partTarget);
  return waitUnlessFar(part, partTarget);
}

const waitUnlessFar = (ahead: number, partTarget: number): Verdict =>
  ahead >= advancePartLimit(partTarget) ? "too-far" : "wait";

/** What is known of a part that somebody asks for before or after it exists. */
export type PartVerdict = "exists" | "hinted" | "unknown";

/** Only the one part that a playlist hints may be waited for (4.4.5.3). */
export function decidePartRequest(want: Required<Reload>, edge: LiveEdge): PartVerdict {
  if (edge.partTarget === undefined) return "unknown";
  if (want.msn < edge.msn - 1) return "exists";
  if (want.msn === edge.msn - 1) return want.part < edge.closedParts ? "exists" : "unknown";
  if (want.msn === edge.msn && want.part < edge.parts) return "exists";
  return !edge.ended && want.msn === edge.msn && want.part === edge.parts ? "hinted" : "unknown";
}

/**
 * Whether a media object that is not there may come. `coming`: any moment now. `missing`: it should be there, or is further
 * ahead than a second. `never`: its broadcast is over, or there is none.
 */
export type Hope = "coming" | "missing" | "never";

/** Segments past the open one that could be there within a second, however short they are. */
const SOON_SEGMENTS = 2;

/** The hope for an object of the broadcast whose edge this is. `sessionsAhead`: its session's ordinal minus the newest one's. */
export function hopeFor(file: MediaFile, sessionsAhead: number, edge: LiveEdge): Hope {
  if (edge.ended) return "never";
  if (sessionsAhead !== 0) return sessionsAhead === 1 ? "coming" : "missing";
  if (file.kind === "init") return "coming";
  const segmentsAhead = file.msn - edge.msn;
  if (segmentsAhead < 0 || segmentsAhead > SOON_SEGMENTS) return "missing";
  const isThere = file.kind === "part" && segmentsAhead === 0 && file.part < edge.parts;
  return isThere ? "missing" : "coming";
}
