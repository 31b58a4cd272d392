/** Fuzz target: one RTMP connection. Sessions from a grammar of commands, control messages and media, then damage. */

import { C2, CONNECT_OBJECT, HELLO, message, type1, type2, type3 } from "../test/unit/rtmp/encoder.ts";
import { type Amf0Value, amf0Object } from "../transcoder/rtmp/amf0.ts";
import { encodeAmf0 } from "../transcoder/rtmp/amf0-encode.ts";
import { concat, u32, viewOf } from "../transcoder/rtmp/bytes.ts";
import { createChunkReader } from "../transcoder/rtmp/chunk-reader.ts";
import { createRtmpConnection, type RtmpEvent } from "../transcoder/rtmp/connection.ts";
import { HANDSHAKE_RANDOM_BYTES } from "../transcoder/rtmp/handshake.ts";
import { DEFAULT_RTMP_LIMITS, type RtmpLimits } from "../transcoder/rtmp/limits.ts";
import { MESSAGE } from "../transcoder/rtmp/message.ts";
import { amfValue } from "./amf.ts";
import { mutateBytes } from "./mutate.ts";
import { noise, type Random, several } from "./random.ts";
import { asBytes, must, type Ran, type Target } from "./target.ts";

const HANDSHAKE = concat([HELLO, C2]);
const HANDSHAKE_ANSWER_BYTES = HANDSHAKE.length;
const LIMITS: RtmpLimits = {
  ...DEFAULT_RTMP_LIMITS,
  unfinishedBytes: 256 * 1024,
  messageBytes: 200 * 1024,
  heldBytes: 64 * 1024,
};
const MOST_BUFFERED_BYTES = LIMITS.unfinishedBytes + LIMITS.heldBytes;
const RANDOM_BYTES = new Uint8Array(HANDSHAKE_RANDOM_BYTES);
const COMMANDS = [
  ...["connect", "createStream", "publish", "releaseStream", "FCPublish", "FCUnpublish", "deleteStream"],
  ...["closeStream", "play", "_checkbw", "_error", ""],
] as const;
const STAMPS = [0, 20, 33, 9999, 0xfffffe, 0xffffff, 0x1000000, 0x7fffffff, 0xffffffff] as const;

interface Speaker {
  readonly random: Random;
  /** As announced last. */
  chunkSize: number;
  clock: number;
}

function make(random: Random): Uint8Array {
  const speaker: Speaker = { random, chunkSize: 128, clock: random.pick([0, 0, 1000, ...STAMPS]) };
  const pieces: Uint8Array[] = [HANDSHAKE];
  if (random.once(4)) pieces.push(chunkSizeTo(speaker, 4096));
  // Mostly in the order that encoders keep, or nothing beyond it would be seen.
  const opening = ["connect", "releaseStream", "FCPublish", "createStream", "publish"];
  for (const name of opening) if (!random.once(24)) pieces.push(usual(speaker, name));
  pieces.push(...several(random, 14, () => show(speaker)));
  if (random.once(2))
    pieces.push(usual(speaker, random.pick(["FCUnpublish", "deleteStream", "closeStream"])));
  const session = concat(pieces);
  if (random.once(3)) return session;
  const from = random.once(20) ? 0 : HANDSHAKE.length;
  return mutateBytes(session, random, 1 + random.below(3), from);
}

/** Written with the chunk size of the moment. */
const say = ({ chunkSize }: Speaker, type: number, stream: number, payload: Uint8Array, csid = 3, ms = 0) =>
  message(type, stream, payload, { csid, ms, chunkSize: Math.min(chunkSize, 0xffff) });

