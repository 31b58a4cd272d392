/**
 * What a playlist may not do from one version to the next: the part of hls-checker.ts that compares with the past.
 */
import {
  all,
  EPSILON,
  lastOf,
  number,
  numbered,
  partSum,
  partTargetOf,
  type ReadPlaylist,
  type ReadSegment,
  sum,
} from "./hls-reader.ts";

/** What is remembered of a playlist until its next version. */
export interface CheckState {
  /** The playlist, delta updates filled up. */
  readonly playlist: ReadPlaylist;
  /** Hints that were not kept, and the segment that has to explain it by a discontinuity. */
  readonly unkept: readonly { readonly uri: string; readonly msn: number }[];
  /** When a part and a segment were last new, milliseconds. */
  readonly newPartAt?: number;
  readonly newSegmentAt?: number;
}

export interface CheckOptions {
  /** When this version was received; with it the pace of updates is judged (rule 8). Only for blocking reloads. */
  readonly receivedAtMs?: number;
  /** What network and scheduling may add to the pace. */
  readonly slackMs?: number;
}

/** What changed and must not have, went back, or went too early. */
export function checkChange(old: ReadPlaylist, playlist: ReadPlaylist): string[] {
  const bad: string[] = [];
  for (const [rule, name] of [
    ["9", "TARGETDURATION"],
    ["3", "PART-INF"],
    ["11", "SERVER-CONTROL"],
  ] as const) {
    const mayChange = playlist.ended && name === "SERVER-CONTROL";
    if (!mayChange && old.single.get(name) !== playlist.single.get(name))
      bad.push(`rule ${rule}: ${name} changed`);
  }
  for (const name of ["MEDIA-SEQUENCE", "DISCONTINUITY-SEQUENCE"]) {
    if (number(playlist, name) < number(old, name)) bad.push(`rule 10: ${name} went back`);
  }
  const [oldMsn, oldPart] = lastOf(old);
  const [msn, part] = lastOf(playlist);
  if (msn < oldMsn || (msn === oldMsn && playlist.open && (part ?? 0) < (oldPart ?? 0)))
    bad.push(`rule 10: the end went back from ${oldMsn}.${oldPart} to ${msn}.${part}`);
  if (old.segments.length > 0 && number(playlist, "MEDIA-SEQUENCE") > oldMsn + 1)
    bad.push("rule 10: segments were left out");
  if (old.ended && (!playlist.ended || msn !== oldMsn)) bad.push("rule 14: something follows the end");
  const known = numbered(playlist);
  for (const [at, { segment, discontinuities }] of numbered(old)) {
    const now = known.get(at);
    if (now) bad.push(...checkSame(segment, now.segment, discontinuities === now.discontinuities, playlist));
  }
  return bad;
}

function checkSame(
  old: ReadSegment,
  now: ReadSegment,
  sameNumber: boolean,
  playlist: ReadPlaylist,
): string[] {
  const bad: string[] = [];
  const { msn } = old;
  if (!sameNumber) bad.push(`rule 10: segment ${msn} has another discontinuity sequence number`);
  if (old.date !== now.date) bad.push(`rule 24: the date of segment ${msn} changed`);
  if (old.discontinuity !== now.discontinuity)
    bad.push(`rule 27: the discontinuity of segment ${msn} changed`);
  if (old.uri !== undefined) {
    for (const key of ["uri", "duration", "gap", "byteRange"] as const)
      if (old[key] !== now[key]) bad.push(`rule 10: ${key} of segment ${msn} changed`);
    if (!now.gap && old.map !== now.map) bad.push(`rule 10: the MAP of segment ${msn} changed`);
  }
  if (now.parts.length === 0) {
    const behind = all(playlist).filter((segment) => segment.msn > msn);
    const after = sum(behind.map((segment) => segment.duration ?? partSum(segment)));
    if (old.parts.length > 0 && after <= 3 * number(playlist, "TARGETDURATION") - EPSILON)
      bad.push(`rule 7: the parts of segment ${msn} went too early`);
    return bad;
  }
  if (old.uri !== undefined && old.parts.length !== now.parts.length)
    bad.push(`rule 7: segment ${msn} had ${old.parts.length} parts, now ${now.parts.length}`);
  old.parts.forEach((part, index) => {
    if (JSON.stringify(part) !== JSON.stringify(now.parts[index]))
      bad.push(`rule 10: part ${msn}.${index} changed`);
  });
  return bad;
}

/** A part that was hinted and whose place was passed without it. */
export function brokenHints(
  old: ReadPlaylist,
  playlist: ReadPlaylist,
  bad: string[],
): { uri: string; msn: number }[] {
  const uri = old.hints.find((hint) => hint.get("TYPE") === "PART")?.get("URI");
  if (uri === undefined || playlist.ended) return [];
  if (playlist.hints.some((hint) => hint.get("URI") === uri)) return [];
  if (all(playlist).some(({ parts }) => parts.some((part) => part.uri === uri))) return [];
  if (old.open?.msn === playlist.open?.msn && old.open) {
    bad.push(`rule 22: ${uri} was hinted and another part came, or another hint`);
    return [];
  }
  // The segment that comes next has to explain it.
  return [{ uri, msn: lastOf(old)[0] + 1 }];
}

/** A hint may stay unkept only where the segmentation changed (6.2.6): a new session, so a discontinuity. */
export function settleHints(
  unkept: CheckState["unkept"],
  playlist: ReadPlaylist,
  bad: string[],
): { uri: string; msn: number }[] {
  return unkept.filter(({ uri, msn }) => {
    const segment = all(playlist).find((candidate) => candidate.msn === msn);
    if (!segment) return !playlist.ended;
    if (!segment.discontinuity) bad.push(`rule 22: ${uri} was hinted and never came`);
    return false;
  });
}

/** A new part within one PART-TARGET, a new segment within 1.5 target durations. */
export function checkPace(
  playlist: ReadPlaylist,
  previous: CheckState | undefined,
  { receivedAtMs, slackMs = 250 }: CheckOptions,
  bad: string[],
): Pick<CheckState, "newPartAt" | "newSegmentAt"> {
  if (receivedAtMs === undefined) return {};
  const old = previous?.playlist;
  const newSegment = old?.segments.at(-1)?.msn !== playlist.segments.at(-1)?.msn;
  const newPart = newSegment || (old && lastOf(old)[1]) !== lastOf(playlist)[1];
  const late = (rule: string, since: number | undefined, seconds: number) => {
    if (since !== undefined && receivedAtMs - since > 1000 * seconds + slackMs)
      bad.push(`${rule} ${(receivedAtMs - since) / 1000} s after the last`);
  };
  const partTarget = partTargetOf(playlist);
  if (newPart && partTarget !== undefined) late("rule 8: a new part", previous?.newPartAt, partTarget);
  if (newSegment)
    late("rule 8: a new segment", previous?.newSegmentAt, 1.5 * number(playlist, "TARGETDURATION"));
  const newPartAt = newPart ? receivedAtMs : previous?.newPartAt;
  const newSegmentAt = newSegment ? receivedAtMs : previous?.newSegmentAt;
  return {
    ...(newPartAt !== undefined && { newPartAt }),
    ...(newSegmentAt !== undefined && { newSegmentAt }),
  };
}
