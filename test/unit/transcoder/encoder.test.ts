/** One encoder's connection, from its publish to its end: real messages and FFmpeg, an origin and a socket made up here. */
import { describe, expect, it, vi } from "vitest";
import type { MediaMessage } from "../../../transcoder/core/flv.ts";
import { Encoder } from "../../../transcoder/encoder.ts";
import type { LogEvent } from "../../../transcoder/log.ts";
import type { SessionGrant } from "../../../wire/ingest.ts";
import { MadeUpOrigin, MadeUpPublication, NO_SPOOL } from "./made-up.ts";
import { makeSource, VERSION } from "./session.ts";

/** Send messages in bursts, as fast as FFmpeg takes them. */
async function serve(messages: readonly MediaMessage[]) {
  const origin = new MadeUpOrigin();
  const publication = new MadeUpPublication();
  const logged: LogEvent[] = [];
  const encoder = new Encoder(publication, { key: "k", yields: false }, origin.grant(), {
    client: origin,
    ffmpeg: { program: "ffmpeg", version: VERSION },
    spool: NO_SPOOL,
    log: (event) => logged.push(event),
  });
  for (const [i, message] of messages.entries()) {
    publication.send(message);
    if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  publication.leave();
  await encoder.done;
  const started = logged.filter(({ event }) => event === "session-started");
  return { origin, publication, logged, started };
}

const picture = (size: string, seconds: number, gop = 25) => [
  ...[
    "-f",
    "lavfi",
    "-i",
    `testsrc2=size=${size}:rate=25`,
    "-f",
    "lavfi",
    "-i",
    "sine=frequency=440:sample_rate=48000",
  ],
  ...[
    "-t",
    String(seconds),
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-tune",
    "zerolatency",
    "-pix_fmt",
    "yuv420p",
  ],
  ...["-g", String(gop), "-keyint_min", String(gop), "-sc_threshold", "0", "-c:a", "aac"],
];
const keyframe = (messages: readonly MediaMessage[]): Uint8Array =>
  messages.find(({ kind, payload }) => kind === "video" && payload[0] === 0x17 && payload[1] === 1)
    ?.payload ?? new Uint8Array();
const seconds = (origin: MadeUpOrigin, session: string) =>
  origin.entries
    .filter(({ entry, session: own }) => entry.type === "segment" && own === session)
    .reduce((sum, { entry }) => sum + (entry.type === "segment" ? entry.duration : 0), 0);

describe("an encoder", () => {
  const { messages } = makeSource("encoder-small", picture("320x180", 4));

  it("is served from its first keyframe to its last, in one session", async () => {
    const { origin, started } = await serve(messages);
    expect(started).toHaveLength(1);
    expect(seconds(origin, "b.1")).toBeCloseTo(4, 1);
    expect(origin.calls).toEqual(["open", "describe 320x180", "close session"]);
  });

  it("that leaves while its next session is being opened leaves none behind", async () => {
    const origin = new MadeUpOrigin();
    const publication = new MadeUpPublication();
    const close = origin.close.bind(origin);
    origin.close = async (holder, scope) => {
      publication.leave();
      return close(holder, scope);
    };
    const encoder = new Encoder(publication, { key: "k" }, origin.grant(), {
      client: origin,
      ffmpeg: { program: "ffmpeg", version: VERSION },
      spool: NO_SPOOL,
      log: () => {},
    });
    const { messages } = makeSource("left", picture("320x180", 3));
    for (const message of messages) publication.send(message);
    await vi.waitFor(() => expect(origin.entries.length).toBeGreaterThan(0), 10_000);
    const [message] = messages;
    if (message)
      publication.send({ ...message, kind: "video", timestamp: 3_600_000, payload: keyframe(messages) });
    await encoder.done;
    expect(origin.calls.filter((call) => call === "open")).toHaveLength(1);
  });

  it("whose clock jumps an hour goes on in a new session, though it says its configuration only once", async () => {
    const isConfig = ({ kind, payload }: MediaMessage) => kind !== "data" && payload[1] === 0;
    const later = messages
      .filter((message) => !isConfig(message) && message.kind !== "data")
      .map((message) => ({ ...message, timestamp: message.timestamp + 3_600_000 }));
    const { origin, started, publication } = await serve([...messages, ...later]);
    expect(publication.dropped).toBeUndefined();
    expect(started).toHaveLength(2);
    expect(origin.calls).toEqual([
      "open",
      "describe 320x180",
      "close session",
      "open",
      "describe 320x180",
      "close session",
    ]);
    expect(seconds(origin, "b.1")).toBeCloseTo(4, 1);
    expect(seconds(origin, "b.2")).toBeCloseTo(4, 1);
    const msns = origin.entries.flatMap(({ entry }) => (entry.type === "segment" ? [entry.msn] : []));
    expect(msns).toEqual(msns.map((_, i) => i));
  });

  it("that changes its picture goes on in a new session with the new size", async () => {
    const other = makeSource("encoder-large", picture("640x360", 3)).messages;
    const last = messages.at(-1)?.timestamp ?? 0;
    const { origin, started } = await serve([
      ...messages,
      ...other.map((message) => ({ ...message, timestamp: message.timestamp + last + 40 })),
    ]);
    expect(started).toHaveLength(2);
    expect(origin.calls.filter((call) => call.startsWith("describe"))).toEqual([
      "describe 320x180",
      "describe 640x360",
    ]);
    expect(seconds(origin, "b.2")).toBeGreaterThan(2.5);
  });

  it("whose keyframes become rare is encoded from then on", async () => {
    const sparse = makeSource("encoder-sparse", [
      ...picture("320x180", 14, 999),
      ...["-force_key_frames", "expr:if(lt(t,3),gte(t,n_forced),gte(t,9))"],
    ]).messages;
    const { logged, started } = await serve(sparse);
    expect(logged.find(({ event }) => event === "session-trouble")).toMatchObject({
      problem: { reason: "overlong-gop" },
    });
    const modes = started.map(({ plan }) => (plan as SessionGrant["plan"])?.renditions[0]?.mode);
    expect(modes).toEqual(["copy", "encode"]);
  });

  it("is dropped with words when origin gave its stream to another", async () => {
    const origin = new MadeUpOrigin();
    origin.refuseAppends = { name: "fenced", status: 409, detail: "" };
    const publication = new MadeUpPublication();
    const encoder = new Encoder(publication, { key: "k", yields: false }, origin.grant(), {
      client: origin,
      ffmpeg: { program: "ffmpeg", version: VERSION },
      spool: NO_SPOOL,
      log: () => {},
    });
    for (const message of messages) publication.send(message);
    await encoder.done;
    expect(publication.dropped).toEqual({
      code: "NetStream.Publish.Failed",
      description: "Another encoder has taken over this stream.",
    });
  });

  it("is dropped with words when FFmpeg cannot be run again and again", async () => {
    const origin = new MadeUpOrigin();
    const publication = new MadeUpPublication();
    const encoder = new Encoder(publication, { key: "k", yields: false }, origin.grant(), {
      client: origin,
      ffmpeg: { program: "/nonexistent/ffmpeg", version: VERSION },
      spool: NO_SPOOL,
      log: () => {},
    });
    for (let round = 0; publication.dropped === undefined && round < 40; round += 1) {
      for (const message of messages)
        publication.send({ ...message, timestamp: message.timestamp + round * 4_000 });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await encoder.done;
    expect(publication.dropped?.description).toBe("The source changes too often.");
  });

  it.each([
    ["nothing", []],
    ["a configuration and then nothing", messages.slice(0, 3)],
  ])("that sends %s is sent away, and its stream is free again", async (_what, sent) => {
    vi.useFakeTimers();
    try {
      const origin = new MadeUpOrigin();
      const publication = new MadeUpPublication();
      const encoder = new Encoder(publication, { key: "k", yields: false }, origin.grant(), {
        client: origin,
        ffmpeg: { program: "ffmpeg", version: VERSION },
        spool: NO_SPOOL,
        log: () => {},
      });
      for (const message of sent) publication.send(message);
      await vi.advanceTimersByTimeAsync(9_000);
      expect(publication.dropped).toBeUndefined();
      await vi.advanceTimersByTimeAsync(5_000);
      expect(publication.dropped?.description).toBe("No audio or video in 10 seconds.");
      await encoder.done;
      expect(origin.calls).toEqual(["open", "close session"]);
    } finally {
      vi.useRealTimers();
    }
  });
});
