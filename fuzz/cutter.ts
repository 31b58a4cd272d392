/**
 * Fuzz target: the cutter, fed with frames in every order and length, and what it cuts handed to the ingest schema and the
 * timeline. Times that never step back have to be cut into what origin takes; others must only do no harm.
 */

import * as v from "valibot";
import { type Entry, emptyTimeline, extend } from "../media/timeline.ts";
import { type Cut, Cutter } from "../transcoder/cmaf/cutter.ts";
import type { TrackInit } from "../transcoder/cmaf/init.ts";
import { AppendSchema, type PlannedRendition, type SessionPlan } from "../wire/ingest.ts";
import { parse } from "../wire/parse.ts";
import { mutateJson } from "./mutate.ts";
import type { Random } from "./random.ts";
import { must, type Ran, readJson, type Target } from "./target.ts";

const whole = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const UINT32 = 0xffffffff;
/** An input: timing, tracks, and `[track, dts, duration, keyframe]` in the order they arrive. */
const ScriptSchema = v.object({
  timing: v.picklist(["2/2/0.51", "1/1/0.21", "4/4/-", "3/5/0.51", "2/2/0.05"]),
  tracks: v.pipe(
    v.array(
      v.object({ kind: v.picklist(["video", "audio"]), timescale: whole(1, UINT32), late: v.boolean() }),
    ),
    v.minLength(1),
    v.maxLength(4),
  ),
  frames: v.array(v.tuple([whole(0, 3), whole(-(2 ** 40), 2 ** 40), whole(0, UINT32), v.boolean()])),
});
type Script = v.InferOutput<typeof ScriptSchema>;

function make(random: Random): string {
  const kinds = random.pick<readonly ("video" | "audio")[]>([
    ["video", "audio"],
    ["video", "video", "audio"],
    ["audio"],
    ["video"],
  ] as const);
  const tracks = kinds.map((kind) => ({
    kind,
    timescale:
      kind === "audio" ? random.pick([48_000, 44_100, 1000]) : random.pick([90_000, 15_360, 1000, 1]),
    late: random.once(30),
  }));
  const frameSeconds = random.pick([1 / 30, 1 / 60, 0.04, 0.9, 0.2]);
  const gopSeconds = random.pick([0.5, 1, 2, 2.2, 4, 100]);
  const seconds = random.pick([1, 4, 8, 20]) * Math.max(1, frameSeconds * 5);
  const start = random.pick([0, 0, 5, 100_000]);
  const wild = random.once(3) ? 40 : 100_000;
  const arrivals: { at: number; frame: Script["frames"][number] }[] = [];
  tracks.forEach(({ kind, timescale }, track) => {
    let at = start + random.pick([0, 0, 0.02, -0.5, 3]);
    const length = kind === "audio" ? 1024 / 48_000 : frameSeconds;
    const delay = random.pick([0, 0, 0.1, 2, 5]);
    for (let i = 0; at < start + seconds && i < 700; i += 1) {
      if (random.once(wild)) at += random.pick([-0.5, 1, 5, -100, 3600]);
      const dts = Math.round(at * timescale);
      const duration = random.once(wild)
        ? random.pick([0, timescale, 3 * timescale])
        : Math.max(0, Math.round((at + length) * timescale) - dts);
      const keyframe =
        kind === "audio" || Math.floor(at / gopSeconds) !== Math.floor((at - length) / gopSeconds) || i === 0;
      arrivals.push({ at: at + delay, frame: [track, dts, Math.min(duration, UINT32), keyframe] });
      at += length;
    }
  });
  arrivals.sort((a, b) => a.at - b.at);
  const timing = random.pick(["2/2/0.51", "2/2/0.51", "1/1/0.21", "4/4/-", "3/5/0.51", "2/2/0.05"] as const);
  const script = { timing, tracks, frames: arrivals.map(({ frame }) => frame) };
  return JSON.stringify(random.once(6) ? mutateJson(script, random) : script);
}

function planOf({ timing, tracks }: Script): SessionPlan {
  const [segmentSeconds = 2, targetDuration = 2, partTarget = Number.NaN] = timing.split("/").map(Number);
  const renditions = tracks.map(({ kind }, index): PlannedRendition => {
    const name = `t${index}`;
    const common = { name, mode: "copy", bitrate: 1000, publishAs: [name] } as const;
    return kind === "video" ? { ...common, kind, width: 640, height: 360 } : { ...common, kind, channels: 2 };
  });
  const parts = Number.isNaN(partTarget) ? {} : { partTarget };
  return { nextMsn: 0, segmentSeconds, keyframeSeconds: 2, targetDuration, ...parts, renditions };
}

const initOf = (kind: "video" | "audio", timescale: number): TrackInit => {
  const base = { bytes: Uint8Array.of(1), trackId: 1, codecs: "x", timescale };
  const defaults = { duration: 0, size: 0, flags: 0 };
  return kind === "video"
    ? { ...base, defaults, kind, width: 640, height: 360 }
    : { ...base, defaults, kind, channels: 2, sampleRate: 48_000 };
};