function usual(speaker: Speaker, name: string): Uint8Array {
  const { random } = speaker;
  const id = random.once(8) ? 0 : 1 + random.below(9);
  const values: Record<string, readonly Amf0Value[]> = {
    connect: [amf0Object({ ...CONNECT_OBJECT, ...(random.once(3) && fourCcs(random)) })],
    createStream: [null],
    publish: [null, random.pick(["key", "key?a=b", ""]), "live"],
    deleteStream: [null, 1],
  };
  const onStream = name === "publish" || name === "closeStream" ? 1 : 0;
  const payload = encodeAmf0([name, id, ...(values[name] ?? [null, "key"])]);
  return random.once(8)
    ? say(speaker, MESSAGE.commandAmf3, onStream, concat([Uint8Array.of(0), payload]))
    : say(speaker, MESSAGE.command, onStream, payload);
}

const fourCcs = (random: Random) => ({
  fourCcList: { type: "strict-array", items: [random.pick(["*", "hvc1", 7, null])] } as const,
});

function chunkSizeTo(speaker: Speaker, size: number): Uint8Array {
  const said = say(speaker, MESSAGE.setChunkSize, 0, u32(size), 2);
  if (size >= 1 && size <= 0x7fffffff) speaker.chunkSize = size;
  return said;
}

/** Something that may come while publishing. */
function show(speaker: Speaker): Uint8Array {
  const { random } = speaker;
  speaker.clock = (speaker.clock + random.pick([0, 20, 33, 33, 40, 16_777_216, 4_294_967_295])) % 2 ** 32;
  const ms = speaker.clock;
  const stream = random.once(30) ? random.below(4) : 1;
  switch (random.below(14)) {
    case 0:
      return chunkSizeTo(speaker, random.pick([1, 2, 64, 128, 4096, 65_536, 0x7fffffff]));
    case 1:
      return say(
        speaker,
        random.pick([2, 3, 5, 6]),
        0,
        concat([u32(random.pick(STAMPS)), noise(random, 1)]),
        2,
      );
    case 2:
      return say(speaker, MESSAGE.userControl, 0, concat([Uint8Array.of(0, random.below(8)), u32(ms)]), 2);
    case 3:
      return say(speaker, MESSAGE.command, random.below(2), command(random));
    case 4:
      return say(speaker, random.pick([15, 18]), stream, metadata(random), 4, ms);
    case 5:
      return say(speaker, MESSAGE.aggregate, stream, aggregate(random, ms), 5, ms);
    case 6: {
      // Interleaved: a video message in pieces, audio between them.
      const body = noise(random, 90);
      const head = message(9, stream, body, { csid: 6, ms, chunkSize: 200 });
      return concat([head, type1(4, 21, 6, 8, new Uint8Array(6)), type2(4, 21, new Uint8Array(6))]);
    }
    case 7:
      return type3(random.pick([3, 4, 6]), noise(random, 20), random.once(3) ? ms : undefined);
    case 8:
      return say(speaker, random.pick([7, 16, 19, 21, 255]), stream, noise(random, 30), 7, ms);
    default:
      return say(speaker, random.pick([8, 9]), stream, concat([head(random), noise(random, 300)]), 6, ms);
  }
}

const head = (random: Random) =>
  Uint8Array.of(random.pick([0x17, 0x27, 0xaf, 0x90, 0]), random.below(2), 0, 0, 0);

const command = (random: Random): Uint8Array =>
  encodeAmf0([random.pick(COMMANDS), random.below(9), ...several(random, 3, () => amfValue(random, 3))]);

const metadata = (random: Random): Uint8Array =>
  encodeAmf0([
    ...(random.once(2) ? ["@setDataFrame"] : []),
    random.pick(["onMetaData", "@clearDataFrame", 5]),
    amfValue(random, 3),
  ]);

function aggregate(random: Random, ms: number): Uint8Array {
  const tags = several(random, 4, (index) => {
    const body = noise(random, 20);
    const header = new Uint8Array(11);
    const view = viewOf(header);
    view.setUint32(0, random.pick([8, 9, 18, 8, 9, 22]) * 0x1000000 + body.length);
    const time = (ms + 20 * index) >>> 0;
    view.setUint32(4, ((time << 8) | (time >>> 24)) >>> 0);
    return concat([header, body, u32(11 + body.length)]);
  });
  return concat(tags);
}

