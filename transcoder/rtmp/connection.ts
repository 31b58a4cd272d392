/**
 * One RTMP connection as a state machine: bytes in, events out. No socket, clock or randomness; the shell sends, waits and closes.
 * The same bytes give the same events however they are cut into pieces.
 */
import { createChunkReader } from "./chunk-reader.ts";
import { encodeMessage, INITIAL_CHUNK_SIZE } from "./chunk-writer.ts";
import { onStatus, parseCommand } from "./command.ts";
import {
  acknowledgement,
  type Control,
  parseControl,
  pingResponse,
  setChunkSize,
  setPeerBandwidth,
  streamBegin,
  windowAckSize,
} from "./control.ts";
import type { RtmpFailure } from "./failure.ts";
import { createHandshake } from "./handshake.ts";
import type { RtmpLimits } from "./limits.ts";
import { type MediaKind, mediaTags } from "./media-message.ts";
import { isMediaType, MESSAGE, type RtmpMessage } from "./message.ts";
import { type NetAction, type NetState, onCommand, type PublishFacts } from "./net-connection.ts";
import { advanceTo, NEW_LINE, type TimestampLine } from "./timestamp.ts";

/** What the shell has to do or to know, in this order. */
export type RtmpEvent =
  | { readonly type: "send"; readonly bytes: Uint8Array }
  /** The client wants to publish: answer with `accept` or `refuse`. Nothing is read until then. */
  | { readonly type: "publish"; readonly facts: PublishFacts }
  | MediaEvent
  /** The client ended its publication: close after what was sent. */
  | { readonly type: "unpublish"; readonly command: string }
  /** This side sent an error status: close after it. */
  | { readonly type: "refused"; readonly code: string }
  /** The client broke a rule or a limit: close at once. */
  | { readonly type: "failed"; readonly failure: RtmpFailure }
  /** For the log only. */
  | { readonly type: "note"; readonly note: RtmpNote };

/** One FLV tag body. */
export interface MediaEvent {
  readonly type: "media";
  readonly kind: MediaKind;
  /** Milliseconds. Goes on past 2^32; may step back a little, and be negative after a first timestamp near 0. */
  readonly timestampMs: number;
  /** Exactly the body of an FLV tag; onMetaData without "@setDataFrame". */
  readonly payload: Uint8Array;
}

/** Something odd that harms nobody. */
export type RtmpNote =
  | { readonly what: "ignored-command"; readonly command: string }
  | { readonly what: "malformed-data"; readonly bytes: number };

/** Where a connection stands, for time limits. */
export type RtmpPhase = "handshake" | NetState["phase"] | "failed";

/** One connection. After `unpublish`, `refused` or `failed` it answers every call with no events. */
export interface RtmpConnection {
  /** Take bytes from the client. */
  receive(bytes: Uint8Array): readonly RtmpEvent[];
  /** Let the waiting publish begin; what the client has already sent follows. */
  accept(): readonly RtmpEvent[];
  /** Refuse the waiting publish, or drop a running one, with an error status such as `NetStream.Publish.BadName`. */
  refuse(code: string, description: string): readonly RtmpEvent[];
  readonly phase: RtmpPhase;
  /** Bytes of memory that the client's input takes. */
  readonly bufferedBytes: number;
}

/** What a connection is made of. */
export interface RtmpConnectionOptions {
  readonly limits: RtmpLimits;
  /** `HANDSHAKE_RANDOM_BYTES` of them. */
  readonly random: Uint8Array;
  /** Enhanced RTMP FourCCs to answer with, such as `hvc1`; none unless given. */
  readonly fourCcs?: readonly string[];
}

/** Chunk size of what this side sends. */
const OUR_CHUNK_SIZE = 4096;
/** Acknowledgement window both ways, until the client asks for another. */
const WINDOW_BYTES = 2_500_000;
const SMALLEST_WINDOW_BYTES = 4096;

