/**
 * TLS for the RTMP server, with a certificate that is read again when its files change: whoever renews it need not know of this
 * process. Counts no sockets and speaks no RTMP.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createSecureContext, createServer, type Server } from "node:tls";
import { fail, ok, type Result } from "../media/result.ts";
import type { Log } from "./log.ts";
import type { Secure } from "./rtmp-server.ts";

/** Where the certificate is. */
export interface TlsOptions {
  /** PEM: the certificate, then its chain. */
  readonly certFile: string;
  /** PEM, without a passphrase. */
  readonly keyFile: string;
  readonly log: Log;
  /** How often the files are looked at. */
  readonly pollMs?: number;
}

/** TLS with the certificate of the moment. */
export interface TlsListener {
  readonly secure: Secure;
  /** Read the files now, as on SIGHUP; when they are no good, what is in use stays. */
  reload(): Promise<void>;
  /** Look no more. */
  close(): void;
}

const MIN_VERSION = "TLSv1.2";
const POLL_MS = 5_000;

/** Begin with the certificate that is there; without one there is nothing to begin with, and the error says why. */
export async function tlsListener(options: TlsOptions): Promise<Result<TlsListener, string>> {
  const { certFile, keyFile, log, pollMs = POLL_MS } = options;
  const servers: Server[] = [];
  /** State of the files: when they were last read, and when they were last looked at. */
  let read = await stateOf(certFile, keyFile);
  let seen = read;
  const first = await readPair(certFile, keyFile);
  if (!first.ok) return first;
  let pair = first.value;
  tell();

  async function reload(): Promise<void> {
    // Before the reading: what changes meanwhile is another state, and is read again.
    read = await stateOf(certFile, keyFile);
    const next = await readPair(certFile, keyFile);
    if (!next.ok) return log({ event: "tls-certificate-refused", level: "error", error: next.error });
    pair = next.value;
    for (const server of servers) server.setSecureContext(contextOf(pair));
    tell();
  }

  async function look(): Promise<void> {
    const now = await stateOf(certFile, keyFile);
    // Two files are not replaced at once: they are read when they have been left alone for a while.
    const isSettled = now === seen;
    seen = now;
    if (isSettled && now !== read) await reload();
  }

  /** One step after the other. */
  let steps = Promise.resolve();
  const then = (step: () => Promise<void>): Promise<void> => {
    steps = steps.then(step);
    return steps;
  };
  const timer = setInterval(() => void then(look), pollMs).unref();

  function tell(): void {
    const { subjectAltName, subject, validToDate } = pair.certificate;
    const hasExpired = validToDate.getTime() < Date.now();
    log({
      event: "tls-certificate",
      level: hasExpired ? "warning" : "info",
      names: subjectAltName ?? subject,
      validUntil: validToDate.toISOString(),
    });
  }

  const secure: Secure = (onSocket, handshakeTimeoutMs) => {
    const server = createServer({ ...contextOf(pair), handshakeTimeout: handshakeTimeoutMs }, onSocket);
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      const { remoteAddress = "unknown" } = socket;
      log({ event: "tls-handshake-failed", remoteAddress, error: error.code ?? error.message });
      // Node closes it after most errors, but not after a handshake that took too long.
      socket.destroy();
    });
    servers.push(server);
    // The server listens nowhere: this is Node's way to hand it sockets that were accepted elsewhere.
    return (accepted) => void server.emit("connection", accepted);
  };

  return ok({ secure, reload: () => then(reload), close: () => clearInterval(timer) });
}

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly certificate: X509Certificate;
}

const contextOf = ({ cert, key }: Pair) => ({ cert, key, minVersion: MIN_VERSION }) as const;

/** A certificate and its key that belong together. */
async function readPair(certFile: string, keyFile: string): Promise<Result<Pair, string>> {
  try {
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
    const certificate = new X509Certificate(cert);
    // OpenSSL takes an empty key for none, and would find out at the first handshake.
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      return fail(`${keyFile} is not the key of ${certFile}`);
    const pair = { cert, key, certificate };
    createSecureContext(contextOf(pair));
    return ok(pair);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/** Changes whenever one of the files is written or replaced, also by way of a symbolic link. */
async function stateOf(...files: readonly string[]): Promise<string> {
  const states = files.map(async (file) => {
    try {
      const { dev, ino, size, mtimeMs } = await stat(file);
      return [dev, ino, size, mtimeMs].join(":");
    } catch {
      return "missing";
    }
  });
  return (await Promise.all(states)).join(" ");
}
