/**
 * Judges successive media playlists by the numbered rules of LL-HLS that a client can see, for unit tests and for live
 * conformance tests alike. Pure, and independent of the writer. `checkPlaylist` looks at one playlist through time,
 * `checkPresentation` across renditions at one moment.
 */
import {
  all,
  control,
  EPSILON,
  lastOf,
  number,
  numbered,
  partSum,
  partTargetOf,
  type ReadPlaylist,
  type ReadSegment,
  readAttributes,
  readMediaPlaylist,
  sum,
} from "./hls-reader.ts";
import {
  brokenHints,
  type CheckOptions,
  type CheckState,
  checkChange,
  checkPace,
  settleHints,
} from "./hls-succession.ts";

export type { CheckOptions, CheckState } from "./hls-succession.ts";

export interface Checked {
  readonly violations: readonly string[];
  readonly state: CheckState;
}

/** Check a version of a media playlist, on its own and as the successor of `previous`. */
export function checkPlaylist(text: string, previous?: CheckState, options: CheckOptions = {}): Checked {
  const bad: string[] = [];
  const old = previous?.playlist;
  const playlist = fillUp(text, old, bad);
  bad.push(...playlist.problems, ...checkHead(playlist), ...checkSegments(playlist), ...checkParts(playlist));
  bad.push(...checkEnd(playlist));
  if (old) bad.push(...checkChange(old, playlist));
  const unkept = [...(previous?.unkept ?? []), ...(old ? brokenHints(old, playlist, bad) : [])];
  const explained = settleHints(unkept, playlist, bad);
  const pace = checkPace(playlist, previous, options, bad);
  return { violations: bad, state: { playlist, unkept: explained, ...pace } };
}

/** Facts that a delta update, filled up, has different from the whole playlist (rule 21). */
export function differences(whole: CheckState, filled: CheckState): string[] {
  const facts = (state: CheckState) => {
    const { single, segments, open, hints, reports } = state.playlist;
    const head = [...single].filter(([name]) => name !== "VERSION" && name !== "SKIP");
    return [
      head,
      ...segments,
      open,
      hints.map((hint) => [...hint]),
      reports.map((report) => [...report]),
    ].map((fact) => JSON.stringify(fact));
  };
  const [left, right] = [facts(whole), facts(filled)];
  const length = Math.max(left.length, right.length);
  return Array.from({ length }, (_, i) => i)
    .filter((i) => left[i] !== right[i])
    .map((i) => `rule 21: the delta update says ${right[i]}, the whole playlist ${left[i]}`);
}

/** Check the media playlists of one moment against each other; keys are their URIs relative to one place. */
export function checkPresentation(states: ReadonlyMap<string, CheckState>): string[] {
  const bad: string[] = [];
  const [first, ...others] = [...states];
  if (!first) return bad;
  const [, { playlist: reference }] = first;
  for (const [uri, { playlist }] of others) {
    for (const [rule, name] of [
      ["9", "TARGETDURATION"],
      ["11", "SERVER-CONTROL"],
    ] as const) {
      if (playlist.single.get(name) !== reference.single.get(name))
        bad.push(`rule ${rule}: ${uri} has another ${name}`);
    }
    const known = numbered(reference);
    for (const [msn, { segment, discontinuities }] of numbered(playlist)) {
      const same = known.get(msn);
      if (!same) continue;
      if (same.discontinuities !== discontinuities)
        bad.push(`rule 27: ${uri} has other discontinuities at segment ${msn}`);
      if (Math.abs((same.segment.date ?? 0) - (segment.date ?? 0)) > 1)
        bad.push(`rule 24: ${uri} has another date at segment ${msn}`);
    }
  }
  for (const [uri, { playlist }] of states) {
    if (playlist.ended || playlist.iframesOnly) continue;
    const reported = new Set(playlist.reports.map((report) => resolve(uri, report.get("URI") ?? "")));
    for (const [other, { playlist: target }] of states) {
      if (other === uri || target.iframesOnly) continue;
      if (!reported.has(other)) bad.push(`rule 23: ${uri} has no report of ${other}`);
    }
  }
  return bad;
}

const resolve = (base: string, uri: string): string => new URL(uri, `http://here/${base}`).pathname.slice(1);

