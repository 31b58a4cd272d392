/**
 * Fuzz target: bodies of `POST /ingest/<session>/timeline`, the timeline they grow, and every playlist drawn from it. What
 * the schema takes must not make `extend` or a writer throw, and must keep the rules that a hostile encoder cannot break.
 */
import { iframePlaylist, mediaPlaylist, multivariantPlaylist } from "../media/hls.ts";
import { decide, edgeOf } from "../media/live-edge.ts";
import { PROFILE_NAMES, PROFILES } from "../media/profile.ts";
import { sealingEntry } from "../media/seal.ts";
import { type Entry, emptyTimeline, end, extend, positionOf, type Timeline } from "../media/timeline.ts";
import { type CheckState, checkPlaylist, checkPresentation } from "../test/support/hls-checker.ts";
import { AppendSchema, MAX_OBJECT_BYTES } from "../wire/ingest.ts";
import { parse } from "../wire/parse.ts";
import { mutateJson, mutateText } from "./mutate.ts";
import type { Random } from "./random.ts";
import { asText, must, type Ran, readJson, type Target } from "./target.ts";

const BROADCAST = `demo-${"0".repeat(26)}`;
/** Bodies of one broadcast, a line each: the profile, then `<session> <body>`. */
const MOST_LINES = 40;

interface Script {
  readonly random: Random;
  readonly target: number;
  readonly partTarget: number | undefined;
  readonly names: readonly string[];
  msn: number;
  at: number;
}

function make(random: Random): string {
  const profile = random.pick(PROFILE_NAMES);
  const { segmentSeconds, partTargetSeconds } = PROFILES[profile];
  const names = random.pick<readonly string[]>([
    ["v720", "audio"],
    ["v720", "v360", "audio"],
    ["audio"],
    random.once(8) ? ["v720", "constructor"] : ["v720"],
  ] as const);
  const start = random.pick([1_795_000_000_000, 1_795_000_000_000, 0, 253_402_214_000_000]);
  const script: Script = {
    random,
    target: segmentSeconds,
    partTarget: partTargetSeconds,
    names,
    msn: 0,
    at: start,
  };
  const lines: string[] = [profile];
  let session = 1;
  lines.push(line(session, [init(script)], random));
  for (let left = random.below(14); left > 0; left -= 1) {
    if (random.once(10)) {
      session += random.between(0, 2);
      lines.push(line(session, [init(script)], random));
    }
    const entries = Array.from({ length: random.between(1, 3) }, () => segment(script)).flat();
    lines.push(line(random.once(40) ? session - 1 : session, entries, random));
    if (random.once(12)) lines.push(random.pick(["seal", lines.at(-1) ?? "seal"]));
  }
  if (random.once(3)) lines.push("end");
  return lines.join("\n");
}

function line(session: number, entries: readonly Entry[], random: Random): string {
  let body: unknown = { entries };
  for (let left = random.once(12) ? 1 + random.below(3) : 0; left > 0; left -= 1)
    body = mutateJson(body, random);
  const text = `${session} ${JSON.stringify(body)}`;
  return random.once(60) ? mutateText(text, random, 2).replaceAll("\n", "") : text;
}

const kindOf = (name: string): "audio" | "video" => (name.startsWith("v") ? "video" : "audio");

function init({ random, names }: Script): Entry {
  const renditions = names.map((name) => ({
    name,
    kind: random.once(50) ? ("audio" as const) : kindOf(name),
    codecs: "avc1.64001f",
    bitrate: random.once(300) ? 1e300 : random.pick([2_800_000, 0, 0.5]),
    ...(kindOf(name) === "video"
      ? { width: 1280, height: 720, frameRate: random.once(300) ? 1e21 : 30 }
      : { channels: 2 }),
  }));
  return { type: "init", renditions };
}

