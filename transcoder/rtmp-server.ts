/**
 * The RTMP server's socket shell: sockets, timers, counts and handlers around the pure `rtmp/connection.ts`. Decides nothing about
 * the protocol and nothing about who may publish.
 */
import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { addressKey } from "./rtmp/address-key.ts";
import { createRtmpConnection, type MediaEvent, type RtmpEvent } from "./rtmp/connection.ts";
import { HANDSHAKE_RANDOM_BYTES } from "./rtmp/handshake.ts";
import { DEFAULT_RTMP_LIMITS, type RtmpLimits } from "./rtmp/limits.ts";
import type {
  Publication,
  PublicationEnd,
  PublishRequest,
  RtmpLogEvent,
  WaitingFor,
} from "./rtmp/publication.ts";

export type { Publication, PublicationEnd, PublishRequest, RtmpLogEvent };

/** What a server is started with. */
export interface RtmpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly limits?: Partial<RtmpLimits>;
  /** Enhanced RTMP FourCCs to answer with; none unless given. */
  readonly fourCcs?: readonly string[];
  readonly log: (event: RtmpLogEvent) => void;
  readonly onPublish: (request: PublishRequest) => void | Promise<void>;
  /** Another kind of listener, such as a TLS one; plain TCP unless given. */
  readonly createServer?: (onSocket: (socket: Socket) => void) => Server;
}

/** A listening server. */
export interface RtmpServer {
  readonly port: number;
  /** Stop listening and end every connection. */
  close(): Promise<void>;
}

/** Listen. Rejects when the address cannot be had. */
export async function startRtmpServer(options: RtmpServerOptions): Promise<RtmpServer> {
  const limits: RtmpLimits = { ...DEFAULT_RTMP_LIMITS, ...options.limits };
  const open = new Set<Serving>();
  const perAddress = new Map<string, number>();
  let accepted = 0;

  function onSocket(socket: Socket): void {
    // Whatever a socket does, an "error" without a listener would end the process.
    socket.on("error", () => {});
    const remoteAddress = socket.remoteAddress ?? "unknown";
    const key = addressKey(remoteAddress);
    const fromAddress = perAddress.get(key) ?? 0;
    const full = open.size >= limits.connections;
    if (full || fromAddress >= limits.connectionsPerAddress) {
      options.log({
        event: "rtmp-turned-away",
        remoteAddress,
        limit: full ? "connections" : "connectionsPerAddress",
      });
      socket.destroy();
      return;
    }
    perAddress.set(key, fromAddress + 1);
    accepted += 1;
    const serving = serve(socket, { ...options, limits, connection: accepted, remoteAddress });
    open.add(serving);
    socket.once("close", () => {
      open.delete(serving);
      const left = (perAddress.get(key) ?? 1) - 1;
      if (left === 0) perAddress.delete(key);
      else perAddress.set(key, left);
    });
  }

  const server = options.createServer?.(onSocket) ?? createServer({ noDelay: true }, onSocket);
  const port = await listen(server, options.host, options.port);
  server.on("error", (error) => options.log({ event: "rtmp-server-error", error: error.message }));
  options.log({ event: "rtmp-listening", port });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const serving of open) serving.shutDown();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

interface Serving {
  shutDown(): void;
}

interface ServeOptions extends Pick<RtmpServerOptions, "fourCcs" | "log" | "onPublish"> {
  readonly limits: RtmpLimits;
  readonly connection: number;
  readonly remoteAddress: string;
}