/** Read a version; what a delta update skips is taken from the one before. */
function fillUp(text: string, old: ReadPlaylist | undefined, bad: string[]): ReadPlaylist {
  const bare = readMediaPlaylist(text);
  if (bare.skipped === 0) return bare;
  const first = number(bare, "MEDIA-SEQUENCE");
  const past = old?.segments.filter(({ msn }) => msn >= first && msn < first + bare.skipped) ?? [];
  if (past.length < bare.skipped)
    bad.push(`rule 21: ${bare.skipped} segments are skipped, ${past.length} of them known`);
  const delta = readMediaPlaylist(text, past.at(-1)?.map);
  // Parts of skipped segments are skipped as well.
  const kept = past.map((segment) => ({ ...segment, parts: [] }));
  const until = Number(control(delta).get("CAN-SKIP-UNTIL") ?? Number.POSITIVE_INFINITY);
  let after = sum(delta.segments.map(({ duration }) => duration));
  const [nearest] = delta.segments;
  if (nearest && after - (nearest.duration ?? 0) > until + EPSILON)
    bad.push(`rule 21: segment ${nearest.msn} is past the skip boundary and not skipped`);
  for (const segment of kept.toReversed()) {
    if (after <= until - EPSILON)
      bad.push(`rule 21: segment ${segment.msn} is skipped inside the skip boundary`);
    after += segment.duration ?? 0;
  }
  return { ...delta, segments: [...kept, ...delta.segments] };
}

function checkHead(playlist: ReadPlaylist): string[] {
  const bad: string[] = [];
  const { single, segments, skipped, ended, iframesOnly } = playlist;
  const target = number(playlist, "TARGETDURATION");
  const attributes = control(playlist);
  const atLeast = (rule: number, name: string, least: number) => {
    const value = attributes.get(name);
    if (value !== undefined && Number(value) < least - EPSILON)
      bad.push(`rule ${rule}: ${name} is below ${least}`);
  };
  if (!Number.isInteger(target)) bad.push("rule 9: TARGETDURATION is not a whole number");
  if (!single.has("SERVER-CONTROL")) bad.push("rule 11: SERVER-CONTROL is missing");
  const partTarget = partTargetOf(playlist);
  if (all(playlist).some(({ parts }) => parts.length > 0) && partTarget === undefined)
    bad.push("rule 1: parts without PART-INF");
  if (partTarget !== undefined) {
    if (!attributes.has("PART-HOLD-BACK")) bad.push("rule 1: PART-INF without PART-HOLD-BACK");
    atLeast(1, "PART-HOLD-BACK", 3 * partTarget);
  }
  atLeast(2, "HOLD-BACK", 3 * target);
  atLeast(2, "CAN-SKIP-UNTIL", 6 * target);
  if (attributes.has("CAN-SKIP-DATERANGES") && !attributes.has("CAN-SKIP-UNTIL"))
    bad.push("rule 2: CAN-SKIP-DATERANGES without CAN-SKIP-UNTIL");
  const version = number(playlist, "VERSION");
  const skip = readAttributes(single.get("SKIP") ?? "");
  const needed = skip.has("RECENTLY-REMOVED-DATERANGES") ? 10 : skipped > 0 ? 9 : iframesOnly ? 5 : 6;
  if (version !== needed) bad.push(`rule 12: VERSION is ${version}, its tags need ${needed}`);
  if (!single.has("DISCONTINUITY-SEQUENCE")) bad.push("rule 27: DISCONTINUITY-SEQUENCE is missing");
  const sliding = number(playlist, "MEDIA-SEQUENCE") > 0;
  if (sliding && single.has("PLAYLIST-TYPE")) bad.push("rule 13: PLAYLIST-TYPE in a sliding playlist");
  if (sliding && !ended && sum(segments.map(({ duration }) => duration)) < 3 * target - EPSILON)
    bad.push("rule 10: shorter than three target durations");
  if (skipped > 0 && (ended || !attributes.has("CAN-SKIP-UNTIL")))
    bad.push("rule 21: a delta update was not on offer");
  return bad;
}