function segment(script: Script): Entry[] {
  const { random, target, partTarget } = script;
  const jump = random.once(12) ? random.pick([-5000, -999.8, -1000, 90_000, -1e9]) : 0;
  const at = Math.max(0, script.at + jump);
  const entries: Entry[] = [];
  let duration = random.pick([target, target, target / 2, 0.001, target + 0.4999996, target + 0.4999]);
  if (partTarget !== undefined) {
    const most = Math.max(1, Math.floor((target + 0.49) / partTarget));
    const lengths = Array.from({ length: random.between(1, most) }, () =>
      random.pick([partTarget, partTarget, partTarget - 0.05, partTarget + 0.0004, 0.001]),
    );
    duration = lengths.reduce((sum, one) => sum + one, 0);
    lengths.forEach((length, part) => {
      entries.push({
        type: "part",
        msn: script.msn,
        part,
        at,
        duration: length,
        tracks: tracks(script, part === 0),
      });
    });
    if (random.once(8)) return entries;
    if (random.once(12)) duration = random.pick([target + 0.4999996, 0.001, 0.5]);
  }
  entries.push({ type: "segment", msn: script.msn, at, duration, tracks: tracks(script, true) });
  script.msn += 1;
  script.at = at + 1000 * duration;
  return entries;
}

function tracks({ random, names }: Script, independent: boolean) {
  const present = names.filter(() => !random.once(15));
  return Object.fromEntries(
    present.map((name) => {
      const bytes = random.pick([100_000, 1, MAX_OBJECT_BYTES]);
      const iframeBytes = random.once(200) ? bytes + 1 : random.pick([1, bytes]);
      const own = { bytes, independent: independent || kindOf(name) === "audio" };
      return [name, kindOf(name) === "video" ? { ...own, iframeBytes } : own];
    }),
  );
}

/** What only an encoder knows: its dates within a session, how its parts fill a segment, and whether a part is the last. */
const DECLARED = [
  /^rule 24: the date of segment \d+ jumps/,
  /^rule 3: part [\d.]+ lasts only/,
  /^rule 4: part [\d.]+ is not independent/,
  /^rule 6: segment \d+ lasts/,
  /^rule 22: .* was hinted and never came/,
  // How far parts are from the end is measured by parts while a segment is open, and by what is declared of it then.
  /^rule 7: segment \d+ had \d+ parts, now/,
  /^rule 7: the parts of segment \d+ went too early/,
];

function run(text: string): Ran {
  const [head = "", ...lines] = text.split("\n");
  const profile = PROFILES[PROFILE_NAMES.find((name) => name === head) ?? "low"];
  const { segmentSeconds, partTargetSeconds } = profile;
  const timing = {
    targetDuration: segmentSeconds,
    windowSeconds: 6 * segmentSeconds,
    ...(partTargetSeconds !== undefined && { partTarget: partTargetSeconds }),
  };
  let timeline = emptyTimeline(BROADCAST, "demo", timing);
  const said: unknown[] = [];
  const states = new Map<string, CheckState>();
  let outcome = "empty";
  for (const one of lines.slice(0, MOST_LINES)) {
    const step = oneLine(timeline, one);
    outcome = step.outcome === "grown" ? "grown" : outcome === "grown" ? "grown" : step.outcome;
    said.push(step.outcome);
    if (step.timeline === timeline) continue;
    checkTimeline(timeline, step.timeline);
    timeline = step.timeline;
    // Nobody is given a playlist before there is a segment.
    if (timeline.segments.length > 0) drawAll(timeline, states, said);
  }
  return { outcome: timeline.ended ? "ended" : outcome, said };
}

interface Step {
  readonly timeline: Timeline;
  readonly outcome: string;
}

function oneLine(timeline: Timeline, one: string): Step {
  const refused = (outcome: string): Step => ({ timeline, outcome });
  // As LiveStream does it: what is open is sealed before the end.
  if (one === "end") return { timeline: end(oneLine(timeline, "seal").timeline), outcome: "ended" };
  if (one === "seal") {
    const entry = sealingEntry(timeline);
    if (!entry) return refused("nothing to seal");
    const sealed = extend(timeline, timeline.session, [entry]);
    must(sealed.ok || timeline.ended, "an open segment can be sealed", sealed);
    return sealed.ok ? { timeline: sealed.value.timeline, outcome: "sealed" } : refused("ended");
  }
  const [, number = "", body = ""] = /^(\d{1,3}) (.*)$/.exec(one) ?? [];
  const parsed = parse(AppendSchema, readJson(body));
  if (!parsed.ok) return refused("malformed");
  const again = parse(AppendSchema, JSON.parse(JSON.stringify(parsed.value)));
  must(again.ok, "what the schema gives it takes again", again);
  const extended = extend(timeline, Number(number), parsed.value.entries);
  if (!extended.ok) return refused(extended.error.reason);
  const twice = extend(extended.value.timeline, Number(number), parsed.value.entries);
  const same = twice.ok && twice.value.added.length === 0 && twice.value.timeline === extended.value.timeline;
  must(same, "a repeated append changes nothing", twice);
  return { timeline: extended.value.timeline, outcome: "grown" };
}