function run(script: Script): Ran {
  const plan = planOf(script);
  const cutter = new Cutter(plan);
  const cuts: Cut[] = [];
  const describe = (late: boolean) =>
    script.tracks.forEach((track, index) => {
      if (track.late === late)
        cuts.push(...cutter.describe(`t${index}`, initOf(track.kind, track.timescale)));
    });
  describe(false);
  for (const [index, [track, dts, duration, keyframe]] of script.frames.entries()) {
    if (index === 100) describe(true);
    const frame = { dts, duration, ctsOffset: 0, keyframe, bytes: Uint8Array.of(index & 255) };
    cuts.push(...cutter.push(`t${track}`, frame));
  }
  cuts.push(...cutter.flush());
  must(cutter.flush().length === 0, "nothing is cut after the end");
  const orderly = isOrderly(script) && hasFineTicks(script, plan);
  checkCuts(cuts, plan, orderly);
  const problem = cuts.find((cut) => cut.type === "problem");
  const segments = cuts.filter(({ type }) => type === "segment").length;
  const outcome = problem?.type === "problem" ? problem.problem.reason : segments > 0 ? "segments" : "none";
  return { outcome, said: cuts };
}

/** Each track's times go forward, as a muxer makes them. */
function isOrderly({ frames }: Script): boolean {
  const ends = new Map<number, number>();
  return frames.every(([track, dts, duration]) => {
    const after = dts >= (ends.get(track) ?? Number.NEGATIVE_INFINITY) && duration > 0;
    ends.set(track, dts + duration);
    return after;
  });
}

/** Nothing shorter than a tick can be cut. */
const hasFineTicks = ({ tracks }: Script, { partTarget = 1 }: SessionPlan): boolean =>
  tracks.every(({ timescale }) => 1 / timescale <= partTarget / 2);

/** Cuts come in order, and where times are in order the timeline takes every one. */
function checkCuts(cuts: readonly Cut[], plan: SessionPlan, orderly: boolean): void {
  let [msn, part, sum, described] = [0, 0, 0, false];
  const { targetDuration, partTarget } = plan;
  const timing = { targetDuration, windowSeconds: 60, ...(partTarget !== undefined && { partTarget }) };
  let timeline = emptyTimeline("b", "s", timing);
  for (const cut of cuts) {
    if (cut.type === "problem") continue;
    must(cut.type === "init" || described, "init comes first");
    if (cut.type === "init") {
      must(!described, "init comes once");
      described = true;
    } else {
      must(cut.msn === msn, "segments are dense", [cut.msn, msn]);
      for (const { bytes, chunks } of cut.tracks.values())
        must(bytes === chunks.reduce((all, chunk) => all + chunk.length, 0), "bytes are counted");
    }
    if (cut.type === "part") {
      must(cut.part === part, "parts are dense", [cut.part, part]);
      part += 1;
      sum += cut.duration;
    } else if (cut.type === "segment") {
      const off = Math.abs(sum - cut.duration);
      must(partTarget === undefined || off < 1e-6, "a segment lasts as long as its parts", [
        sum,
        cut.duration,
      ]);
      [msn, part, sum] = [msn + 1, 0, 0];
    }
    if (!orderly) continue;
    const body = parse(AppendSchema, { entries: [entryOf(cut, plan)] });
    if (!body.ok && isSliver(cut)) return;
    must(body.ok, "the schema takes every cut", body);
    const extended = extend(timeline, 1, body.value.entries);
    must(extended.ok, "the timeline takes every cut", { extended, type: cut.type });
    timeline = extended.value.timeline;
  }
}

/** Shorter than anything that the wire can say: a single frame of less than a millisecond. */
const isSliver = (cut: Cut): boolean => cut.type !== "init" && cut.type !== "problem" && cut.duration < 0.001;

function entryOf(cut: Exclude<Cut, { type: "problem" }>, plan: SessionPlan): Entry {
  if (cut.type === "init") {
    const renditions = plan.renditions.map(({ name, kind }) => ({ name, kind, codecs: "x", bitrate: 1 }));
    return { type: "init", renditions };
  }
  const tracks = Object.fromEntries(
    [...cut.tracks].map(([name, { bytes, independent, iframeBytes }]) => [
      name,
      { bytes, independent, ...(iframeBytes !== undefined && { iframeBytes }) },
    ]),
  );
  const { msn, duration } = cut;
  const at = 1e12 + 1000 * Math.max(0, cut.startSeconds);
  return cut.type === "part"
    ? { type: "part", msn, part: cut.part, at, duration, tracks }
    : { type: "segment", msn, at, duration, tracks };
}

export const cutter: Target = {
  name: "cutter",
  thousands: 15,
  reaches: ["segments", "none", "overlong-gop", "timestamp-jump", "lead-lost"],
  make,
  run(input) {
    const script = parse(ScriptSchema, readJson(input));
    return script.ok ? run(script.value) : { outcome: "no script", said: script };
  },
};
