/** Fuzz target: the reader of fragmented mp4. Files from a grammar of boxes and from our own fragment writer, then damage. */
import { isDeepStrictEqual } from "node:util";
import { boxesIn } from "../transcoder/cmaf/box.ts";
import { BoxReader, type Frame } from "../transcoder/cmaf/boxes.ts";
import { writeFragment } from "../transcoder/cmaf/fragment.ts";
import { concat, u16, u32 } from "../transcoder/rtmp/bytes.ts";
import { audioSpecificConfig } from "./bits.ts";
import { mutateBytes } from "./mutate.ts";
import { noise, type Random, several } from "./random.ts";
import { asBytes, must, type Ran, type Target } from "./target.ts";

const TRACK_ID = 1;
const zeros = (count: number): Uint8Array => new Uint8Array(count);
const words = (...values: readonly number[]): Uint8Array => concat(values.map(u32));

function box(type: string, ...bodies: readonly Uint8Array[]): Uint8Array {
  const body = concat(bodies);
  return concat([u32(8 + body.length), Uint8Array.from(type, (letter) => letter.charCodeAt(0)), body]);
}

function sampleEntry(random: Random): Uint8Array {
  const video = (type: string, config: Uint8Array) =>
    box(type, zeros(24), u16(640), u16(360), zeros(50), config);
  const audio = (type: string, config: Uint8Array) =>
    box(type, zeros(16), u16(2), zeros(6), u16(48_000), zeros(2), config);
  const asc = audioSpecificConfig(random.pick([3, 4, 44_100]), 2);
  const decoder = concat([
    Uint8Array.of(4, 15 + asc.length, 0x40),
    zeros(12),
    Uint8Array.of(5, asc.length),
    asc,
  ]);
  const es = concat([Uint8Array.of(3, 3 + decoder.length), zeros(3), decoder]);
  return random.pick([
    video("avc1", box("avcC", Uint8Array.of(1, 0x64, 0, 0x1f))),
    video("hvc1", box("hvcC", noise(random, 30))),
    video("av01", box("av1C", noise(random, 6))),
    video("vp09", box("vpcC", noise(random, 12))),
    audio("mp4a", box("esds", zeros(4), es)),
    audio("Opus", box("dOps", noise(random, 8))),
  ]);
}

function init(random: Random): Uint8Array {
  const timescale = random.pick([90_000, 48_000, 15_360, 1, 0xffffffff]);
  const mdhd = box("mdhd", words(0, 0, 0, timescale, 0, 0));
  const stbl = box("stbl", box("stsd", words(0, 1), sampleEntry(random)));
  const trak = box("trak", box("mdia", mdhd, box("minf", stbl)));
  const trex = box("trex", words(0, TRACK_ID, 1, 3000, random.pick([0, 7]), 0x01010000));
  return concat([box("ftyp", zeros(8)), box("moov", trak, box("mvex", trex))]);
}

/** Frames that follow each other. */
function frames(random: Random, dts: number): Frame[] {
  let at = dts;
  return Array.from({ length: random.between(1, 5) }, () => {
    const duration = random.pick([3000, 3000, 1024, 1, 0]);
    const bytes = concat([Uint8Array.of(random.below(256)), noise(random, 30)]);
    const ctsOffset = random.pick([0, 0, 3000, -3000]);
    const frame = { dts: at, duration, ctsOffset, keyframe: random.once(3), bytes };
    at += duration;
    return frame;
  });
}

/** A fragment as other writers make them, with whatever a table may say. */
function foreign(random: Random): Uint8Array {
  const flags = random.pick([0, 1, 4, 5, 0x100, 0x200, 0x201, 0x301, 0x701, 0xf01]);
  const count = random.pick([0, 1, 2, 3, 1000, 65_536, 65_537, 0xffffffff]);
  const trun = box("trun", words((random.below(2) << 24) | flags, count), noise(random, 60));
  const tfhdFlags = random.pick([0, 0x20000, 8, 16, 0x38, 1]);
  const tfhd = box("tfhd", words(tfhdFlags, random.once(5) ? 2 : TRACK_ID), words(1, 2, 3, 4));
  const tfdt = box(
    "tfdt",
    random.once(2) ? words(0, 5) : words(0x01000000, random.pick([0, 1, 0x1fffff, 0xffffffff]), 9),
  );
  const traf = box("traf", tfhd, tfdt, ...several(random, 3, () => trun));
  return concat([box("moof", box("mfhd", words(0, 1)), traf), box("mdat", noise(random, 60))]);
}