interface Played {
  readonly events: readonly RtmpEvent[];
  readonly phase: string;
}

/** Feed in pieces; a publish is accepted, or for some inputs refused. */
function play(input: Uint8Array, size: number, refuses: boolean): Played {
  const connection = createRtmpConnection({ limits: LIMITS, random: RANDOM_BYTES, fourCcs: ["hvc1"] });
  const events: RtmpEvent[] = [];
  let over = false;
  const take = (arrived: readonly RtmpEvent[]) => {
    for (const event of arrived) {
      must(!over, "nothing is said after the end", event.type);
      over = event.type === "failed" || event.type === "unpublish" || event.type === "refused";
      if (event.type === "media") must(Number.isSafeInteger(event.timestampMs), "timestamps are whole");
      events.push(event);
    }
  };
  for (let at = 0; at < input.length; at += size) {
    const arrived = connection.receive(input.subarray(at, at + size));
    take(arrived);
    if (arrived.some(({ type }) => type === "publish"))
      take(refuses ? connection.refuse("NetStream.Publish.BadName", "No.") : connection.accept());
    must(connection.bufferedBytes <= MOST_BUFFERED_BYTES, "memory is bounded", connection.bufferedBytes);
  }
  const { phase } = connection;
  must(over === (phase === "over" || phase === "failed"), "the phase tells the end", { over, phase });
  if (over) {
    take(connection.receive(input));
    take(connection.accept());
    take(connection.refuse("x", "y"));
    must(connection.bufferedBytes === 0, "nothing is held after the end");
  }
  return { events, phase };
}

/** What this side said can be read by a client. */
function checkAnswers(events: readonly RtmpEvent[]): void {
  const sent = concat(events.flatMap((event) => (event.type === "send" ? [event.bytes] : [])));
  if (sent.length <= HANDSHAKE_ANSWER_BYTES) return;
  const reader = createChunkReader({ ...LIMITS, chunkStreams: 4 });
  reader.push(sent.subarray(HANDSHAKE_ANSWER_BYTES));
  for (let step = reader.next(); step !== "more"; step = reader.next()) {
    if (step === "chunk") continue;
    must(step.kind === "message", "answers are well-formed", step);
    if (step.type === MESSAGE.setChunkSize) reader.setChunkSize(viewOf(step.payload).getUint32(0));
  }
  must(reader.bufferedBytes === 0, "answers are complete");
}

function run(input: Uint8Array): Ran {
  // Part of the input, so that a fixture is played the same again.
  const choice = (input.at(-1) ?? 0) + input.length;
  const refuses = choice % 16 === 0;
  const whole = play(input, [4096, 1000, 333][choice % 3] ?? 4096, refuses);
  checkAnswers(whole.events);
  const pieces = play(input, [61, 7, 1448][choice % 3] ?? 61, refuses);
  must(fingerprint(whole) === fingerprint(pieces), "pieces of any size give the same", [
    fingerprint(whole).slice(-200),
    fingerprint(pieces).slice(-200),
  ]);
  const last = whole.events.at(-1);
  const outcome = last?.type === "failed" ? last.failure.reason : whole.phase;
  return { outcome, said: fingerprint(whole) };
}

/** All that was said, short: payloads by length and a sum. */
function fingerprint({ events, phase }: Played): string {
  const said = events.map((event) => {
    switch (event.type) {
      case "send":
        return `send ${sumOf(event.bytes)}`;
      case "media":
        return `${event.kind} ${event.timestampMs} ${sumOf(event.payload)}`;
      default:
        return JSON.stringify(event);
    }
  });
  return [...said, phase].join("\n");
}

function sumOf(bytes: Uint8Array): string {
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  return `${bytes.length}/${sum}`;
}

export const rtmp: Target = {
  name: "rtmp",
  thousands: 60,
  reaches: ["publishing", "over", "message-interrupted", "unknown-message-stream", "malformed-amf"],
  make,
  run: (input) => run(asBytes(input)),
};