function checkTimeline(before: Timeline, after: Timeline): void {
  const dense = after.segments.every(({ msn }, i) => msn === (after.segments[0]?.msn ?? 0) + i);
  must(dense, "segments are dense");
  const [was, is] = [positionOf(before), positionOf(after)];
  must(
    after.ended || is.msn > was.msn || (is.msn === was.msn && is.part >= was.part),
    "it only goes forward",
  );
  must(after.discontinuitySequence >= before.discontinuitySequence, "discontinuities are counted up");
  for (const { measured } of after.renditions)
    must(
      Object.values(measured).every((n) => Number.isFinite(n) && n >= 0),
      "measurements are numbers",
      measured,
    );
  const edge = edgeOf(after);
  must(
    after.ended || decide({ msn: edge.msn, part: edge.parts }, edge) !== "too-far",
    "the next part may be waited for",
  );
}

/** Draw and check every playlist; the exceptions are what only the encoder knows. */
function drawAll(timeline: Timeline, states: Map<string, CheckState>, said: unknown[]): void {
  const master = multivariantPlaylist(timeline);
  checkNumbers(master);
  said.push(master);
  const current = new Map<string, CheckState>();
  for (const { name, kind } of timeline.renditions) {
    const drawn = [[`${name}/index.m3u8`, mediaPlaylist(timeline, name)]];
    if (kind === "video") drawn.push([`${name}/iframes.m3u8`, iframePlaylist(timeline, name)]);
    for (const skip of ["YES", "v2"] as const) {
      checkNumbers(mediaPlaylist(timeline, name, { skip }));
      checkNumbers(iframePlaylist(timeline, name, { skip }));
    }
    for (const [uri = "", playlist = ""] of drawn) {
      checkNumbers(playlist);
      checkHint(playlist);
      const checked = checkPlaylist(playlist, states.get(uri));
      const bad = checked.violations.filter((violation) => !DECLARED.some((known) => known.test(violation)));
      must(bad.length === 0, "playlists keep the rules", { uri, bad });
      states.set(uri, checked.state);
      current.set(uri, checked.state);
      said.push(playlist);
    }
    checkRanges(timeline, name);
  }
  must(checkPresentation(current).length === 0, "playlists agree", checkPresentation(current));
}

/** Values are spelled as the draft allows (4.2): no exponents, nothing that is not a number. */
function checkNumbers(playlist: string): void {
  const bad = /[=:,](?:-|NaN|-?Infinity|undefined|null|\d+(?:\.\d+)?e[+-]\d+)(?=[,\n])/.exec(playlist);
  must(bad === null, "numbers are decimals", bad?.[0]);
}

/** What is hinted is not there yet (4.4.5.3). */
function checkHint(playlist: string): void {
  const uri = /#EXT-X-PRELOAD-HINT:TYPE=PART,(URI="[^"]*")/.exec(playlist)?.[1];
  must(uri === undefined || playlist.split(uri).length === 2, "a hint names a part that is not listed", uri);
}

/** An I-frame range lies within its segment's object (4.4.4.2). */
function checkRanges({ segments }: Timeline, name: string): void {
  for (const { tracks } of segments) {
    const object = Object.hasOwn(tracks, name) ? tracks[name] : undefined;
    if (object?.iframeBytes !== undefined)
      must(object.iframeBytes <= object.bytes, "a range is within its object");
  }
}

export const ingest: Target = {
  name: "ingest",
  thousands: 20,
  reaches: ["grown", "ended", "malformed", "no-init"],
  make,
  run: (input) => run(asText(input)),
};
