/**
 * One RTMP client's socket: bytes, timers and handlers around the pure `rtmp/connection.ts`, from the open socket to the closed one.
 * Listens to nothing, and decides nothing about the protocol or who may publish.
 */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { loggableApp } from "./core/publish-name.ts";
import { createRtmpConnection, type MediaEvent, type RtmpEvent } from "./rtmp/connection.ts";
import { HANDSHAKE_RANDOM_BYTES } from "./rtmp/handshake.ts";
import type { RtmpLimits } from "./rtmp/limits.ts";
import type {
  Publication,
  PublicationEnd,
  PublishRequest,
  RtmpLogEvent,
  WaitingFor,
} from "./rtmp/publication.ts";

/** A client that is being served. */
export interface Serving {
  /** End it at once: the server goes away. */
  shutDown(): void;
}

export interface ServeOptions {
  readonly limits: RtmpLimits;
  /** Enhanced RTMP FourCCs to answer with. */
  readonly fourCcs: readonly string[];
  readonly log: (event: RtmpLogEvent) => void;
  readonly onPublish: (request: PublishRequest) => void | Promise<void>;
  /** Names the connection in the log. */
  readonly connection: number;
  readonly remoteAddress: string;
}

/** Serve one client until its socket is closed. */
export function serve(socket: Socket, options: ServeOptions): Serving {
  const { limits, connection: id, remoteAddress, log } = options;
  const connection = createRtmpConnection({
    limits,
    random: randomBytes(HANDSHAKE_RANDOM_BYTES),
    fourCcs: options.fourCcs,
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
        log({ event: "rtmp-publish", connection: id, app: loggableApp(app), flashVer });
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
