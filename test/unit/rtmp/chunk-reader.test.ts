import { describe, expect, it } from "vitest";
import { createChunkReader } from "../../../transcoder/rtmp/chunk-reader.ts";
import { encodeMessage } from "../../../transcoder/rtmp/chunk-writer.ts";
import type { RtmpFailure } from "../../../transcoder/rtmp/failure.ts";
import type { RtmpLimits } from "../../../transcoder/rtmp/limits.ts";
import { be24, bytes, le32, limitsWith, message, ramp, type0, type1, type2, type3 } from "./encoder.ts";

interface Read {
  readonly messages: { type: number; streamId: number; timestamp: number; length: number }[];
  readonly payloads: Uint8Array[];
  readonly failure: RtmpFailure | undefined;
  readonly bufferedBytes: number;
}

function read(
  input: Uint8Array,
  size = input.length,
  limits: Partial<RtmpLimits> = {},
  chunkSize = 128,
): Read {
  const reader = createChunkReader(limitsWith(limits));
  reader.setChunkSize(chunkSize);
  const messages: Read["messages"] = [];
  const payloads: Uint8Array[] = [];
  const done = (failure?: RtmpFailure) => ({
    messages,
    payloads,
    failure,
    bufferedBytes: reader.bufferedBytes,
  });
  for (let at = 0; at < input.length; at += size) {
    reader.push(input.subarray(at, at + size));
    for (let step = reader.next(); step !== "more"; step = reader.next()) {
      if (step === "chunk") continue;
      if (step.kind === "failed") return done(step.failure);
      const { type, streamId, timestamp, payload } = step;
      messages.push({ type, streamId, timestamp, length: payload.length });
      payloads.push(payload);
    }
  }
  return done();
}

const BIG = 16_777_215;
const ten = ramp(10);
const timestamps = (input: Uint8Array, size?: number): number[] =>
  read(input, size).messages.map((m) => m.timestamp);

describe("header types and timestamps", () => {
  it.each<[string, Uint8Array, number[]]>([
    ["type 0 is absolute", bytes(type0(4, 100, 10, 8, 1, ten), type0(4, 50, 10, 8, 1, ten)), [100, 50]],
    [
      "types 1 and 2 are deltas",
      bytes(type0(4, 100, 10, 8, 1, ten), type1(4, 20, 10, 8, ten), type2(4, 3, ten)),
      [100, 120, 123],
    ],
    [
      "type 3 repeats a delta",
      bytes(type0(4, 100, 10, 8, 1, ten), type2(4, 20, ten), type3(4, ten), type3(4, ten)),
      [100, 120, 140, 160],
    ],
    [
      "type 3 after type 0 repeats it as a delta",
      bytes(type0(4, 33, 10, 8, 1, ten), type3(4, ten), type3(4, ten)),
      [33, 66, 99],
    ],
    [
      "type 3 after a late type 0 repeats the timestamp",
      bytes(type0(4, 3_600_000, 10, 8, 1, ten), type3(4, ten)),
      [3_600_000, 3_600_000],
    ],
    ["the last timestamp of 24 bits", type0(4, BIG - 1, 10, 8, 1, ten), [BIG - 1]],
    ["the first extended timestamp", type0(4, BIG, 10, 8, 1, ten), [BIG]],
    ["the last extended timestamp", type0(4, 0xffffffff, 10, 8, 1, ten), [0xffffffff]],
    [
      "deltas across the end of 24 bits",
      bytes(type0(4, BIG - 10, 10, 8, 1, ten), type2(4, 21, ten), type3(4, ten)),
      [BIG - 10, BIG + 11, BIG + 32],
    ],
    [
      "a delta across the end of 32 bits",
      bytes(type0(4, 0xfffffffa, 10, 8, 1, ten), type2(4, 10, ten)),
      [0xfffffffa, 4],
    ],
    ["an extended delta", bytes(type0(4, 1, 10, 8, 1, ten), type2(4, BIG + 5, ten)), [1, BIG + 6]],
    [
      "an extended delta repeated by type 3",
      bytes(type0(4, 1, 10, 8, 1, ten), type2(4, BIG, ten), type3(4, ten, BIG)),
      [1, BIG + 1, 2 * BIG + 1],
    ],
    [
      "a delta of 0 after an extended timestamp",
      bytes(type0(4, BIG + 5, 10, 8, 1, ten), type2(4, 0, ten), type3(4, ten)),
      [BIG + 5, BIG + 5, BIG + 5],
    ],
    ["type 1 on a fresh chunk stream, as librtmp sends it", type1(2, 0, 4, 3, ramp(4)), [0]],
    [
      "two chunk streams keep their own",
      bytes(type0(4, 100, 10, 8, 1, ten), type0(6, 500, 10, 9, 1, ten), type2(4, 1, ten), type2(6, 2, ten)),
      [100, 500, 101, 502],
    ],
  ])("%s", (_name, input, expected) => {
    expect(timestamps(input)).toEqual(expected);
    expect(timestamps(input, 1)).toEqual(expected);
  });

  it("keeps type, length and message stream from header to header", () => {
    const input = bytes(
      type0(4, 0, 10, 8, 7, ten),
      type1(4, 1, 5, 9, ramp(5)),
      type2(4, 1, ramp(5)),
      type3(4, ramp(5)),
    );
    expect(read(input).messages.map(({ type, streamId, length }) => [type, streamId, length])).toEqual([
      [8, 7, 10],
      [9, 7, 5],
      [9, 7, 5],
      [9, 7, 5],
    ]);
  });
});

