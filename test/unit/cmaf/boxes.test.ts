/** Fragments written and read back, in chunks of every size; and what happens to bytes that lie. */
import { describe, expect, it } from "vitest";
import { BoxReader, type Frame } from "../../../transcoder/cmaf/boxes.ts";
import { writeFragment } from "../../../transcoder/cmaf/fragment.ts";

const box = (type: string, ...bodies: Uint8Array[]): Uint8Array => {
  const length = bodies.reduce((sum, body) => sum + body.length, 8);
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, length);
  for (let i = 0; i < 4; i += 1) bytes[4 + i] = type.charCodeAt(i);
  let at = 8;
  for (const body of bodies) {
    bytes.set(body, at);
    at += body.length;
  }
  return bytes;
};
const u32 = (...values: number[]): Uint8Array => {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, i) => {
    view.setUint32(i * 4, value);
  });
  return new Uint8Array(view.buffer);
};
const zeros = (count: number) => new Uint8Array(count);

const moov = (entry: Uint8Array, timescale = 90_000): Uint8Array => {
  const stbl = box("stbl", box("stsd", u32(0, 1), entry));
  const mdhd = box("mdhd", u32(0, 0, 0, timescale, 0, 0));
  const trak = box("trak", box("mdia", mdhd, box("minf", stbl)));
  return box("moov", trak, box("mvex", box("trex", u32(0, 1, 1, 3000, 7, 0x01010000))));
};
const videoEntry = (type: string, config: Uint8Array): Uint8Array =>
  box(type, zeros(24), Uint8Array.of(0x05, 0x00, 0x02, 0xd0), zeros(50), config);
const avc = videoEntry("avc1", box("avcC", Uint8Array.of(1, 0x64, 0, 0x1f, 0xff, 0xe1)));
const INIT = new Uint8Array([...box("ftyp", zeros(8)), ...moov(avc)]);

const FRAMES: Frame[] = [
  { dts: 2 ** 33, duration: 3000, ctsOffset: 0, keyframe: true, bytes: Uint8Array.of(1, 2, 3) },
  { dts: 2 ** 33 + 3000, duration: 3060, ctsOffset: 6000, keyframe: false, bytes: Uint8Array.of(4) },
  { dts: 2 ** 33 + 6060, duration: 2940, ctsOffset: -3000, keyframe: false, bytes: Uint8Array.of(5, 6) },
];
const join = (chunks: readonly Uint8Array[]) => new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
const FILE = join([
  INIT,
  ...writeFragment(1, 1, FRAMES).chunks,
  ...writeFragment(1, 2, FRAMES.slice(0, 1)).chunks,
]);

function readAll(bytes: Uint8Array, step: number) {
  const reader = new BoxReader();
  const events = [];
  for (let at = 0; at < bytes.length; at += step) {
    const result = reader.push(bytes.subarray(at, at + step));
    if (!result.ok) return { events, error: result.error };
    events.push(...result.value);
  }
  return { events, error: undefined };
}

describe("a fragment", () => {
  it.each([1, 2, 3, 7, 64, 1000])("is read back as it was written, in chunks of %i", (step) => {
    const { events, error } = readAll(FILE, step);
    expect(error).toBeUndefined();
    expect(events.map(({ type }) => type)).toEqual(["init", "frame", "frame", "frame", "frame"]);
    expect(events.flatMap((event) => (event.type === "frame" ? [event.frame] : []))).toEqual([
      ...FRAMES,
      ...FRAMES.slice(0, 1),
    ]);
  });

  it("says its own length, and passes frames on without copying them", () => {
    const fragment = writeFragment(1, 1, FRAMES);
    expect(fragment.bytes).toBe(join(fragment.chunks).length);
    expect(fragment.chunks[1]).toBe(FRAMES[0]?.bytes);
  });

  it("takes defaults from trex where a fragment has none", () => {
    const trun = box("trun", u32(0x01 | 0x04, 2, 88, 0x02000000));
    const traf = box("traf", box("tfhd", u32(0x020000, 1)), box("tfdt", u32(0, 500)), trun);
    const moof = box("moof", box("mfhd", u32(0, 1)), traf);
    new DataView(moof.buffer).setUint32(moof.length - 8, moof.length + 8);
    const { events } = readAll(join([INIT, moof, box("mdat", zeros(14))]), 1000);
    expect(events.slice(1)).toMatchObject([
      { frame: { dts: 500, duration: 3000, keyframe: true, bytes: zeros(7) } },
      { frame: { dts: 3500, duration: 3000, keyframe: false, bytes: zeros(7) } },
    ]);
  });
});