function make(random: Random): Uint8Array {
  let dts = random.pick([0, 0, 90_000, 2 ** 33]);
  const pieces = [init(random)];
  for (let left = random.below(5); left > 0; left -= 1) {
    if (random.once(5)) pieces.push(foreign(random));
    else {
      const run = frames(random, dts);
      dts += run.reduce((sum, { duration }) => sum + duration, 0);
      pieces.push(...writeFragment(TRACK_ID, left, run).chunks);
    }
    if (random.once(6)) pieces.push(box(random.pick(["styp", "free", "sidx", "emsg"]), noise(random, 20)));
  }
  const file = concat(pieces);
  return random.once(3) ? file : mutateBytes(file, random, 1 + random.below(3));
}

function read(bytes: Uint8Array, step: number) {
  const reader = new BoxReader();
  const events = [];
  for (let at = 0; at < bytes.length; at += step) {
    const pushed = reader.push(bytes.subarray(at, at + step));
    if (!pushed.ok) {
      must(isDeepStrictEqual(reader.push(bytes), pushed), "after an error there is only that error");
      return { events, error: pushed.error };
    }
    events.push(...pushed.value);
  }
  return { events, error: undefined };
}

function run(bytes: Uint8Array): Ran {
  const pieces = read(bytes, 1 + (bytes.length % 97));
  const whole = read(bytes, Math.max(1, bytes.length));
  must(isDeepStrictEqual(whole.error, pieces.error), "pieces of any size fail the same", [whole, pieces]);
  // An error in the same piece takes with it what came before it in that piece.
  if (whole.error === undefined) must(isDeepStrictEqual(whole, pieces), "pieces of any size give the same");
  const found: Frame[] = pieces.events.flatMap((event) => (event.type === "frame" ? [event.frame] : []));
  let held = 0;
  for (const frame of found) {
    must(Number.isSafeInteger(frame.dts) && frame.duration >= 0, "times are whole", frame.dts);
    must(frame.bytes.length > 0, "frames hold something");
    held += frame.bytes.length;
  }
  must(held <= bytes.length, "frames hold no more than was sent", { held, sent: bytes.length });
  must(pieces.events.filter(({ type }) => type === "init").length <= 1, "there is one init segment");
  boxesIn(bytes);
  checkWriter(found);
  return { outcome: pieces.error?.reason ?? (found.length > 0 ? "frames" : "none"), said: pieces };
}

const INIT = concat([
  box("ftyp", zeros(8)),
  box(
    "moov",
    box(
      "trak",
      box(
        "mdia",
        box("mdhd", words(0, 0, 0, 90_000, 0, 0)),
        box("minf", box("stbl", box("stsd", words(0, 1), box("Opus", zeros(28))))),
      ),
    ),
    box("mvex", box("trex", words(0, TRACK_ID, 1, 0, 0, 0))),
  ),
]);

/** Frames that were read are written, each in a fragment of its own, and read back. */
function checkWriter(found: readonly Frame[]): void {
  const some = found.filter(({ dts, ctsOffset }) => dts >= 0 && ctsOffset <= 0x7fffffff).slice(0, 20);
  const file = concat([INIT, ...some.flatMap((frame, i) => writeFragment(TRACK_ID, i + 1, [frame]).chunks)]);
  const again = read(file, file.length);
  must(again.error === undefined, "our own fragments are read", again.error);
  const frames = again.events.flatMap((event) => (event.type === "frame" ? [event.frame] : []));
  must(isDeepStrictEqual(frames, some), "frames are written and read back", [frames, some]);
}

export const boxes: Target = {
  name: "boxes",
  thousands: 60,
  reaches: ["frames", "none", "bad-box", "box-too-large"],
  make,
  run: (input) => run(asBytes(input)),
};