describe("extended timestamps on type 3 chunks", () => {
  const long = ramp(300);
  const piece = (from: number) => long.subarray(from, from + 128);
  it.each<[string, Uint8Array]>([
    [
      "repeated, as the specification says",
      bytes(
        type0(6, BIG + 7, 300, 9, 1, piece(0)),
        type3(6, piece(128), BIG + 7),
        type3(6, piece(256), BIG + 7),
      ),
    ],
    ["left out", bytes(type0(6, BIG + 7, 300, 9, 1, piece(0)), type3(6, piece(128)), type3(6, piece(256)))],
    [
      "a delta of 24 bits, which has none to repeat",
      bytes(
        type0(6, 9, 0, 9, 1, ramp(0)),
        type1(6, BIG - 2, 300, 9, piece(0)),
        type3(6, piece(128)),
        type3(6, piece(256)),
      ),
    ],
    [
      "an extended delta, repeated",
      bytes(
        type0(6, 7, 0, 9, 1, ramp(0)),
        type1(6, BIG, 300, 9, piece(0)),
        type3(6, piece(128), BIG),
        type3(6, piece(256), BIG),
      ),
    ],
    [
      "an extended delta, the whole timestamp in its place",
      bytes(
        type0(6, 7, 0, 9, 1, ramp(0)),
        type1(6, BIG, 300, 9, piece(0)),
        type3(6, piece(128), BIG + 7),
        type3(6, piece(256), BIG + 7),
      ),
    ],
  ])("%s", (_name, input) => {
    for (const size of [input.length, 1, 7]) {
      const { messages, payloads, failure } = read(input, size);
      expect(failure).toBeUndefined();
      expect(messages.at(-1)).toMatchObject({ timestamp: BIG + 7, length: 300 });
      expect(payloads.at(-1)).toEqual(long);
    }
  });

  it("ends a message at once where the last piece shows that it was left out", () => {
    // Two bytes of payload are left, fewer than an extended timestamp has.
    const input = bytes(type0(6, BIG, 130, 9, 1, piece(0)), type3(6, piece(128).subarray(0, 2)));
    expect(read(input).messages).toHaveLength(1);
  });
});