function checkSegments(playlist: ReadPlaylist): string[] {
  const bad: string[] = [];
  const target = number(playlist, "TARGETDURATION");
  let before: ReadSegment | undefined;
  for (const segment of all(playlist)) {
    const { msn, duration, date, map, gap, byteRange } = segment;
    if (duration === undefined && segment.uri !== undefined) bad.push(`format: segment ${msn} has no EXTINF`);
    if (duration !== undefined && Math.round(duration) > target)
      bad.push(`rule 9: segment ${msn} lasts ${duration}`);
    if (date === undefined || Number.isNaN(date)) bad.push(`rule 24: segment ${msn} has no date`);
    if (map === undefined && !gap) bad.push(`rule 5: segment ${msn} has no MAP`);
    if (playlist.iframesOnly && !gap && byteRange === undefined)
      bad.push(`rule 29: segment ${msn} is no range`);
    if (before && date !== undefined && before.date !== undefined) {
      const off = date - (before.date + 1000 * (before.duration ?? 0));
      if (off < -1000) bad.push(`rule 24: the date of segment ${msn} is ambiguous`);
      if (!segment.discontinuity && Math.abs(off) > 100)
        bad.push(`rule 24: the date of segment ${msn} jumps`);
    }
    if (before && !segment.discontinuity && !before.gap && !gap && map !== before.map)
      bad.push(`rule 27: MAP changes at segment ${msn} without a discontinuity`);
    before = segment;
  }
  return bad;
}

function checkParts(playlist: ReadPlaylist): string[] {
  const bad: string[] = [];
  const target = number(playlist, "TARGETDURATION");
  const partTarget = partTargetOf(playlist) ?? 0;
  const listed = all(playlist);
  const last = listed.at(-1);
  let after = sum(listed.map(({ duration }) => duration)) + partSum(playlist.open);
  let seen = false;
  for (const segment of listed) {
    const { msn, parts, duration, lateTags } = segment;
    after -= duration ?? partSum(segment);
    for (const name of lateTags) bad.push(`rule 5: ${name} of segment ${msn} comes after a part`);
    if (parts.length === 0) {
      if (seen) bad.push(`rule 7: segment ${msn} has no parts, one before it has`);
      continue;
    }
    seen = true;
    if (after > 3 * target + EPSILON) bad.push(`rule 7: parts of segment ${msn} are too far from the end`);
    parts.forEach((part, index) => {
      const where = `part ${msn}.${index}`;
      if (part.duration > partTarget + 1e-9) bad.push(`rule 3: ${where} lasts ${part.duration}`);
      const mayBeShort =
        part.independent || part.gap || parts[index + 1]?.gap === true || index === parts.length - 1;
      if (!mayBeShort && part.duration < 0.85 * partTarget)
        bad.push(`rule 3: ${where} lasts only ${part.duration}`);
      if (!(part.duration > 0)) bad.push(`rule 3: ${where} has no duration`);
    });
    if (duration !== undefined && Math.abs(duration - partSum(segment)) > 0.001 * parts.length)
      bad.push(`rule 6: segment ${msn} lasts ${duration}, its parts ${partSum(segment)}`);
    const first = parts[0];
    if (first && !first.gap && !first.independent) bad.push(`rule 4: part ${msn}.0 is not independent`);
  }
  if (last && last.uri === undefined && last.parts.length === 0)
    bad.push("format: tags of a segment that is not there");
  return bad;
}

function checkEnd(playlist: ReadPlaylist): string[] {
  const bad: string[] = [];
  const { hints, reports, ended } = playlist;
  if (ended && hints.length > 0) bad.push("rule 14: a hint after the end");
  if (ended && playlist.open) bad.push("rule 14: an open segment after the end");
  const types = hints.map((hint) => hint.get("TYPE"));
  if (new Set(types).size < types.length) bad.push("rule 22: two hints of one type");
  const [ownMsn, ownPart] = lastOf(playlist);
  for (const report of reports) {
    const uri = report.get("URI") ?? "";
    if (uri === "" || uri.startsWith("/") || /^[a-z]+:/i.test(uri))
      bad.push(`rule 23: the report's URI is ${uri}`);
    if (!report.has("LAST-MSN")) bad.push(`rule 23: no LAST-MSN for ${uri}`);
    if (ownPart !== undefined && !report.has("LAST-PART")) bad.push(`rule 23: no LAST-PART for ${uri}`);
    const [msn, part] = [Number(report.get("LAST-MSN")), Number(report.get("LAST-PART") ?? 0)];
    const near = msn === ownMsn ? Math.abs(part - (ownPart ?? 0)) <= 1 : Math.abs(msn - ownMsn) === 1;
    if (!near) bad.push(`rule 23: ${uri} is reported at ${msn}.${part}, this one is at ${ownMsn}.${ownPart}`);
  }
  return bad;
}
