import { describe, expect, it } from "vitest";
import { type Amf0Value, amf0Object, member } from "../../../transcoder/rtmp/amf0.ts";
import { decodeAmf0 } from "../../../transcoder/rtmp/amf0-decode.ts";
import { encodeAmf0 } from "../../../transcoder/rtmp/amf0-encode.ts";
import { createChunkReader } from "../../../transcoder/rtmp/chunk-reader.ts";
import type { RtmpConnection, RtmpEvent } from "../../../transcoder/rtmp/connection.ts";
import type { RtmpLimits } from "../../../transcoder/rtmp/limits.ts";
import {
  be24,
  be32,
  bytes,
  C2,
  CONNECT,
  CONNECT_OBJECT,
  CREATE_STREAM,
  command,
  eventsOf,
  FAREWELL,
  HELLO,
  limitsWith,
  message,
  newConnection,
  ON_METADATA,
  PUBLISH,
  play,
  ramp,
  SETUP,
  SHOW,
  type0,
} from "./encoder.ts";

const HANDSHAKE = bytes(HELLO, C2);
const UP_TO_PUBLISH = bytes(HANDSHAKE, CONNECT, CREATE_STREAM, PUBLISH);
const HANDSHAKE_ANSWER_BYTES = 1 + 2 * 1536;

const sent = (events: readonly RtmpEvent[]): Uint8Array =>
  bytes(...eventsOf(events, "send").map((event) => event.bytes));

interface Said {
  readonly type: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
}

/** The messages that this side sent, read the way a client does. */
function said(wire: Uint8Array, chunkSize = 4096): Said[] {
  const reader = createChunkReader(limitsWith());
  reader.setChunkSize(chunkSize);
  reader.push(wire);
  const messages: Said[] = [];
  for (let step = reader.next(); step !== "more"; step = reader.next()) {
    if (step === "chunk") continue;
    if (step.kind === "failed") throw new Error(step.failure.reason);
    if (step.type === 1) reader.setChunkSize(new DataView(step.payload.buffer).getUint32(0));
    messages.push({ type: step.type, streamId: step.streamId, payload: step.payload });
  }
  return messages;
}

function values(payload: Uint8Array | undefined): readonly Amf0Value[] {
  const decoded = decodeAmf0(payload ?? bytes(), limitsWith());
  if (!decoded.ok) throw new Error(decoded.error.reason);
  return decoded.value;
}

/** Code and level of every `onStatus`, with the message stream it went to. */
const statuses = (messages: readonly Said[]) =>
  messages
    .filter(({ type }) => type === 20)
    .map(({ payload, streamId }) => ({ streamId, values: values(payload) }))
    .filter(({ values: [name] }) => name === "onStatus")
    .map(({ streamId, values: [, , , info] }) => [streamId, member(info, "level"), member(info, "code")]);

/** A connection that publishes. */
function publishing(limits: Partial<RtmpLimits> = {}): RtmpConnection {
  const connection = newConnection(limits);
  play(connection, UP_TO_PUBLISH);
  expect(connection.phase).toBe("publishing");
  return connection;
}

