/** RTMPS with real TLS and a real FFmpeg: the same server, the same limits, also for those who never finish their handshake. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MediaEvent } from "../../../transcoder/rtmp/connection.ts";
import type { RtmpLimits } from "../../../transcoder/rtmp/limits.ts";
import type { PublicationEnd } from "../../../transcoder/rtmp/publication.ts";
import { type RtmpLogEvent, type RtmpServer, startRtmpServer } from "../../../transcoder/rtmp-server.ts";
import { type TlsListener, tlsListener } from "../../../transcoder/tls.ts";
import { selfSigned } from "../../support/certificate.ts";
import { FAREWELL, HELLO, SETUP, SHOW } from "./encoder.ts";

let folder: string;
let tls: TlsListener;
let server: RtmpServer | undefined;
let log: RtmpLogEvent[];
let media: MediaEvent[];
let ends: PublicationEnd[];
const sockets: Socket[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-rtmps-"));
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  tls?.close();
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const [certFile, keyFile] = [() => join(folder, "cert.pem"), () => join(folder, "key.pem")];

function renew(name: string): void {
  const { cert, key } = selfSigned(name);
  writeFileSync(certFile(), cert);
  writeFileSync(keyFile(), key);
}

async function start(limits: Partial<RtmpLimits> = {}): Promise<{ plain: number; secure: number }> {
  renew("first");
  const listener = await tlsListener({ certFile: certFile(), keyFile: keyFile(), log: () => {} });
  if (!listener.ok) throw new Error(listener.error);
  tls = listener.value;
  [log, media, ends] = [[], [], []];
  server = await startRtmpServer({
    host: "127.0.0.1",
    port: 0,
    rtmps: { port: 0, secure: tls.secure },
    limits: { lingerTimeoutMs: 200, ...limits },
    log: (event) => log.push(event),
    onPublish(request) {
      const publication = request.accept();
      publication.onEnd((end) => ends.push(end));
      publication.onMedia((event) => media.push(event));
    },
  });
  const { port, rtmpsPort = 0 } = server;
  expect(rtmpsPort).not.toBe(0);
  return { plain: port, secure: rtmpsPort };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function dialSecure(port: number): Promise<Socket> {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
  sockets.push(socket);
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  return socket;
}

const closed = (socket: Socket): Promise<unknown> => {
  socket.resume();
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once("close", resolve));
};

/** A new client is served, and leaves. */
async function answers(port: number): Promise<boolean> {
  const socket = await dial(port);
  socket.write(HELLO);
  const isServed = await Promise.race([
    once(socket, "data").then(() => true),
    closed(socket).then(() => false),
  ]);
  socket.destroy();
  return isServed;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1000; i += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(await condition()).toBe(true);
}

const turnedAway = (): RtmpLogEvent[] => log.filter(({ event }) => event === "rtmp-turned-away");

const canRtmps = /^ +rtmps$/m.test(
  execFileSync("ffmpeg", ["-v", "error", "-protocols"], { encoding: "utf8" }),
);

describe("a publication over TLS", () => {
  it.skipIf(!canRtmps)("is taken from FFmpeg, and outlives the certificate it began with", async () => {
    const { secure } = await start();
    const source = ["-re", "-f", "lavfi", "-i", "testsrc=s=160x90:r=30", "-t", "3"];
    const codec = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"];
    const target = ["-tls_verify", "0", "-f", "flv", `rtmps://127.0.0.1:${secure}/live/key`];
    const encoder = spawn("ffmpeg", ["-hide_banner", "-loglevel", "error", ...source, ...codec, ...target], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const done = once(encoder, "close");
    await until(() => media.length > 5);
    renew("second");
    await tls.reload();
    const other = connectTls({ port: secure, host: "127.0.0.1", rejectUnauthorized: false });
    sockets.push(other);
    await once(other, "secureConnect");
    expect(other.getPeerCertificate().subject.CN).toBe("second");
    expect((await done)[0]).toBe(0);
    expect(ends).toEqual([{ reason: "unpublished", command: "FCUnpublish" }]);
    // Its sequence header, 90 pictures, and the end of the sequence.
    expect(media.filter(({ kind }) => kind === "video")).toHaveLength(92);
  });

  it("is the same as without", async () => {
    const { plain, secure } = await start();
    const seen: MediaEvent[][] = [];
    for (const socket of [await dial(plain), await dialSecure(secure)]) {
      media = [];
      socket.write(SETUP);
      socket.write(SHOW);
      await until(() => media.length === 10);
      seen.push(media);
      socket.write(FAREWELL);
      await closed(socket);
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(ends).toEqual(Array(2).fill({ reason: "unpublished", command: "FCUnpublish" }));
    const addresses = log.flatMap((event) => (event.event === "rtmp-connected" ? [event] : []));
    expect(addresses).toMatchObject([
      { connection: 1, remoteAddress: "127.0.0.1" },
      { connection: 2, remoteAddress: "127.0.0.1" },
    ]);
    expect(log).toContainEqual({ event: "rtmp-listening", port: secure, tls: true });
  });
});

describe("a socket that never finishes its handshake", () => {
  it("counts against its address, together with plain ones", async () => {
    const { plain, secure } = await start({ connectionsPerAddress: 2 });
    const unfinished = await dial(secure);
    const served = await dial(plain);
    await until(() => log.some(({ event }) => event === "rtmp-connected"));
    for (const port of [plain, secure]) await closed(await dial(port));
    expect(turnedAway()).toMatchObject(Array(2).fill({ limit: "connectionsPerAddress" }));
    // Either makes room again.
    unfinished.destroy();
    await until(() => answers(plain));
    served.destroy();
    await until(() => answers(plain));
  });

  it("gives its place back when its time is over", async () => {
    const { secure } = await start({ connections: 1, handshakeTimeoutMs: 1_500 });
    const unfinished = await dial(secure);
    unfinished.write("\x16\x03\x01\x01\x00", "latin1");
    await closed(await dial(secure));
    expect(turnedAway()).toMatchObject([{ limit: "connections" }]);
    await closed(unfinished);
    const next = await dialSecure(secure);
    next.write(SETUP);
    await once(next, "data");
  });

  it("does not keep the server from closing", async () => {
    const { secure } = await start();
    const unfinished = await dial(secure);
    const silent = await dialSecure(secure);
    await until(() => log.some(({ event }) => event === "rtmp-connected"));
    await server?.close();
    await Promise.all([closed(unfinished), closed(silent)]);
    expect(log.at(-1)).toMatchObject({ event: "rtmp-closed", end: { reason: "server-closed" } });
  });
});

it("gives the plain port back when the other one is taken", async () => {
  const { secure } = await start();
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await new Promise((resolve) => probe.close(resolve));
  const attempt = startRtmpServer({
    host: "127.0.0.1",
    port,
    rtmps: { port: secure, secure: tls.secure },
    log: (event) => log.push(event),
    onPublish() {},
  });
  await expect(attempt).rejects.toMatchObject({ code: "EADDRINUSE", port: secure });
  const again = createServer().listen(port, "127.0.0.1");
  await once(again, "listening");
  await new Promise((resolve) => again.close(resolve));
});
