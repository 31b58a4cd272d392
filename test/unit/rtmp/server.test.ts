/** The socket shell with real sockets and a real FFmpeg: limits, refusals, and that one client never harms another. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { readClaim } from "../../../transcoder/core/publish-name.ts";
import type { MediaEvent } from "../../../transcoder/rtmp/connection.ts";
import type { RtmpLimits } from "../../../transcoder/rtmp/limits.ts";
import {
  type Publication,
  type PublicationEnd,
  type PublishRequest,
  type RtmpLogEvent,
  type RtmpServer,
  type RtmpServerOptions,
  startRtmpServer,
} from "../../../transcoder/rtmp-server.ts";
import { be24, be32, bytes, C2, command, FAREWELL, HELLO, message, ramp, SETUP, SHOW } from "./encoder.ts";

let server: RtmpServer | undefined;
let log: RtmpLogEvent[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.close();
  server = undefined;
});

async function start(
  onPublish: RtmpServerOptions["onPublish"],
  limits: Partial<RtmpLimits> = {},
): Promise<RtmpServer> {
  log = [];
  server = await startRtmpServer({
    host: "127.0.0.1",
    port: 0,
    limits: { lingerTimeoutMs: 200, ...limits },
    log: (event) => log.push(event),
    onPublish,
  });
  return server;
}

/** What one publication saw. */
interface Seen {
  readonly publication: Publication;
  readonly media: MediaEvent[];
  readonly ended: Promise<PublicationEnd>;
}

function watch(request: PublishRequest): Seen {
  const publication = request.accept();
  const media: MediaEvent[] = [];
  const ended = new Promise<PublicationEnd>((resolve) => publication.onEnd(resolve));
  publication.onMedia((event) => media.push(event));
  return { publication, media, ended };
}

async function dial({ port }: RtmpServer): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

const closed = (socket: Socket): Promise<unknown> => {
  socket.resume();
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once("close", resolve));
};

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}

const ends = (): PublicationEnd[] =>
  log.flatMap((event) => (event.event === "rtmp-closed" ? [event.end] : []));

/** Frames that FFmpeg decodes from the media as an FLV file (FLV 10.1, annex E), and what it complains of. */
async function decodeAsFlv(media: readonly MediaEvent[]): Promise<{ frames: string; errors: string }> {
  const tagTypes = { audio: 8, video: 9, data: 18 } as const;
  const tags = media.map(({ kind, timestampMs, payload }) => {
    const stamp = [...be24(timestampMs & 0xffffff), timestampMs >>> 24];
    const size = be24(payload.length);
    return bytes(tagTypes[kind], size, stamp, 0, 0, 0, payload, be32(11 + payload.length));
  });
  const flv = Buffer.concat([bytes([...Buffer.from("FLV")], 1, 5, be32(9), be32(0)), ...tags]);
  const counting = ["-count_frames", "-show_entries", "stream=codec_type,nb_read_frames", "-of", "csv=p=0"];
  const child = spawn("ffprobe", ["-v", "warning", ...counting, "pipe:0"]);
  let frames = "";
  let errors = "";
  child.stdout.on("data", (text) => {
    frames += String(text);
  });
  child.stderr.on("data", (text) => {
    errors += String(text);
  });
  child.stdin.end(flv);
  await once(child, "close");
  return { frames, errors };
}

/** Publish two seconds of test picture and tone; resolves with exit code and what FFmpeg complained of. */
async function ffmpeg(url: string, input: readonly string[] = []): Promise<{ code: number; errors: string }> {
  const source = ["-f", "lavfi", "-i", "testsrc=s=160x90:r=30", "-f", "lavfi", "-i", "sine=r=48000"];
  const codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-c:a", "aac"];
  const child = spawn(
    "ffmpeg",
    [
      "-hide_banner",
      "-loglevel",
      "error",
      "-re",
      ...source,
      "-t",
      "2",
      ...codecs,
      ...input,
      "-f",
      "flv",
      url,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += String(text);
  });
  const [code] = await once(child, "close");
  return { code: Number(code), errors };
}