describe("handshake", () => {
  it("answers C0 and C1 with S0, S1 and an echo", () => {
    const connection = newConnection();
    expect(connection.receive(HELLO.subarray(0, 1536))).toEqual([]);
    const answer = sent(connection.receive(HELLO.subarray(1536)));
    expect(answer.length).toBe(HANDSHAKE_ANSWER_BYTES);
    expect(answer[0]).toBe(3);
    // A server version of 0 keeps FFmpeg and librtmp from looking for a digest.
    expect([...answer.subarray(1, 9)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(answer.subarray(1537)).toEqual(HELLO.subarray(1));
    expect(connection.phase).toBe("handshake");
    expect(connection.receive(C2)).toEqual([]);
    expect(connection.phase).toBe("new");
  });

  it.each([
    ["encrypted RTMP", 6],
    ["a web browser", 0x47],
    ["TLS", 22],
  ])("refuses %s at the first byte", (_name, version) => {
    const failure = { type: "failed", failure: { reason: "unsupported-version", version } };
    const connection = newConnection();
    expect(connection.receive(bytes(version))).toEqual([failure]);
    expect(connection.phase).toBe("failed");
    expect(connection.receive(HANDSHAKE)).toEqual([]);
  });

  it("does not mind what is in C2", () => {
    const connection = newConnection();
    const events = play(connection, bytes(HELLO, new Uint8Array(1536), CONNECT));
    expect(eventsOf(events, "failed")).toEqual([]);
    expect(connection.phase).toBe("connected");
  });
});

describe("connect", () => {
  function connect(
    object: Readonly<Record<string, Amf0Value>>,
    fourCcs?: readonly string[],
  ): readonly Said[] {
    const connection = newConnection({}, fourCcs);
    const input = bytes(HANDSHAKE, command(["connect", 1, amf0Object(object)]));
    return said(sent(play(connection, input)).subarray(HANDSHAKE_ANSWER_BYTES), 128);
  }

  it("announces window, bandwidth and chunk size, then succeeds", () => {
    const [window, bandwidth, chunkSize, result, ...rest] = connect(CONNECT_OBJECT);
    expect(window).toEqual({ type: 5, streamId: 0, payload: bytes(be32(2_500_000)) });
    expect(bandwidth).toEqual({ type: 6, streamId: 0, payload: bytes(be32(2_500_000), 2) });
    expect(chunkSize).toEqual({ type: 1, streamId: 0, payload: bytes(be32(4096)) });
    const [name, transactionId, , info] = values(result?.payload);
    expect([
      name,
      transactionId,
      member(info, "level"),
      member(info, "code"),
      member(info, "objectEncoding"),
    ]).toEqual(["_result", 1, "status", "NetConnection.Connect.Success", 0]);
    expect(rest).toEqual([]);
  });

  const list = (...items: string[]): Amf0Value => ({ type: "strict-array", items });
  it.each<[string, Amf0Value, string[] | undefined, Amf0Value]>([
    ["nothing when it supports none", list("hvc1"), undefined, undefined],
    ["nothing to a client that asks for none", undefined, ["hvc1"], undefined],
    ["those that both know", list("av01", "hvc1", "vp09"), ["hvc1", "av01"], list("hvc1", "av01")],
    ["all to a client that takes any", list("*"), ["hvc1", "av01"], list("hvc1", "av01")],
    ["nothing when they share none", list("vp09"), ["hvc1"], undefined],
    ["nothing to a list that is none", "hvc1", ["hvc1"], undefined],
  ])("answers an Enhanced RTMP client with %s", (_name, fourCcList, supported, expected) => {
    const messages = connect({ ...CONNECT_OBJECT, fourCcList }, supported);
    const [, , , info] = values(messages.at(-1)?.payload);
    expect(member(info, "fourCcList")).toEqual(expected);
  });
});

describe("publishing", () => {
  it("gives the facts of the client", () => {
    const [publish] = eventsOf(newConnection().receive(UP_TO_PUBLISH), "publish");
    expect(publish?.facts).toEqual({
      app: "live",
      name: "key?a=b",
      tcUrl: "rtmp://example.test/live",
      flashVer: "FMLE/3.0 (compatible; Test)",
      fourCcs: [],
    });
  });

  it("answers releaseStream, FCPublish and createStream with their transaction", () => {
    const connection = newConnection();
    play(connection, bytes(HANDSHAKE, CONNECT));
    const input = bytes(
      command(["releaseStream", 2, null, "k"]),
      command(["FCPublish", 3, null, "k"]),
      CREATE_STREAM,
    );
    expect(said(sent(play(connection, input))).map(({ payload }) => values(payload))).toEqual([
      ["_result", 2, null, undefined],
      ["_result", 3, null, undefined],
      ["_result", 4, null, 1],
    ]);
  });

  it("starts when it is accepted, on the client's message stream", () => {
    const connection = newConnection();
    connection.receive(UP_TO_PUBLISH);
    expect(connection.phase).toBe("undecided");
    const messages = said(sent(connection.accept()));
    expect(messages[0]).toEqual({ type: 4, streamId: 0, payload: bytes(0, 0, be32(1)) });
    expect(statuses(messages)).toEqual([[1, "status", "NetStream.Publish.Start"]]);
    expect(connection.accept()).toEqual([]);
  });

  it("keeps what a hasty client sends before the answer", () => {
    const audio = message(8, 1, bytes(0xaf, 1, 2), { csid: 4 });
    const connection = newConnection();
    const before = connection.receive(bytes(UP_TO_PUBLISH, audio));
    expect(eventsOf(before, "media")).toEqual([]);
    expect(connection.receive(audio)).toEqual([]);
    expect(connection.bufferedBytes).toBe(2 * audio.length);
    expect(eventsOf(connection.accept(), "media")).toHaveLength(2);
  });

  it("is refused with the owner's words, and says nothing after", () => {
    const connection = newConnection();
    connection.receive(UP_TO_PUBLISH);
    const events = connection.refuse("NetStream.Publish.BadName", "no such key");
    expect(statuses(said(sent(events)))).toEqual([[1, "error", "NetStream.Publish.BadName"]]);
    expect(events.at(-1)).toEqual({ type: "refused", code: "NetStream.Publish.BadName" });
    expect(connection.receive(SHOW)).toEqual([]);
    expect(connection.refuse("x", "y")).toEqual([]);
    expect(connection.accept()).toEqual([]);
  });

  it("is dropped with the owner's words", () => {
    const events = publishing().refuse("NetStream.Publish.Denied", "over");
    expect(statuses(said(sent(events)))).toEqual([[1, "error", "NetStream.Publish.Denied"]]);
  });

  it.each([
    ["FCUnpublish", command(["FCUnpublish", 6, null, "key"])],
    ["deleteStream", command(["deleteStream", 7, null, 1])],
    ["closeStream", command(["closeStream", 0, null], 1)],
  ])("ends at %s", (name, input) => {
    const connection = publishing();
    const events = connection.receive(input);
    expect(events.at(-1)).toEqual({ type: "unpublish", command: name });
    expect(statuses(said(sent(events)))).toEqual([[1, "status", "NetStream.Unpublish.Success"]]);
    expect(connection.phase).toBe("over");
    expect(connection.receive(FAREWELL)).toEqual([]);
  });

  it.each([
    ["deleteStream of another stream", command(["deleteStream", 7, null, 2])],
    ["closeStream of another stream", command(["closeStream", 0, null], 0)],
    ["an unknown command", command(["getStats", 9, null])],
    ["a command in an AMF3 message", message(17, 0, bytes(0, encodeAmf0(["getStats", 9, null])))],
  ])("goes on after %s", (_name, input) => {
    const connection = publishing();
    expect(eventsOf(connection.receive(input), "send")).toEqual([]);
    expect(connection.phase).toBe("publishing");
  });

  it("refuses to play", () => {
    const connection = newConnection();
    const input = bytes(HANDSHAKE, CONNECT, CREATE_STREAM);
    play(connection, input);
    const events = connection.receive(command(["play", 0, null, "key"], 1));
    expect(statuses(said(sent(events)))).toEqual([[1, "error", "NetStream.Play.Failed"]]);
    expect(events.at(-1)).toEqual({ type: "refused", code: "NetStream.Play.Failed" });
  });
});

describe("control", () => {
  it.each<[string, Uint8Array, Said[]]>([
    [
      "a ping with a pong of the same time",
      message(4, 0, bytes(0, 6, be32(99))),
      [{ type: 4, streamId: 0, payload: bytes(0, 7, be32(99)) }],
    ],
    ["a pong with nothing", message(4, 0, bytes(0, 7, be32(99))), []],
    ["a buffer length with nothing", message(4, 0, bytes(0, 3, be32(1), be32(3000))), []],
    [
      "another bandwidth with a window",
      message(6, 0, bytes(be32(100_000), 2)),
      [{ type: 5, streamId: 0, payload: bytes(be32(100_000)) }],
    ],
    ["the same bandwidth with nothing", message(6, 0, bytes(be32(2_500_000), 2)), []],
  ])("answers %s", (_name, input, expected) => {
    expect(said(sent(publishing().receive(input)))).toEqual(expected);
  });

  it("acknowledges each window with all bytes received, the handshake included", () => {
    const connection = publishing();
    const before = UP_TO_PUBLISH.length;
    const window = message(5, 0, bytes(be32(10_000)), { csid: 2 });
    connection.receive(bytes(window, message(1, 0, bytes(be32(5000)), { csid: 2 })));
    const setup = before + 2 * window.length;
    const video = message(9, 1, ramp(5000), { csid: 6, chunkSize: 5000 });
    const acknowledged: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      for (const { type, payload } of said(sent(connection.receive(video)))) {
        expect(type).toBe(3);
        acknowledged.push(new DataView(payload.buffer).getUint32(0));
      }
    }
    expect(acknowledged).toEqual([setup + 2 * video.length, setup + 4 * video.length]);
  });

  it("takes chunks of the largest size that means anything", () => {
    const connection = publishing();
    const size = message(1, 0, bytes(be32(0x7fffffff)), { csid: 2 });
    const video = message(9, 1, ramp(100_000), { csid: 6, chunkSize: 0xffffff });
    const [media] = eventsOf(connection.receive(bytes(size, video)), "media");
    expect(media?.payload).toEqual(ramp(100_000));
  });
});

describe("media", () => {
  const tag = (type: number, ms: number, payload: readonly number[]) =>
    bytes(type, be24(payload.length), be24(ms), ms >>> 24, 0, 0, 0, payload, be32(11 + payload.length));
  const media = (input: Uint8Array) =>
    eventsOf(publishing().receive(input), "media").map(({ kind, timestampMs, payload }) => [
      kind,
      timestampMs,
      [...payload],
    ]);

  it.each<[string, Uint8Array, unknown[]]>([
    ["audio", message(8, 1, bytes(0xaf, 1, 2), { csid: 4, ms: 9 }), [["audio", 9, [0xaf, 1, 2]]]],
    ["video", message(9, 1, bytes(0x17, 1, 2), { csid: 4, ms: 9 }), [["video", 9, [0x17, 1, 2]]]],
    ["no audio of no bytes", message(8, 1, bytes(), { csid: 4 }), []],
    [
      "metadata without @setDataFrame",
      message(18, 1, bytes(encodeAmf0(["@setDataFrame"]), ON_METADATA)),
      [["data", 0, [...ON_METADATA]]],
    ],
    ["metadata that came without it", message(18, 1, ON_METADATA), [["data", 0, [...ON_METADATA]]]],
    ["metadata of an AMF3 message", message(15, 1, bytes(0, ON_METADATA)), [["data", 0, [...ON_METADATA]]]],
    ["no order to clear it", message(18, 1, encodeAmf0(["@clearDataFrame", "onMetaData"])), []],
    ["no data that is not AMF0", message(18, 1, bytes(encodeAmf0(["onMetaData"]), 3, 0, 9)), []],
    ["no data without a name", message(18, 1, encodeAmf0([1])), []],
    [
      "the tags of an aggregate, at its own time",
      message(22, 1, bytes(tag(8, 500, [1]), tag(9, 520, [2, 3])), { csid: 5, ms: 100 }),
      [
        ["audio", 100, [1]],
        ["video", 120, [2, 3]],
      ],
    ],
    [
      "an aggregate across the end of 24 bits",
      message(22, 1, bytes(tag(8, 0xfffff0, [1]), tag(8, 0x1000010, [2])), { csid: 5, ms: 0xfffff0 }),
      [
        ["audio", 0xfffff0, [1]],
        ["audio", 0x1000010, [2]],
      ],
    ],
    ["an aggregate of nothing", message(22, 1, bytes(), { csid: 5 }), []],
  ])("gives %s", (_name, input, expected) => {
    expect(media(input)).toEqual(expected);
  });

  it("carries the clock of audio and video over 32 bits, and lets metadata at 0 move nothing", () => {
    const at = (type: number, ms: number) =>
      message(type, 1, type === 18 ? ON_METADATA : bytes(1), { csid: 4, ms });
    const input = bytes(
      at(9, 0xfffffff0),
      at(8, 0xfffffff5),
      at(9, 0x11),
      at(18, 0),
      at(8, 0xfffffff9),
      at(9, 0x32),
    );
    expect(media(input).map(([kind, ms]) => [kind, ms])).toEqual([
      ["video", 0xfffffff0],
      ["audio", 0xfffffff5],
      ["video", 2 ** 32 + 0x11],
      ["data", 2 ** 32],
      ["audio", 0xfffffff9],
      ["video", 2 ** 32 + 0x32],
    ]);
  });

  it("does not lose count of half a turn of the clock to metadata at 0", () => {
    const at = (type: number, ms: number) =>
      message(type, 1, type === 18 ? ON_METADATA : bytes(1), { csid: 4, ms });
    const input = bytes(at(9, 2 ** 31 - 10), at(18, 0), at(9, 2 ** 31 + 23));
    expect(media(input).map(([, ms]) => ms)).toEqual([2 ** 31 - 10, 0, 2 ** 31 + 23]);
  });
});

describe("however the bytes are cut", () => {
  const session = bytes(SETUP, SHOW, FAREWELL);
  const whole = play(newConnection(), session);

  it("plays the recorded session to its end", () => {
    expect(eventsOf(whole, "failed")).toEqual([]);
    expect(whole.at(-1)).toEqual({ type: "unpublish", command: "FCUnpublish" });
    expect(
      eventsOf(whole, "media").map(({ kind, timestampMs, payload }) => [kind, timestampMs, payload.length]),
    ).toEqual([
      ["data", 0, ON_METADATA.length],
      ["video", 0, 32],
      ["audio", 0, 4],
      ["audio", 21, 10],
      ["video", 33, 100],
      ["audio", 42, 10],
      ["audio", 63, 10],
      ["audio", 120, 3],
      ["video", 140, 2],
      ["video", 16_777_300, 150],
    ]);
  });

  it.each([1, 2, 3, 7, 100, 1000])("gives the same events in pieces of %i", (size) => {
    expect(play(newConnection(), session, size)).toEqual(whole);
  });
});

describe("rules and limits", () => {
  const connected = (...parts: Uint8Array[]) => bytes(HANDSHAKE, CONNECT, ...parts);
  const live = (...parts: Uint8Array[]) => bytes(UP_TO_PUBLISH, ...parts);
  it.each<[string, Uint8Array, Partial<RtmpLimits>, object]>([
    [
      "createStream before connect",
      bytes(HANDSHAKE, CREATE_STREAM),
      {},
      { reason: "not-connected", command: "createStream" },
    ],
    ["connect twice", connected(CONNECT), {}, { reason: "already-connected" }],
    [
      "connect without an app",
      bytes(HANDSHAKE, command(["connect", 1, null])),
      {},
      { reason: "malformed-command", detail: "connect without an app" },
    ],
    [
      "publish without a stream",
      connected(PUBLISH),
      {},
      { reason: "unknown-message-stream", streamId: 1, command: "publish" },
    ],
    [
      "publish on a deleted stream",
      connected(CREATE_STREAM, command(["deleteStream", 0, null, 1]), PUBLISH),
      {},
      { reason: "unknown-message-stream", streamId: 1, command: "publish" },
    ],
    [
      "publish without a name",
      connected(CREATE_STREAM, command(["publish", 5, null], 1)),
      {},
      { reason: "malformed-command", detail: "publish without a name" },
    ],
    ["publish twice", live(PUBLISH), {}, { reason: "second-publish" }],
    [
      "a command without a name",
      connected(command([1, 2])),
      {},
      { reason: "malformed-command", detail: "no command name" },
    ],
    [
      "a transaction id that is none",
      connected(command(["createStream", "4"])),
      {},
      { reason: "malformed-command", detail: "the transaction id is no number" },
    ],
    [
      "a command that is not AMF0",
      connected(message(20, 0, bytes(7, 0, 1))),
      {},
      { reason: "malformed-amf", amf: { reason: "refused-marker", marker: 7, offset: 0 } },
    ],
    [
      "a command that is AMF3",
      connected(message(17, 0, bytes(17, 6, 1))),
      {},
      { reason: "malformed-amf", amf: { reason: "refused-marker", marker: 17, offset: 0 } },
    ],
    [
      "media before publish",
      connected(CREATE_STREAM, message(9, 1, bytes(1), { csid: 6 })),
      {},
      { reason: "media-before-publish", type: 9 },
    ],
    [
      "media on another stream",
      live(message(9, 2, bytes(1), { csid: 6 })),
      {},
      { reason: "unknown-message-stream", streamId: 2, command: "media" },
    ],
    [
      "a chunk size of 0",
      live(message(1, 0, bytes(be32(0)))),
      {},
      { reason: "bad-chunk-size", chunkSize: 0 },
    ],
    [
      "a chunk size with its top bit set",
      live(message(1, 0, bytes(be32(0x80000001)))),
      {},
      { reason: "bad-chunk-size", chunkSize: 0x80000001 },
    ],
    [
      "a short control message",
      live(message(1, 0, bytes(1, 2, 3))),
      {},
      { reason: "malformed-control", type: 1, bytes: 3 },
    ],
    [
      "a short ping",
      live(message(4, 0, bytes(0, 6, 1))),
      {},
      { reason: "malformed-control", type: 4, bytes: 3 },
    ],
    [
      "a message type that is none",
      live(message(7, 0, bytes(1))),
      {},
      { reason: "unknown-message-type", type: 7 },
    ],
    [
      "an aggregate cut short",
      live(message(22, 1, bytes(8, be24(5), be24(0), 0, 0, 0, 0, 1), { csid: 5 })),
      {},
      { reason: "malformed-aggregate", offset: 0 },
    ],
    [
      "an aggregate in an aggregate",
      live(message(22, 1, bytes(22, be24(0), be24(0), 0, 0, 0, 0, be32(11)), { csid: 5 })),
      {},
      { reason: "malformed-aggregate", offset: 0 },
    ],
    [
      "9 MB of video",
      live(type0(6, 0, 9_000_000, 9, 1, bytes())),
      {},
      { reason: "message-too-long", type: 9, bytes: 9_000_000, limit: 8 * 2 ** 20 },
    ],
    [
      "many message streams",
      connected(CREATE_STREAM, CREATE_STREAM, CREATE_STREAM),
      { messageStreams: 2 },
      { reason: "too-many-message-streams", limit: 2 },
    ],
    [
      "many commands",
      connected(command(["_checkbw", 0]), command(["_checkbw", 0])),
      { commandsBeforePublish: 2 },
      { reason: "too-many-commands", limit: 2 },
    ],
    [
      "many bytes before publish",
      connected(message(18, 0, ON_METADATA)),
      { bytesBeforePublish: 3073 + CONNECT.length + 5 },
      { reason: "too-many-bytes-before-publish", limit: 3073 + CONNECT.length + 5 },
    ],
    [
      "deep AMF",
      connected(command(["x", 0, amf0Object({ a: amf0Object({}) })])),
      { amfDepth: 0 },
      { reason: "malformed-amf", amf: { reason: "too-deep", limit: 0, offset: expect.any(Number) } },
    ],
  ])("ends at %s", (_name, input, limits, failure) => {
    for (const size of [input.length, 1]) {
      const connection = newConnection(limits);
      expect(play(connection, input, size).at(-1)).toEqual({ type: "failed", failure });
      expect(connection.phase).toBe("failed");
      expect(connection.bufferedBytes).toBe(0);
      expect(connection.receive(SHOW)).toEqual([]);
      expect(connection.refuse("a", "b")).toEqual([]);
    }
  });

  it("ends when too much comes while a publish waits", () => {
    const connection = newConnection({ heldBytes: 100 });
    connection.receive(UP_TO_PUBLISH);
    expect(connection.receive(ramp(100))).toEqual([]);
    const failure = { reason: "too-many-bytes-while-undecided", limit: 100 };
    expect(connection.receive(ramp(1))).toEqual([{ type: "failed", failure }]);
    expect(connection.accept()).toEqual([]);
  });

  it("does not count what comes after publish as what came before", () => {
    const connection = publishing();
    const video = message(9, 1, ramp(50_000), { csid: 6 });
    for (let i = 0; i < 4; i += 1) expect(eventsOf(connection.receive(video), "media")).toHaveLength(1);
  });

  it("tells the log of odd things, but not for ever", () => {
    const connection = publishing({ notes: 2 });
    const events = play(connection, bytes(...Array(5).fill(command(["getStats", 0]))));
    const note = { what: "ignored-command", command: "getStats" };
    expect(events).toEqual([
      { type: "note", note },
      { type: "note", note },
    ]);
  });
});