describe("an init segment", () => {
  const hvcC = Uint8Array.of(1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93);
  const esds = Uint8Array.of(
    ...[0, 0, 0, 0, 3, 22, 0, 1, 0, 4, 17, 0x40, 0x15],
    ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0x11, 0x90],
  );
  const mp4a = box(
    "mp4a",
    zeros(16),
    Uint8Array.of(0, 2, 0, 16, 0, 0, 0, 0, 0xbb, 0x80, 0, 0),
    box("esds", esds),
  );
  it.each([
    ["H.264", avc, { kind: "video", codecs: "avc1.64001f", width: 1280, height: 720, timescale: 90_000 }],
    ["HEVC", videoEntry("hvc1", box("hvcC", hvcC)), { codecs: "hvc1.1.6.L93.B0" }],
    ["AV1", videoEntry("av01", box("av1C", Uint8Array.of(0x81, 0x08, 0x0c, 0))), { codecs: "av01.0.08M.08" }],
    [
      "VP9",
      videoEntry("vp09", box("vpcC", Uint8Array.of(1, 0, 0, 0, 0, 31, 0x80))),
      { codecs: "vp09.00.31.08" },
    ],
    ["AAC", mp4a, { kind: "audio", codecs: "mp4a.40.2", channels: 2, sampleRate: 48_000 }],
  ])("tells what %s is", (_name, entry, expected) => {
    const { events } = readAll(join([box("ftyp", zeros(8)), moov(entry)]), 1000);
    expect(events).toMatchObject([{ type: "init", init: expected }]);
  });

  it("is kept as it came", () => {
    const [event] = readAll(FILE, 11).events;
    expect(event?.type === "init" && event.init.bytes).toEqual(INIT);
  });
});

describe("bytes that lie", () => {
  it.each([
    [
      "a box larger than there is room for",
      u32(0x7fffffff, 0x6d646174),
      { reason: "box-too-large", box: "mdat" },
    ],
    ["a 64-bit size", u32(1, 0x6d646174, 1, 0), { reason: "box-too-large" }],
    ["a size smaller than a header", u32(7, 0x6d646174), { reason: "bad-box" }],
    ["a size of zero", u32(0, 0x6d646174), { reason: "bad-box" }],
    ["a type that is no name", u32(8, 0x01020304), { reason: "bad-box" }],
    ["a fragment before any init", box("moof", box("mfhd", u32(0, 1))), { reason: "bad-box", box: "moof" }],
    ["media without a fragment", join([INIT, box("mdat", zeros(4))]), { reason: "bad-box", box: "mdat" }],
    ["two inits", join([INIT, INIT]), { reason: "bad-box", box: "moov" }],
  ])("%s", (_name, bytes, error) => {
    expect(readAll(bytes, 5).error).toMatchObject(error);
  });

  it("stays failed", () => {
    const reader = new BoxReader();
    reader.push(u32(0, 0));
    expect(reader.push(FILE).ok).toBe(false);
  });

  it("survives 20,000 mutations, within bounds", () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    let failed = 0;
    for (let i = 0; i < 20_000; i += 1) {
      const bytes = FILE.slice(0, random(20) === 0 ? random(FILE.length) : FILE.length);
      for (let n = 1 + random(4); n > 0; n -= 1)
        bytes[random(bytes.length || 1)] = random(3) === 0 ? 255 : random(256);
      const { events, error } = readAll(bytes, 1 + random(400));
      if (error) failed += 1;
      const held = events.reduce(
        (sum, event) => sum + (event.type === "frame" ? event.frame.bytes.length : 0),
        0,
      );
      expect(held).toBeLessThanOrEqual(bytes.length);
      expect(events.length).toBeLessThanOrEqual(70_000);
    }
    // Most mutations must be noticed or harmless; if none failed, nothing was tested.
    expect(failed).toBeGreaterThan(2000);
  });
});