describe("chunk streams", () => {
  const header = [...be24(0), ...be24(10), 8, ...le32(1)];
  it.each<[string, number[]]>([
    ["one byte: 63", [63]],
    ["two bytes: 64", [0, 0]],
    ["two bytes: 319", [0, 255]],
    ["three bytes: 320", [1, 0, 1]],
    ["three bytes: 65599", [1, 255, 255]],
  ])("reads an id of %s", (_name, [first = 0, ...rest]) => {
    const input = bytes(first, rest, header, ten, 0xc0 | first, rest, ten);
    expect(read(input).payloads).toEqual([ten, ten]);
    expect(read(input, 1).payloads).toEqual([ten, ten]);
  });

  it("takes 64 in two bytes and in three for the same", () => {
    expect(read(bytes(0, 0, header, ten, 0xc1, 0, 0, ten)).payloads).toEqual([ten, ten]);
  });

  it("puts interleaved messages together", () => {
    const video = ramp(300);
    const audio = ramp(140).reverse();
    const input = bytes(
      type0(6, 0, 300, 9, 1, video.subarray(0, 128)),
      type0(4, 0, 140, 8, 1, audio.subarray(0, 128)),
      type3(6, video.subarray(128, 256)),
      type3(4, audio.subarray(128)),
      type3(6, video.subarray(256)),
    );
    for (const size of [input.length, 1, 100]) expect(read(input, size).payloads).toEqual([audio, video]);
  });

  it("gives a message of no bytes", () => {
    expect(read(type0(4, 5, 0, 8, 1, ramp(0))).messages).toEqual([
      { type: 8, streamId: 1, timestamp: 5, length: 0 },
    ]);
  });

  it("forgets an aborted message and reads the next", () => {
    const reader = createChunkReader(limitsWith());
    reader.push(bytes(type0(6, 10, 200, 9, 1, ramp(128))));
    expect(reader.next()).toBe("chunk");
    reader.abort(6);
    expect(reader.bufferedBytes).toBe(0);
    reader.push(type1(6, 5, 10, 9, ten));
    expect(reader.next()).toMatchObject({ timestamp: 15, payload: ten });
  });

  it("uses a new chunk size from the next chunk on", () => {
    const reader = createChunkReader(limitsWith());
    reader.push(bytes(type0(6, 0, 400, 9, 1, ramp(128))));
    expect(reader.next()).toBe("chunk");
    reader.setChunkSize(1000);
    reader.push(type3(6, ramp(400).subarray(128)));
    expect(reader.next()).toMatchObject({ payload: ramp(400) });
  });

  it("reads what the writer writes", () => {
    const payload = ramp(1000);
    for (const streamId of [0, 1, 0x01020304]) {
      const { messages, payloads } = read(encodeMessage(20, streamId, payload, 128), 3);
      expect(messages).toEqual([{ type: 20, streamId, timestamp: 0, length: 1000 }]);
      expect(payloads).toEqual([payload]);
    }
  });
});

describe("refusals", () => {
  it.each<[string, Uint8Array, Partial<RtmpLimits>, object]>([
    [
      "type 2 without a header before it",
      type2(6, 1, ten),
      {},
      { reason: "no-previous-header", chunkStream: 6, fmt: 2 },
    ],
    [
      "type 3 without a header before it",
      type3(6, ten),
      {},
      { reason: "no-previous-header", chunkStream: 6, fmt: 3 },
    ],
    [
      "a header in a message",
      bytes(type0(6, 0, 200, 9, 1, ramp(128)), type1(6, 0, 10, 9, ten)),
      {},
      { reason: "message-interrupted", chunkStream: 6, missingBytes: 72 },
    ],
    [
      "a long video",
      type0(6, 0, 11, 9, 1, ramp(0)),
      { messageBytes: 10 },
      { reason: "message-too-long", type: 9, bytes: 11, limit: 10 },
    ],
    [
      "a long command",
      type0(3, 0, 11, 20, 0, ramp(0)),
      { commandBytes: 10 },
      { reason: "message-too-long", type: 20, bytes: 11, limit: 10 },
    ],
    [
      "many chunk streams",
      bytes(
        message(8, 1, ten, { csid: 4 }),
        message(8, 1, ten, { csid: 5 }),
        message(8, 1, ten, { csid: 6 }),
      ),
      { chunkStreams: 2 },
      { reason: "too-many-chunk-streams", limit: 2 },
    ],
    [
      "much that is unfinished",
      bytes(type0(4, 0, 300, 8, 1, ramp(128)), type0(5, 0, 300, 8, 1, ramp(128))),
      { unfinishedBytes: 500 },
      { reason: "too-much-unfinished", bytes: 300, limit: 500 },
    ],
  ])("refuses %s", (_name, input, limits, failure) => {
    expect(read(input, input.length, limits).failure).toEqual(failure);
    expect(read(input, 1, limits).failure).toEqual(failure);
  });

  it("takes memory for what was sent, not for what was promised", () => {
    const promised = 8 * 1024 * 1024;
    const { bufferedBytes } = read(type0(6, 0, promised, 9, 1, ramp(100)), 1, {}, 0xffffff);
    expect(bufferedBytes).toBeLessThanOrEqual(64 * 1024);
    const { payloads } = read(type0(6, 0, promised, 9, 1, ramp(promised)), 65_536, {}, 0xffffff);
    expect(payloads[0]?.length).toBe(promised);
  });
});