/** Serve one client until its socket is closed. */
function serve(socket: Socket, options: ServeOptions): Serving {
  const { limits, connection: id, remoteAddress, log } = options;
  const connection = createRtmpConnection({
    limits,
    random: randomBytes(HANDSHAKE_RANDOM_BYTES),
    fourCcs: options.fourCcs ?? [],
  });
  let ended: PublicationEnd | undefined;
  let endHandlers: ((end: PublicationEnd) => void)[] = [];
  let mediaHandler: ((media: MediaEvent) => void) | undefined;
  /** Media that came with the acceptance, before `onMedia`. */
  let early: MediaEvent[] = [];
  let accepted = false;
  let pausedByOwner = false;

  const setupTimers = [
    setTimeout(() => {
      if (connection.phase === "handshake") timeOut("handshake", limits.handshakeTimeoutMs);
    }, limits.handshakeTimeoutMs),
    setTimeout(() => {
      const { phase } = connection;
      if (phase !== "undecided" && phase !== "publishing") timeOut("publish", limits.publishTimeoutMs);
    }, limits.publishTimeoutMs),
  ];
  const idleTimer = setTimeout(() => {
    const { bytesRead } = socket;
    // After this process itself was held up, bytes may be waiting: look once more before giving up.
    setImmediate(() => {
      if (!socket.isPaused() && socket.bytesRead === bytesRead) timeOut("bytes", limits.idleTimeoutMs);
    });
  }, limits.idleTimeoutMs);
  let decisionTimer: NodeJS.Timeout | undefined;
  let lingerTimer: NodeJS.Timeout | undefined;

  log({ event: "rtmp-connected", connection: id, remoteAddress });
  socket.on("data", (bytes: Buffer) => {
    // What comes after the end is thrown away, so that the last status reaches a client that is still sending.
    if (ended !== undefined) return;
    idleTimer.refresh();
    dispatch(connection.receive(bytes));
  });
  socket.on("error", (error) => finish({ reason: "disconnected", error: error.message }, "at once"));
  socket.on("end", () => finish({ reason: "disconnected" }, "politely"));
  socket.on("close", () => {
    finish({ reason: "disconnected" }, "at once");
    clearTimeout(lingerTimer);
  });

  function dispatch(events: readonly RtmpEvent[]): void {
    for (const event of events) {
      if (ended !== undefined) return;
      handle(event);
    }
  }

  function handle(event: RtmpEvent): void {
    switch (event.type) {
      case "send":
        send(event.bytes);
        return;
      case "media":
        if (mediaHandler === undefined) early.push(event);
        else deliver(mediaHandler, event);
        return;
      case "publish": {
        const { app, flashVer, name, tcUrl } = event.facts;
        // Behind a slash or a question mark people put their key by mistake.
        log({ event: "rtmp-publish", connection: id, app: app.split(/[/?]/, 1)[0] ?? "", flashVer });
        // Nothing more is read until the owner has decided: TCP keeps it.
        socket.pause();
        decisionTimer = setTimeout(() => {
          dropFor({ reason: "timed-out", waitingFor: "decision", afterMs: limits.decisionTimeoutMs });
        }, limits.decisionTimeoutMs);
        ask({ app, name, tcUrl, flashVer, remoteAddress, accept, refuse });
        return;
      }
      case "note":
        log({ event: "rtmp-note", connection: id, note: event.note });
        return;
      case "unpublish":
        finish({ reason: "unpublished", command: event.command }, "politely");
        return;
      case "refused":
        finish({ reason: "refused", code: event.code }, "politely");
        return;
      case "failed":
        finish({ reason: "failed", failure: event.failure }, "at once");
    }
  }

  function send(bytes: Uint8Array): void {
    const waiting = socket.writableLength + bytes.length;
    if (waiting > limits.sendBufferBytes) finish({ reason: "not-reading", bytes: waiting }, "at once");
    else socket.write(bytes);
  }

  function ask(request: PublishRequest): void {
    // A promise of its own, so that an owner that throws at once and one that rejects are the same.
    Promise.resolve()
      .then(() => options.onPublish(request))
      .catch(blame);
  }

  function accept(): Publication {
    if (ended === undefined && !accepted && connection.phase === "undecided") {
      accepted = true;
      clearTimeout(decisionTimer);
      log({ event: "rtmp-accepted", connection: id });
      dispatch(connection.accept());
    }
    return { onMedia, onEnd, pause, resume, end: refuse };
  }

  function refuse(code: string, description: string): void {
    if (ended !== undefined) return;
    dispatch(connection.refuse(code, description));
  }

  function onMedia(handler: (media: MediaEvent) => void): void {
    mediaHandler = handler;
    const waiting = early;
    early = [];
    for (const media of waiting) {
      if (ended === undefined) deliver(handler, media);
    }
    readOn();
  }

  function onEnd(handler: (end: PublicationEnd) => void): void {
    if (ended === undefined) endHandlers.push(handler);
    else tell(handler, ended);
  }

  function pause(): void {
    pausedByOwner = true;
    if (ended === undefined) socket.pause();
  }

  function resume(): void {
    pausedByOwner = false;
    readOn();
  }

  function readOn(): void {
    if (ended !== undefined || pausedByOwner || mediaHandler === undefined) return;
    socket.resume();
    idleTimer.refresh();
  }

  function deliver(handler: (media: MediaEvent) => void, media: MediaEvent): void {
    try {
      handler(media);
    } catch (error) {
      blame(error);
    }
  }

  /** The owner's code failed: its client cannot be served. */
  function blame(error: unknown): void {
    dropFor({ reason: "handler-threw", error: String(error) });
  }

  /** End for a reason of this side's own, with a status where the client waits for one. */
  function dropFor(end: PublicationEnd): void {
    if (ended !== undefined) return;
    for (const event of connection.refuse(
      "NetStream.Publish.Failed",
      "The server could not take this stream.",
    )) {
      if (event.type === "send") send(event.bytes);
    }
    finish(end, "politely");
  }

  function timeOut(waitingFor: WaitingFor, afterMs: number): void {
    finish({ reason: "timed-out", waitingFor, afterMs }, "at once");
  }

  /** The one place where a connection ends; only the first reason counts. */
  function finish(end: PublicationEnd, how: "politely" | "at once"): void {
    if (ended !== undefined) return;
    ended = end;
    early = [];
    for (const timer of [...setupTimers, idleTimer, decisionTimer]) clearTimeout(timer);
    if (how === "at once") socket.destroy();
    else {
      socket.end();
      socket.resume();
      lingerTimer = setTimeout(() => socket.destroy(), limits.lingerTimeoutMs);
    }
    log({ event: "rtmp-closed", connection: id, remoteAddress, receivedBytes: socket.bytesRead, end });
    const handlers = endHandlers;
    endHandlers = [];
    for (const handler of handlers) tell(handler, end);
  }

  function tell(handler: (end: PublicationEnd) => void, end: PublicationEnd): void {
    try {
      handler(end);
    } catch (error) {
      log({ event: "rtmp-server-error", error: `onEnd: ${String(error)}` });
    }
  }

  return {
    shutDown() {
      finish({ reason: "server-closed" }, "at once");
      socket.destroy();
    },
  };
}
