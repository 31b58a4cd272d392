/** The certificate of RTMPS: renewed while connections are open, kept when what comes is no good, and handshakes that break. */
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LogEvent } from "../../../transcoder/log.ts";
import { type TlsListener, tlsListener } from "../../../transcoder/tls.ts";
import { selfSigned } from "../../support/certificate.ts";

const POLL_MS = 30;
const ONE = selfSigned("one");
const TWO = selfSigned("two");

let folder: string;
let certFile: string;
let keyFile: string;
let log: LogEvent[];
let tls: TlsListener;
let server: Server | undefined;
let port: number;
const sockets: Socket[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-tls-"));
  certFile = join(folder, "cert.pem");
  keyFile = join(folder, "key.pem");
  log = [];
  write(ONE);
});

afterEach(() => {
  tls?.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function write({ cert, key }: { readonly cert: string; readonly key: string }): void {
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
}

/** A server that says everything back, behind TLS. */
async function start(pollMs = POLL_MS, handshakeTimeoutMs = 10_000): Promise<void> {
  // What an earlier test's server still has to say is not of this one.
  const own: LogEvent[] = [];
  log = own;
  const listener = await tlsListener({ certFile, keyFile, log: (event) => own.push(event), pollMs });
  if (!listener.ok) throw new Error(listener.error);
  tls = listener.value;
  const accepted = tls.secure((socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  }, handshakeTimeoutMs);
  server = createServer((socket) => {
    socket.on("error", () => {});
    accepted(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
}

function open(options: ConnectionOptions = {}): TLSSocket {
  const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
  sockets.push(socket);
  socket.on("error", () => {});
  return socket;
}

/** The certificate that a new connection gets, by its name. */
async function presented(): Promise<unknown> {
  const socket = open();
  await once(socket, "secureConnect");
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
}

async function echoes(socket: TLSSocket): Promise<void> {
  const answered = once(socket, "data");
  socket.write("still there?");
  expect(String((await answered)[0])).toBe("still there?");
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500; i += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(await condition()).toBe(true);
}

const eventsNamed = (name: string): LogEvent[] => log.filter(({ event }) => event === name);

describe("a certificate that is renewed", () => {
  it("is used for new connections; those that are open go on", async () => {
    await start();
    expect(await presented()).toBe("one");
    const before = open();
    await once(before, "secureConnect");
    write(TWO);
    await until(async () => (await presented()) === "two");
    await echoes(before);
    expect(before.getPeerCertificate().subject.CN).toBe("one");
    expect(eventsNamed("tls-certificate")).toMatchObject([
      { names: "DNS:localhost, IP Address:127.0.0.1", level: "info" },
      { validUntil: expect.stringMatching(/^\d{4}-/) },
    ]);
  });

  it("is seen when symbolic links are turned to it, as certbot does", async () => {
    for (const [name, pair] of Object.entries({ one: ONE, two: TWO })) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "cert.pem"), pair.cert);
      writeFileSync(join(folder, name, "key.pem"), pair.key);
    }
    const turnTo = (name: string) => {
      for (const file of ["cert.pem", "key.pem"]) {
        symlinkSync(join(folder, name, file), join(folder, "next"));
        renameSync(join(folder, "next"), join(folder, file));
      }
    };
    turnTo("one");
    await start();
    turnTo("two");
    await until(async () => (await presented()) === "two");
    expect(eventsNamed("tls-certificate-refused")).toEqual([]);
  });

  it("is read at once when asked to", async () => {
    await start(3_600_000);
    write(TWO);
    await tls.reload();
    expect(await presented()).toBe("two");
  });
});

describe("a renewal that is no good", () => {
  it.each<[string, () => void, RegExp]>([
    ["the key of another certificate", () => writeFileSync(keyFile, TWO.key), /is not the key of/],
    ["a certificate that is none", () => writeFileSync(certFile, "hello"), /./],
    ["empty files", () => write({ cert: "", key: "" }), /./],
    ["no key", () => unlinkSync(keyFile), /ENOENT/],
  ])("leaves the old one: %s", async (_what, spoil, words) => {
    await start();
    spoil();
    await until(() => eventsNamed("tls-certificate-refused").length > 0);
    const [refused] = eventsNamed("tls-certificate-refused");
    expect(refused).toMatchObject({ level: "error", error: expect.stringMatching(words) });
    expect(JSON.stringify(log)).not.toContain("PRIVATE");
    expect(await presented()).toBe("one");
    write(TWO);
    await until(async () => (await presented()) === "two");
    // It was complained of once, not every time the files were looked at.
    expect(eventsNamed("tls-certificate-refused")).toHaveLength(1);
  });

  it("is not begun with", async () => {
    const begin = () => tlsListener({ certFile, keyFile, log: () => {} });
    writeFileSync(keyFile, TWO.key);
    expect(await begin()).toEqual({ ok: false, error: `${keyFile} is not the key of ${certFile}` });
    unlinkSync(certFile);
    expect(await begin()).toMatchObject({ ok: false, error: expect.stringContaining("ENOENT") });
  });

  it("is used when it has merely expired, with a warning", async () => {
    write(selfSigned("old", -0.5));
    await start();
    expect(await presented()).toBe("old");
    expect(eventsNamed("tls-certificate")).toMatchObject([{ level: "warning" }]);
  });
});

describe("a handshake", () => {
  const plain = (bytes: string) => () => {
    const socket = dial(port, "127.0.0.1").on("error", () => {});
    sockets.push(socket);
    socket.write(bytes, "latin1");
    return socket;
  };
  it.each<[string, () => Socket, string]>([
    ["that is plain RTMP", plain("\x03".padEnd(1600, "x")), "ERR_SSL_WRONG_VERSION_NUMBER"],
    ["that is HTTP", plain("GET / HTTP/1.1\r\n\r\n"), "ERR_SSL_HTTP_REQUEST"],
    [
      "with TLS 1.1",
      () => open({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }),
      "ERR_SSL_UNSUPPORTED_PROTOCOL",
    ],
    ["that is never begun", plain(""), "ERR_TLS_HANDSHAKE_TIMEOUT"],
    ["that stays unfinished", plain("\x16\x03\x01\x01\x00"), "ERR_TLS_HANDSHAKE_TIMEOUT"],
  ])("%s is closed, and nobody else notices", async (_what, attempt, error) => {
    await start(POLL_MS, error === "ERR_TLS_HANDSHAKE_TIMEOUT" ? 1_500 : 10_000);
    const other = open();
    await once(other, "secureConnect");
    const socket = attempt().resume();
    if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
    await until(() => eventsNamed("tls-handshake-failed").length > 0);
    expect(eventsNamed("tls-handshake-failed")).toMatchObject([{ remoteAddress: "127.0.0.1", error }]);
    await echoes(other);
  });

  it("that is cut off harms nobody", async () => {
    await start();
    const socket = plain("\x16\x03\x01")();
    await once(socket, "connect");
    socket.resetAndDestroy();
    await until(() => eventsNamed("tls-handshake-failed").length > 0);
    expect(await presented()).toBe("one");
  });

  it("of TLS 1.2 and 1.3 is taken", async () => {
    await start();
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const socket = open({ minVersion: version, maxVersion: version });
      await once(socket, "secureConnect");
      expect(socket.getProtocol()).toBe(version);
    }
  });
});