describe("with FFmpeg", () => {
  it("takes a stream from its first message to its last", async () => {
    const seen: Seen[] = [];
    const requests: PublishRequest[] = [];
    const { port } = await start(async (request) => {
      requests.push(request);
      await new Promise((resolve) => setTimeout(resolve, 50));
      seen.push(watch(request));
    });
    const { code } = await ffmpeg(`rtmp://127.0.0.1:${port}/live/key?a=b`);
    expect(code).toBe(0);
    expect(requests).toMatchObject([{ app: "live", name: "key?a=b", remoteAddress: "127.0.0.1" }]);
    expect(await seen[0]?.ended).toEqual({ reason: "unpublished", command: "FCUnpublish" });
    const media = seen[0]?.media ?? [];
    const of = (kind: string) => media.filter((event) => event.kind === kind);
    expect(of("data")).toHaveLength(1);
    expect([...(of("data")[0]?.payload.subarray(0, 13) ?? [])]).toEqual([
      2,
      0,
      10,
      ...Buffer.from("onMetaData"),
    ]);
    // Sequence headers first (FLV E.4.2.1, E.4.3.1), then 60 pictures, then the end-of-sequence tag.
    expect([...(of("video")[0]?.payload.subarray(0, 2) ?? [])]).toEqual([0x17, 0]);
    expect([...(of("audio")[0]?.payload.subarray(0, 2) ?? [])]).toEqual([0xaf, 0]);
    expect(of("video")).toHaveLength(62);
    expect(of("audio").length).toBeGreaterThan(90);
    expect(of("video").at(-1)?.timestampMs).toBeGreaterThan(1900);
    const { frames, errors } = await decodeAsFlv(media);
    expect(errors).toBe("");
    expect(frames).toContain("video,60\n");
    expect(frames).toMatch(/audio,9\d\n/);
  });

  it("goes on over the end of 24-bit timestamps", async () => {
    const seen: Seen[] = [];
    const { port } = await start((request) => {
      seen.push(watch(request));
    });
    const offset = ["-output_ts_offset", "16776.2"];
    expect((await ffmpeg(`rtmp://127.0.0.1:${port}/live/key`, offset)).code).toBe(0);
    const video = seen[0]?.media.filter(({ kind }) => kind === "video") ?? [];
    const times = video.slice(1).map(({ timestampMs }) => timestampMs);
    expect(times[0]).toBeLessThan(16_777_215);
    expect(times.at(-1)).toBeGreaterThan(16_777_215);
    const steps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...steps)).toBeLessThanOrEqual(67);
  });

  it("is refused with a wrong key, and says why", async () => {
    const { port } = await start((request) => request.refuse("NetStream.Publish.BadName", "no such key"));
    const { code, errors } = await ffmpeg(`rtmp://127.0.0.1:${port}/live/wrong`);
    expect(code).not.toBe(0);
    expect(errors).toContain("no such key");
    expect(ends()).toEqual([{ reason: "refused", code: "NetStream.Publish.BadName" }]);
    expect(JSON.stringify(log)).not.toContain("wrong");
  });

  it.each<[string, object]>([
    ["live/mrk_secret", { key: "mrk_secret" }],
    ["live/mrk_secret?yield=1&backup=1", { key: "mrk_secret", yields: true, backup: true }],
    ["live/demo?key=mrk_secret", { key: "mrk_secret", stream: "demo" }],
    ["live?key=mrk_secret&backup=1/demo", { key: "mrk_secret", stream: "demo", backup: true }],
    ["live?key=mrk%5Fsecret", { key: "mrk_secret" }],
    ["live/?key=mrk_secret", { key: "mrk_secret" }],
    // The key where the app should be: no key, but still not for the log.
    ["mrk_secret/demo", { key: "demo" }],
    ["mrk_secret", {}],
  ])("may have its key in %s, and the log never does", async (path, claim) => {
    const requests: PublishRequest[] = [];
    const { port } = await start((request) => {
      requests.push(request);
      request.refuse("NetStream.Publish.BadName", "That is all.");
    });
    await ffmpeg(`rtmp://127.0.0.1:${port}/${path}`);
    const [request] = requests;
    if (request === undefined) throw new Error("FFmpeg did not publish");
    const read = readClaim(request);
    if (Object.keys(claim).length === 0) expect(read).toEqual({ ok: false, error: { reason: "no-key" } });
    else expect(read).toEqual({ ok: true, value: { yields: false, backup: false, ...claim } });
    expect(log.map(({ event }) => event)).toContain("rtmp-publish");
    expect(JSON.stringify(log)).not.toContain("secret");
  });

  it("is not disturbed by garbage beside it", async () => {
    const seen: Seen[] = [];
    const running = await start((request) => {
      seen.push(watch(request));
    });
    const publishing = ffmpeg(`rtmp://127.0.0.1:${running.port}/live/key`);
    await until(() => (seen[0]?.media.length ?? 0) > 10);
    for (const garbage of [
      ramp(5000),
      bytes(HELLO, C2, Array(500).fill(0xff)),
      bytes(SETUP.subarray(0, 3200), ramp(300)),
    ]) {
      const socket = await dial(running);
      socket.write(garbage);
      await closed(socket);
    }
    expect(ends().map(({ reason }) => reason)).toEqual(["failed", "failed", "failed"]);
    expect((await publishing).code).toBe(0);
    expect(seen[0]?.media.filter(({ kind }) => kind === "video")).toHaveLength(62);
  });
});

