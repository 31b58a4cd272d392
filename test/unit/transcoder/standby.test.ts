/** A second encoder that waits: what it holds, when it asks, and how its show begins; real messages and FFmpeg. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { RecentFrames } from "../../../transcoder/cmaf/recent-frames.ts";
import type { MediaMessage } from "../../../transcoder/core/flv.ts";
import { RollingBacklog } from "../../../transcoder/core/rolling-backlog.ts";
import type { LogEvent } from "../../../transcoder/log.ts";
import { Standby } from "../../../transcoder/standby.ts";
import { MadeUpOrigin, MadeUpPublication, NO_SPOOL } from "./made-up.ts";
import { makeSource, VERSION } from "./session.ts";

const PICTURE = [
  ...["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=48000"],
  ...["-t", "6", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"],
  ...["-g", "25", "-keyint_min", "25", "-sc_threshold", "0", "-c:a", "aac"],
];
const { messages } = makeSource("standby", PICTURE);
const isKeyframe = ({ kind, payload }: MediaMessage) =>
  kind === "video" && payload[0] === 0x17 && payload[1] === 1;

const standbys: Standby[] = [];
afterEach(async () => {
  for (const standby of standbys.splice(0)) {
    standby.stop();
    await standby.done;
  }
});

function wait(busy: "cold" | "warm", program = "ffmpeg") {
  const origin = new MadeUpOrigin();
  origin.busy = busy;
  const publication = new MadeUpPublication();
  const logged: LogEvent[] = [];
  const standby = new Standby(
    publication,
    { key: "k", backup: true },
    {
      client: origin,
      ffmpeg: { program, version: VERSION },
      spool: NO_SPOOL,
      log: (event) => logged.push(event),
    },
  );
  standbys.push(standby);
  return { origin, publication, standby, logged };
}

describe.each(["cold", "warm"] as const)("a %s standby", (busy) => {
  it("asks until the stream is free, and begins at its newest keyframe", { timeout: 30_000 }, async () => {
    const { origin, publication, standby, logged } = wait(busy);
    // Three and a half seconds have come: the newest keyframe is the one at 3 s.
    const head = messages.filter(({ timestamp }) => timestamp < 3500);
    for (const message of head) publication.send(message);
    await vi.waitFor(
      () => expect(origin.calls).toContain(busy === "warm" ? "wait with a plan" : "wait"),
      10_000,
    );
    if (busy === "warm") {
      expect(logged.filter(({ event }) => event === "warming-up")).toHaveLength(1);
      await vi.waitFor(
        () => expect(origin.calls.filter((call) => call === "wait with a plan").length).toBeGreaterThan(2),
        10_000,
      );
    }
    expect(origin.entries, "nothing is published meanwhile").toEqual([]);
    origin.busy = undefined;
    await vi.waitFor(() => expect(logged.map(({ event }) => event)).toContain("session-started"), 10_000);
    for (const message of messages.filter(({ timestamp }) => timestamp >= 3500)) publication.send(message);
    publication.leave();
    await standby.done;
    const parts = origin.entries.flatMap(({ entry }) => (entry.type === "part" ? [entry] : []));
    const segments = origin.entries.flatMap(({ entry }) => (entry.type === "segment" ? [entry] : []));
    const seconds = segments.reduce((sum, { duration }) => sum + duration, 0);
    expect(seconds, "from the keyframe at 3 s to the end at 6 s").toBeCloseTo(3, 1);
    for (const part of parts) expect(Object.keys(part.tracks).sort()).toEqual(["audio", "v180"]);
    expect(origin.calls.filter((call) => call === "close session")).toHaveLength(1);
    expect(
      logged.some(({ event, warm }) => event === "standby-takes-over" && warm === (busy === "warm")),
    ).toBe(true);
  });
});

describe("a standby", () => {
  it("asks under one name, and what it becomes does not: its next session is another", {
    timeout: 30_000,
  }, async () => {
    const { origin, publication, standby, logged } = wait("cold");
    for (const message of messages) publication.send(message);
    await vi.waitFor(() => expect(origin.claimIds.length).toBeGreaterThan(1), 10_000);
    origin.busy = undefined;
    await vi.waitFor(() => expect(logged.map(({ event }) => event)).toContain("session-started"), 10_000);
    const asked = origin.claimIds.length;
    expect(new Set(origin.claimIds).size).toBe(1);
    expect(origin.claimIds[0]).toBeDefined();
    // An hour on: the session begins anew.
    for (const message of messages)
      publication.send({ ...message, timestamp: message.timestamp + 3_600_000 });
    await vi.waitFor(() => expect(origin.claimIds.length).toBeGreaterThan(asked), 10_000);
    expect(origin.claimIds.at(-1)).not.toBe(origin.claimIds[0]);
    publication.leave();
    await standby.done;
  });

  it("that leaves before its time leaves nothing behind", async () => {
    const { origin, publication, standby } = wait("warm");
    for (const message of messages) publication.send(message);
    await vi.waitFor(() => expect(origin.calls).toContain("wait with a plan"), 10_000);
    publication.leave();
    await standby.done;
    expect(origin.calls.filter((call) => call === "open")).toEqual([]);
  });

  it("whose source changed while FFmpeg was warm begins cold", { timeout: 30_000 }, async () => {
    const { origin, publication, standby } = wait("warm");
    for (const message of messages) publication.send(message);
    await vi.waitFor(
      () => expect(origin.calls.filter((call) => call === "wait with a plan").length).toBeGreaterThan(1),
      10_000,
    );
    // An hour on: another clock, so another FFmpeg.
    for (const message of messages)
      publication.send({ ...message, timestamp: message.timestamp + 3_600_000 });
    origin.busy = undefined;
    await vi.waitFor(() => expect(origin.entries.length).toBeGreaterThan(0), 10_000);
    publication.leave();
    await standby.done;
    expect(origin.entries.some(({ entry }) => entry.type === "segment")).toBe(true);
  });

  it("is sent away with words when its key is taken from it", async () => {
    const { origin, publication, standby } = wait("cold");
    origin.open = async () => ({ ok: false, error: { name: "unknown-key", status: 401, detail: "" } });
    await standby.done;
    expect(publication.dropped?.code).toBe("NetStream.Publish.BadName");
  });

  it("does not begin an FFmpeg that fails at once again and again", { timeout: 30_000 }, async () => {
    const { origin, publication, standby, logged } = wait("warm", "false");
    for (const message of messages) publication.send(message);
    await vi.waitFor(
      () => expect(origin.calls.filter((call) => call === "wait with a plan").length).toBeGreaterThan(5),
      20_000,
    );
    expect(logged.filter(({ event }) => event === "warming-up")).toHaveLength(1);
    publication.leave();
    await standby.done;
  });

  it("whose own code fails is sent away, and takes nobody with it", async () => {
    const { origin, publication, standby, logged } = wait("cold");
    origin.open = () => Promise.reject(new Error("a bug"));
    await standby.done;
    expect(publication.dropped?.code).toBe("NetStream.Publish.Failed");
    expect(logged.map(({ event }) => event)).toContain("encoder-failed");
  });

  it("waits on while origin cannot be reached", async () => {
    const { origin, publication, standby } = wait("cold");
    const open = origin.open.bind(origin);
    let tries = 0;
    origin.open = async (claim) => {
      tries += 1;
      return tries < 4 ? { ok: false, error: { name: "unreachable", detail: "" } } : open(claim);
    };
    await vi.waitFor(() => expect(origin.calls).toContain("wait"), 10_000);
    expect(publication.dropped).toBeUndefined();
    publication.leave();
    await standby.done;
  });
});

describe("a rolling backlog", () => {
  it("begins at the newest keyframe, with its configurations in front and the sound that belongs to it", () => {
    const backlog = new RollingBacklog();
    for (const message of messages) backlog.push(message);
    const held = backlog.messages();
    const keyframes = held.filter(isKeyframe);
    expect(keyframes.map(({ timestamp }) => timestamp)).toEqual([messages.findLast(isKeyframe)?.timestamp]);
    const first = keyframes[0]?.timestamp ?? 0;
    expect(
      held
        .slice(0, 3)
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(["audio", "data", "video"]);
    for (const { timestamp } of held) expect(timestamp).toBeGreaterThanOrEqual(first - 25);
    expect(held.filter(({ kind }) => kind === "audio").length).toBeGreaterThan(30);
  });

  it("stays small without pictures, and without keyframes", () => {
    const backlog = new RollingBacklog();
    for (let at = 0; at < 60_000; at += 20)
      backlog.push({ kind: "audio", timestamp: at, payload: new Uint8Array([0xaf, 1, 0, 0]) });
    expect(backlog.messages().length).toBeLessThan(110);
    const large = new Uint8Array(1_000_000);
    large.set([0x27, 1]);
    for (let at = 0; at < 200_000; at += 1000) backlog.push({ kind: "video", timestamp: at, payload: large });
    expect(backlog.bytes).toBeLessThan(60e6);
  });
});

describe("recent frames", () => {
  const frame = (dts: number, keyframe: boolean) => ({
    type: "frame" as const,
    frame: { dts, duration: 40, ctsOffset: 0, keyframe, bytes: new Uint8Array(1) },
  });
  const init = {
    type: "init" as const,
    init: {
      kind: "audio" as const,
      timescale: 1000,
      trackId: 1,
      bytes: new Uint8Array(),
      codecs: "",
      channels: 2,
      sampleRate: 48_000,
      defaults: { duration: 0, size: 0, flags: 0 },
    },
  };

  it("are those from the keyframe before the newest on, in every track, whichever was quicker", () => {
    const frames = new RecentFrames("lead");
    frames.push("lead", init);
    frames.push("other", init);
    for (let at = 0; at <= 10_000; at += 500) {
      frames.push("other", frame(at, true));
      if (at >= 1000) frames.push("lead", frame(at - 1000, (at - 1000) % 2000 === 0));
    }
    const times = (track: string) =>
      frames
        .events()
        .flatMap(({ track: own, event }) =>
          own === track && event.type === "frame" ? [event.frame.dts] : [],
        );
    expect(times("lead")[0]).toBe(6000);
    expect(times("other")[0]).toBe(6000);
    expect(frames.events().filter(({ event }) => event.type === "init")).toHaveLength(2);
  });

  it("are few also when the lead stops and another track goes on for an hour", () => {
    const frames = new RecentFrames("lead");
    frames.push("lead", init);
    frames.push("other", init);
    frames.push("lead", frame(0, true));
    for (let at = 0; at <= 3_600_000; at += 500) frames.push("other", frame(at, true));
    expect(frames.events().length).toBeLessThan(50);
  });
});
