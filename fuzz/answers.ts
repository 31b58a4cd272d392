/** Fuzz target: origin's answers as a transcoder reads them, and what a plan that was accepted does to FFmpeg's command line and the cutter. */
import { isDeepStrictEqual } from "node:util";
import { Cutter } from "../transcoder/cmaf/cutter.ts";
import { ffmpegCommand } from "../transcoder/core/ffmpeg-args.ts";
import { AppendAnswerSchema, SessionGrantSchema } from "../wire/ingest-answers.ts";
import { parse, parseJson } from "../wire/parse.ts";
import { readProblem } from "../wire/problem.ts";
import { mutateJson, mutateText } from "./mutate.ts";
import type { Random } from "./random.ts";
import { asText, must, type Ran, type Target } from "./target.ts";

function make(random: Random): string {
  const video = {
    kind: "video",
    name: "v720",
    width: 1280,
    height: 720,
    bitrate: 2_800_000,
    publishAs: ["v720"],
  };
  const audio = { kind: "audio", name: "audio", channels: 2, bitrate: 128_000, publishAs: ["audio"] };
  const mode = random.pick(["copy", "encode"]);
  const timing = {
    nextMsn: random.pick([0, 7, 4_294_967_295]),
    segmentSeconds: 2,
    keyframeSeconds: 2,
    targetDuration: 2,
  };
  const plan = {
    ...timing,
    ...(random.once(2) && { partTarget: random.pick([0.51, 0.21, 1e-9, 0.001]) }),
    ...(random.once(2) && { frameRate: 30 }),
    renditions: random.pick([
      [
        { ...video, mode },
        { ...audio, mode },
      ],
      [{ ...audio, mode }],
      [{ ...video, mode }],
    ]),
  };
  const grant = { session: "s.1", stream: "s", broadcast: "b", lease: "l", plan };
  let answer: unknown = random.pick([
    grant,
    grant,
    { next: { msn: random.below(9), part: random.below(9) } },
    { type: "urn:millrace:problem:gap", status: 409, title: "t", detail: "d" },
  ]);
  for (let left = random.below(3); left > 0; left -= 1) answer = mutateJson(answer, random);
  const text = JSON.stringify(answer);
  return random.once(8) ? mutateText(text, random, 1 + random.below(3)) : text;
}

function run(text: string): Ran {
  const problem = readProblem(text);
  must(typeof problem.name === "string" && typeof problem.title === "string", "a problem can be told");
  const next = parseJson(AppendAnswerSchema, text);
  if (next.ok) return { outcome: "next", said: next };
  const grant = parseJson(SessionGrantSchema, text);
  if (!grant.ok)
    return { outcome: problem.name === "unreadable" ? "refused" : "problem", said: [problem, grant] };
  const again = parse(SessionGrantSchema, JSON.parse(JSON.stringify(grant.value)));
  must(isDeepStrictEqual(again, grant), "an answer is read the same again", [again, grant]);
  const { plan } = grant.value;
  if (!plan) return { outcome: "no plan", said: grant };
  must(
    plan.renditions.every(({ bitrate }) => bitrate > 0),
    "bit rates are positive",
  );
  const { args } = ffmpegCommand(plan, { major: 7, minor: 0 });
  must(!args.some((arg) => /NaN|Infinity|undefined/.test(arg)), "arguments are numbers", args);
  const cutter = new Cutter(plan);
  let cuts = 0;
  for (const { name, kind } of plan.renditions) {
    const base = { bytes: Uint8Array.of(1), trackId: 1, codecs: "x", timescale: 90_000 };
    const init = {
      ...base,
      defaults: { duration: 0, size: 0, flags: 0 },
      width: 2,
      height: 2,
      channels: 2,
      sampleRate: 48_000,
    };
    cuts += cutter.describe(name, { ...init, kind }).length;
  }
  for (let i = 0; i < 60; i += 1) {
    const frame = {
      dts: i * 9000,
      duration: 9000,
      ctsOffset: 0,
      keyframe: i % 20 === 0,
      bytes: Uint8Array.of(i),
    };
    for (const { name } of plan.renditions) cuts += cutter.push(name, frame).length;
  }
  cuts += cutter.flush().length;
  return { outcome: "plan", said: [grant, args, cuts] };
}

export const answers: Target = {
  name: "answers",
  thousands: 60,
  reaches: ["plan", "next", "problem", "refused"],
  make,
  run: (input) => run(asText(input)),
};