describe("limits", () => {
  it("turns away more connections than one address may have", async () => {
    const running = await start(() => {}, { connectionsPerAddress: 2 });
    const [first] = [await dial(running), await dial(running)];
    await closed(await dial(running));
    expect(log).toContainEqual({
      event: "rtmp-turned-away",
      remoteAddress: "127.0.0.1",
      limit: "connectionsPerAddress",
    });
    first?.destroy();
    await until(() => ends().length === 1);
    const again = await dial(running);
    again.write(HELLO);
    await once(again, "data");
  });

  it("turns away more connections than it has room for", async () => {
    const running = await start(() => {}, { connections: 1 });
    await dial(running);
    await closed(await dial(running));
    expect(log.at(-1)).toMatchObject({ event: "rtmp-turned-away", limit: "connections" });
  });

  it.each<[string, Partial<RtmpLimits>, Uint8Array, object]>([
    ["says nothing", { handshakeTimeoutMs: 60 }, bytes(), { waitingFor: "handshake", afterMs: 60 }],
    ["stays in the handshake", { handshakeTimeoutMs: 60 }, HELLO, { waitingFor: "handshake", afterMs: 60 }],
    ["never publishes", { publishTimeoutMs: 60 }, bytes(HELLO, C2), { waitingFor: "publish", afterMs: 60 }],
    ["falls silent", { idleTimeoutMs: 60 }, bytes(SETUP, SHOW), { waitingFor: "bytes", afterMs: 60 }],
    [
      "is not answered by the owner",
      { decisionTimeoutMs: 60 },
      SETUP,
      { waitingFor: "decision", afterMs: 60 },
    ],
  ])("ends a client that %s", async (_name, limits, input, facts) => {
    const undecided = "decisionTimeoutMs" in limits;
    const running = await start((request) => {
      if (!undecided) watch(request);
    }, limits);
    const socket = await dial(running);
    socket.write(input);
    await closed(socket);
    expect(ends()).toEqual([{ reason: "timed-out", ...facts }]);
  });

  it("does not take a pause for silence", async () => {
    const seen: Seen[] = [];
    const running = await start(
      (request) => {
        seen.push(watch(request));
      },
      { idleTimeoutMs: 80 },
    );
    const socket = await dial(running);
    socket.write(SETUP);
    await until(() => seen.length === 1);
    seen[0]?.publication.pause();
    await new Promise((resolve) => setTimeout(resolve, 250));
    socket.write(SHOW);
    expect(ends()).toEqual([]);
    seen[0]?.publication.resume();
    expect(await seen[0]?.ended).toMatchObject({ reason: "timed-out", waitingFor: "bytes" });
    expect(seen[0]?.media).toHaveLength(10);
  });

  it("ends a client that asks and does not read", async () => {
    const running = await start((request) => {
      watch(request);
    });
    const socket = await dial(running);
    socket.pause();
    socket.write(SETUP);
    const pings = bytes(...Array(2000).fill(message(4, 0, bytes(0, 6, be32(1)), { csid: 2 })));
    // The system's own buffers, a few megabytes, fill up first.
    for (let i = 0; i < 2000 && ends().length === 0; i += 1) {
      if (!socket.write(pings))
        await Promise.race([once(socket, "drain").catch(() => {}), closedQuietly(socket)]);
    }
    expect(ends()).toMatchObject([{ reason: "not-reading" }]);
  });
});

/** Like `closed`, without reading. */
const closedQuietly = (socket: Socket): Promise<unknown> =>
  socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once("close", resolve));