/** Start a connection. */
export function createRtmpConnection({
  limits,
  random,
  fourCcs = [],
}: RtmpConnectionOptions): RtmpConnection {
  const handshake = createHandshake(random);
  const reader = createChunkReader(limits);
  const rules = { messageStreams: limits.messageStreams, fourCcs };
  let shaking = true;
  let broken = false;
  let net: NetState = { phase: "new" };
  let line: TimestampLine = NEW_LINE;
  let sendChunkSize = INITIAL_CHUNK_SIZE;
  let sentWindow = 0;
  let ackWindow = WINDOW_BYTES;
  let acknowledged = 0;
  let handshakeBytes = 0;
  let commands = 0;
  let notes = 0;
  let events: RtmpEvent[] = [];

  function receive(bytes: Uint8Array): readonly RtmpEvent[] {
    if (isOver()) return [];
    let rest = bytes;
    while (shaking && !broken && rest.length > 0) rest = shake(rest);
    if (!shaking && rest.length > 0) {
      reader.push(rest);
      if (net.phase === "undecided") hold();
      else readChunks();
    }
    return takeEvents();
  }

  function shake(bytes: Uint8Array): Uint8Array {
    const step = handshake.receive(bytes);
    if (step.kind === "failed") fail(step.failure);
    if (step.kind === "failed" || step.kind === "more") {
      handshakeBytes += bytes.length;
      return bytes.subarray(bytes.length);
    }
    if (step.kind === "answer") send(step.bytes);
    else shaking = false;
    handshakeBytes += step.used;
    return bytes.subarray(step.used);
  }

  function readChunks(): undefined {
    while (!isOver() && net.phase !== "undecided") {
      const step = reader.next();
      if (typeof step === "object" && step.kind === "failed") return fail(step.failure);
      const publishing = net.phase === "publishing";
      if (!publishing && reader.consumedBytes + handshakeBytes > limits.bytesBeforePublish) {
        return fail({ reason: "too-many-bytes-before-publish", limit: limits.bytesBeforePublish });
      }
      if (step === "more") return;
      acknowledge();
      if (step !== "chunk") onMessage(step);
    }
    if (net.phase === "undecided") hold();
  }

  /** A publish waits: what the client sends meanwhile is kept, unread. */
  function hold(): undefined {
    reader.detach();
    if (reader.unreadBytes > limits.heldBytes) {
      fail({ reason: "too-many-bytes-while-undecided", limit: limits.heldBytes });
    }
  }

  function acknowledge(): undefined {
    const received = handshakeBytes + reader.consumedBytes;
    if (received - acknowledged < ackWindow) return;
    acknowledged = received;
    send(acknowledgement(received % 0x1_0000_0000, sendChunkSize));
  }

  function onMessage(message: RtmpMessage): undefined {
    const control = parseControl(message);
    if (control !== undefined) return control.ok ? onControl(control.value) : fail(control.error);
    if (isMediaType(message.type)) return onMedia(message);
    switch (message.type) {
      case MESSAGE.command:
      case MESSAGE.commandAmf3:
        return onCommandMessage(message);
      case MESSAGE.sharedObject:
      case MESSAGE.sharedObjectAmf3:
        return note({ what: "ignored-command", command: "shared object" });
      default:
        return fail({ reason: "unknown-message-type", type: message.type });
    }
  }

  function onControl(control: Control): undefined {
    switch (control.type) {
      case "set-chunk-size":
        reader.setChunkSize(control.bytes);
        return;
      case "abort":
        reader.abort(control.chunkStream);
        return;
      case "window-ack-size":
        // A tiny window would ask for an acknowledgement of every chunk.
        ackWindow = Math.max(control.bytes, SMALLEST_WINDOW_BYTES);
        return;
      case "set-peer-bandwidth":
        // Answered with the window, unless it was said before (5.4.5).
        if (control.bytes === sentWindow) return;
        sentWindow = control.bytes;
        return send(windowAckSize(control.bytes, sendChunkSize));
      case "ping":
        return send(pingResponse(control.time, sendChunkSize));
      case "nothing":
        return;
    }
  }

  function onMedia(message: RtmpMessage): undefined {
    if (net.phase !== "publishing") {
      // Data before publish is metadata sent too early, and FFmpeg-made encoders repeat it.
      const isData = message.type === MESSAGE.data || message.type === MESSAGE.dataAmf3;
      return isData ? undefined : fail({ reason: "media-before-publish", type: message.type });
    }
    if (message.streamId !== net.streamId) {
      return fail({ reason: "unknown-message-stream", streamId: message.streamId, command: "media" });
    }
    const parts = mediaTags(message, limits);
    if (!parts.ok) return fail(parts.error);
    if (parts.value.dropped !== undefined) {
      note({ what: parts.value.dropped, bytes: message.payload.length });
    }
    for (const { kind, timestamp, payload } of parts.value.tags) {
      const next = advanceTo(line, timestamp);
      // Metadata often comes with timestamp 0 in the middle of a show: it is placed, but moves nothing.
      if (kind !== "data") line = next;
      events.push({ type: "media", kind, timestampMs: next.timestampMs, payload });
    }
  }

  function onCommandMessage(message: RtmpMessage): undefined {
    if (net.phase !== "publishing") {
      commands += 1;
      if (commands > limits.commandsBeforePublish) {
        return fail({ reason: "too-many-commands", limit: limits.commandsBeforePublish });
      }
    }
    const command = parseCommand(message, limits);
    if (!command.ok) return fail(command.error);
    const decision = onCommand(net, command.value, rules);
    net = decision.state;
    for (const action of decision.actions) apply(action);
  }

  function apply(action: NetAction): undefined {
    switch (action.type) {
      case "reply":
        return reply(action.streamId, action.payload);
      case "connect-reply":
        send(windowAckSize(WINDOW_BYTES, sendChunkSize));
        send(setPeerBandwidth(WINDOW_BYTES, sendChunkSize));
        send(setChunkSize(OUR_CHUNK_SIZE, sendChunkSize));
        sentWindow = WINDOW_BYTES;
        sendChunkSize = OUR_CHUNK_SIZE;
        return reply(0, action.payload);
      case "ignored":
        return note({ what: "ignored-command", command: action.command.slice(0, 64) });
      case "failed":
        return fail(action.failure);
      case "publish":
      case "unpublish":
      case "refused":
        events.push(action);
    }
  }

  function accept(): readonly RtmpEvent[] {
    if (net.phase !== "undecided" || broken) return [];
    net = { ...net, phase: "publishing" };
    send(streamBegin(net.streamId, sendChunkSize));
    reply(net.streamId, onStatus("status", "NetStream.Publish.Start", "Publishing has started."));
    readChunks();
    return takeEvents();
  }

  function refuse(code: string, description: string): readonly RtmpEvent[] {
    if ((net.phase !== "undecided" && net.phase !== "publishing") || broken) return [];
    reply(net.streamId, onStatus("error", code, description));
    net = { phase: "over" };
    events.push({ type: "refused", code });
    return takeEvents();
  }

  function reply(streamId: number, payload: Uint8Array): undefined {
    send(encodeMessage(MESSAGE.command, streamId, payload, sendChunkSize));
  }

  function send(bytes: Uint8Array): undefined {
    events.push({ type: "send", bytes });
  }

  function fail(failure: RtmpFailure): undefined {
    broken = true;
    events.push({ type: "failed", failure });
  }

  function note(remark: RtmpNote): undefined {
    notes += 1;
    if (notes <= limits.notes) events.push({ type: "note", note: remark });
  }

  function isOver(): boolean {
    return broken || net.phase === "over";
  }

  function takeEvents(): readonly RtmpEvent[] {
    const taken = events;
    events = [];
    return taken;
  }

  return {
    receive,
    accept,
    refuse,
    get phase() {
      if (broken) return "failed";
      return shaking ? "handshake" : net.phase;
    },
    get bufferedBytes() {
      return isOver() ? 0 : handshake.bufferedBytes + reader.bufferedBytes;
    },
  };
}
