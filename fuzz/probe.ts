/**
 * Fuzz target: the source probe, the backlog beside it and the FLV feed behind it. An input is a run of FLV tags, so a
 * fixture can be looked at with any FLV tool that takes one without its header.
 */

import { planLadder } from "../media/ladder.ts";
import { Backlog, MAX_BACKLOG_BYTES } from "../transcoder/core/backlog.ts";
import { flvTag, type MediaMessage } from "../transcoder/core/flv.ts";
import { FlvFeed } from "../transcoder/core/flv-feed.ts";
import { SourceProbe } from "../transcoder/core/source-probe.ts";
import { concat, viewOf } from "../transcoder/rtmp/bytes.ts";
import { SourceSchema } from "../wire/ingest.ts";
import { SessionGrantSchema } from "../wire/ingest-answers.ts";
import { parse } from "../wire/parse.ts";
import { audioSpecificConfig, avcConfig } from "./bits.ts";
import { metadataBody, slices, videoBody } from "./flv.ts";
import { mutateBytes } from "./mutate.ts";
import { noise, type Random } from "./random.ts";
import { asBytes, must, type Ran, type Target } from "./target.ts";

const KINDS: Readonly<Record<number, MediaMessage["kind"]>> = { 8: "audio", 9: "video", 18: "data" };

function make(random: Random): Uint8Array {
  const tags: Uint8Array[] = [];
  const add = (kind: MediaMessage["kind"], timestamp: number, payload: Uint8Array) =>
    tags.push(flvTag({ kind, timestamp, payload }));
  let clock = random.pick([0, 0, 1000, 3_600_000, 2 ** 31 - 2000]);
  if (!random.once(3)) add("data", clock, metadataBody(random));
  const [video, audio] = random.pick([
    [true, true],
    [true, true],
    [true, false],
    [false, true],
  ] as const);
  const enhanced = random.once(12);
  if (video && !random.once(10))
    add(
      "video",
      clock,
      videoBody(random, true, avcConfig(random, random.between(1, 120), random.between(1, 68)), {
        config: true,
        enhanced,
      }),
    );
  if (audio && !random.once(10))
    add(
      "audio",
      clock,
      concat([Uint8Array.of(0xaf, 0), audioSpecificConfig(random.pick([3, 4, 44_100]), 2)]),
    );
  // Thousands of keyframes at one instant, then the end of the wait.
  if (random.once(4000)) {
    const flood = flvTag({ kind: "video", timestamp: clock, payload: Uint8Array.of(0x17, 1, 0, 0, 0) });
    return concat([...tags, ...Array.from({ length: 130_000 }, () => flood), ...ending(clock)]);
  }
  const step = random.pick([33, 40, 16, 0, 500]);
  const gop = random.pick([1, 2, 15, 60, 1000]);
  const first = random.once(5) ? gop : 0;
  const frames = random.between(5, random.pick([40, 200]));
  const wild = random.once(3) ? 15 : 1000;
  for (let frame = 0; frame < frames; frame += 1) {
    const key = frame % gop === first;
    if (video)
      add("video", clock, videoBody(random, key, slices(random, key && !random.once(9)), { enhanced }));
    if (audio)
      add("audio", clock + random.between(-30, 30), concat([Uint8Array.of(0xaf, 1), noise(random, 8)]));
    clock += random.once(wild) ? random.pick([-500, -5000, 5000, 86_400_000, 0]) : step;
  }
  const all = concat(tags);
  return random.once(3) ? mutateBytes(all, random, 1 + random.below(4)) : all;
}

const ending = (clock: number): Uint8Array[] => [
  flvTag({ kind: "video", timestamp: clock + 5000, payload: Uint8Array.of(0x27, 1, 0, 0, 0) }),
];

/** Messages of a run of tags; what is not one ends it. Times may be negative, as behind an RTMP connection. */
function messagesOf(bytes: Uint8Array): MediaMessage[] {
  const messages: MediaMessage[] = [];
  const view = viewOf(bytes);
  for (let at = 0; at + 11 <= bytes.length; ) {
    const kind = KINDS[view.getUint8(at)];
    const length = view.getUint32(at) & 0xffffff;
    if (kind === undefined) break;
    const timestamp = (view.getUint8(at + 7) << 24) | (view.getUint16(at + 4) << 8) | view.getUint8(at + 6);
    messages.push({ kind, timestamp, payload: bytes.subarray(at + 11, at + 11 + length) });
    at += 11 + length + 4;
  }
  return messages;
}

function run(bytes: Uint8Array): Ran {
  const messages = messagesOf(bytes);
  const probe = new SourceProbe(0, ["hevc"]);
  const backlog = new Backlog();
  let state = probe.check(0);
  for (const [index, message] of messages.entries()) {
    const fits = backlog.push(message);
    must(!fits || backlog.bytes <= MAX_BACKLOG_BYTES, "the backlog is bounded");
    const next = probe.push(message, 20 * index);
    must(state.state === "undecided" || next === state, "a decision stays");
    state = next;
  }
  if (state.state === "undecided") state = probe.check(1e9);
  if (state.state === "ready") {
    const { source } = state;
    const taken = parse(SourceSchema, JSON.parse(JSON.stringify(source)));
    must(taken.ok, "origin takes every source that the probe finds", { taken, source });
    for (const profile of ["standard", "low", "ultra"] as const) {
      const plan = { nextMsn: 0, ...planLadder(taken.value, profile).plan };
      const grant = { session: "s.1", stream: "s", broadcast: "b", lease: "l", plan };
      const heard = parse(SessionGrantSchema, JSON.parse(JSON.stringify(grant)));
      // A source of neither picture nor sound never gets so far.
      must(heard.ok, "the transcoder takes every plan that origin makes", { heard, source });
    }
  }
  const fed = feed(backlog.drain());
  const outcome = state.state === "failed" ? state.failure.reason : state.state;
  return { outcome, said: [state, fed] };
}

/** FFmpeg sees times that start at 0 and never step back. */
function feed(messages: readonly MediaMessage[]): string {
  const flv = new FlvFeed({ audio: true, video: true });
  const last = { 8: 0, 9: 0 };
  for (const message of messages) {
    const fed = flv.push(message);
    if (fed.type === "break") return fed.why.reason;
    if (fed.type === "drop") continue;
    const view = viewOf(fed.bytes);
    const kind = view.getUint8(0) === 8 ? 8 : 9;
    const time = (view.getUint8(7) << 24) | (view.getUint16(4) << 8) | view.getUint8(6);
    must(time >= last[kind], "times never step back", [time, last]);
    last[kind] = time;
  }
  return `${last[8]} ${last[9]}`;
}

export const probe: Target = {
  name: "probe",
  thousands: 30,
  reaches: ["ready", "undecided", "no-keyframe", "no-parameter-sets", "unsupported-codec", "no-media"],
  make,
  run: (input) => run(asBytes(input)),
};