describe("the owner", () => {
  it("gets no more while it has paused, and all of it afterwards", async () => {
    const seen: Seen[] = [];
    const running = await start((request) => {
      seen.push(watch(request));
    });
    const socket = await dial(running);
    socket.write(SETUP);
    await until(() => seen.length === 1);
    seen[0]?.publication.pause();
    const video = message(9, 1, ramp(4000), { csid: 6, chunkSize: 4096 });
    const total = 5000;
    for (let i = 0; i < total; i += 1) socket.write(video);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // One socket read may have been under way.
    expect(seen[0]?.media.length).toBeLessThanOrEqual(17);
    expect(socket.writableLength).toBeGreaterThan(0);
    seen[0]?.publication.resume();
    await until(() => seen[0]?.media.length === total);
  });

  it("loses no media that comes before it listens", async () => {
    const publications: Publication[] = [];
    const running = await start((request) => {
      publications.push(request.accept());
    });
    const socket = await dial(running);
    socket.write(bytes(SETUP, SHOW));
    await until(() => publications.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const media: MediaEvent[] = [];
    publications[0]?.onMedia((event) => media.push(event));
    await until(() => media.length === 10);
    socket.write(FAREWELL);
    await closed(socket);
    expect(ends()).toEqual([{ reason: "unpublished", command: "FCUnpublish" }]);
  });

  it("may take its time with a client that does not wait for the answer", async () => {
    const requests: PublishRequest[] = [];
    const running = await start((request) => {
      requests.push(request);
    });
    const socket = await dial(running);
    const video = message(9, 1, ramp(4000), { csid: 6, chunkSize: 4096 });
    const total = 500;
    socket.write(bytes(SETUP));
    for (let i = 0; i < total; i += 1) socket.write(video);
    await until(() => requests.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const [request] = requests;
    const seen = request && watch(request);
    await until(() => seen?.media.length === total);
  });

  it("drops a client with a status", async () => {
    const seen: Seen[] = [];
    const running = await start((request) => {
      seen.push(watch(request));
    });
    const socket = await dial(running);
    let received = Buffer.alloc(0);
    socket.on("data", (piece) => {
      received = Buffer.concat([received, piece]);
    });
    socket.write(SETUP);
    await until(() => seen.length === 1);
    seen[0]?.publication.end("NetStream.Publish.Denied", "The key was revoked.");
    await closed(socket);
    expect(received.toString("latin1")).toContain("The key was revoked.");
    expect(await seen[0]?.ended).toEqual({ reason: "refused", code: "NetStream.Publish.Denied" });
  });

  it("hears at once that a publication is over when it asks late", async () => {
    const requests: PublishRequest[] = [];
    const running = await start((request) => {
      requests.push(request);
    });
    const socket = await dial(running);
    socket.write(SETUP);
    await until(() => requests.length === 1);
    await server?.close();
    const late = requests[0]?.accept();
    const end = await new Promise((resolve) => late?.onEnd(resolve));
    expect(end).toEqual({ reason: "server-closed" });
  });

  const thrown = { reason: "handler-threw", error: "Error: broken" };
  it.each<[string, RtmpServerOptions["onPublish"]]>([
    [
      "onPublish throws",
      () => {
        throw new Error("broken");
      },
    ],
    [
      "onPublish rejects",
      async () => {
        throw new Error("broken");
      },
    ],
    [
      "onMedia throws",
      (request) =>
        request.accept().onMedia(() => {
          throw new Error("broken");
        }),
    ],
    [
      "onEnd throws after that",
      (request) => {
        const publication = request.accept();
        publication.onEnd(() => {
          throw new Error("end");
        });
        publication.onMedia(() => {
          throw new Error("broken");
        });
      },
    ],
  ])("harms only its own client when %s", async (_name, onPublish) => {
    const seen: Seen[] = [];
    let calls = 0;
    const running = await start((request) => {
      calls += 1;
      if (calls === 1) seen.push(watch(request));
      else return onPublish(request);
    });
    const [good, bad] = [await dial(running), await dial(running)];
    good?.write(SETUP);
    await until(() => seen.length === 1);
    bad?.write(bytes(SETUP, SHOW));
    await closed(bad ?? (await dial(running)));
    expect(ends()).toEqual([thrown]);
    good?.write(SHOW);
    await until(() => seen[0]?.media.length === 10);
  });

  it("hears of a client that vanishes", async () => {
    const seen: Seen[] = [];
    const running = await start((request) => {
      seen.push(watch(request));
    });
    const socket = await dial(running);
    socket.write(bytes(SETUP, SHOW, command(["getStats", 0, null])));
    await until(() => seen[0]?.media.length === 10);
    socket.destroy();
    expect(await seen[0]?.ended).toMatchObject({ reason: "disconnected" });
  });
});
