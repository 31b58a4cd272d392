/**
 * What FFmpeg gets to see of a session: FLV tags on a clock that starts at 0 and never steps back.
 * Says when the source changed so much that a new session has to begin; does not decide how.
 */
import {
  flvHeader,
  flvTag,
  MAX_TAG_BODY_BYTES,
  type MediaMessage,
  readAudioTag,
  readVideoTag,
} from "./flv.ts";

/** Why a session cannot go on with what now arrives. */
export type Break =
  /** The encoder's clock jumped. */
  | { readonly reason: "clock-jump"; readonly fromMs: number; readonly toMs: number }
  /** New parameter sets: another picture size, say. */
  | { readonly reason: "new-config"; readonly kind: "audio" | "video" }
  /** A track that the session was planned without. */
  | { readonly reason: "new-track"; readonly kind: "audio" | "video" };

export type Fed =
  | { readonly type: "tag"; readonly bytes: Uint8Array }
  | { readonly type: "drop" }
  | { readonly type: "break"; readonly why: Break };

/** Tracks of one session are interleaved closer than this; more is a step of the clock. */
const MAX_STEP_MS = 5000;
const DROP: Fed = { type: "drop" };

export class FlvFeed {
  readonly #has: { readonly audio: boolean; readonly video: boolean };
  #base: number | undefined;
  /** Newest timestamp of any track. */
  #newest = 0;
  readonly #last = { audio: 0, video: 0 };
  readonly #config: { audio?: Uint8Array; video?: Uint8Array } = {};

  constructor(has: { readonly audio: boolean; readonly video: boolean }) {
    this.#has = has;
  }

  /** What goes in front of all tags. */
  header(): Uint8Array {
    return flvHeader(this.#has);
  }

  /** Turn one message into what FFmpeg is to read. After a break no message may follow. */
  push(message: MediaMessage): Fed {
    const { kind, timestamp, payload } = message;
    if (kind === "data" || payload.length === 0 || payload.length > MAX_TAG_BODY_BYTES) return DROP;
    const packet = (kind === "audio" ? readAudioTag(payload) : readVideoTag(payload))?.packet;
    if (packet === undefined || packet === "other") return DROP;
    if (!this.#has[kind])
      return packet === "frame" ? { type: "break", why: { reason: "new-track", kind } } : DROP;
    if (packet === "config") {
      const known = this.#config[kind];
      if (known)
        return sameBytes(known, payload) ? DROP : { type: "break", why: { reason: "new-config", kind } };
      this.#config[kind] = payload;
    }
    return this.#place(kind, timestamp, payload);
  }

  #place(kind: "audio" | "video", timestamp: number, payload: Uint8Array): Fed {
    if (this.#base === undefined) {
      this.#base = timestamp;
      this.#newest = timestamp;
    }
    if (Math.abs(timestamp - this.#newest) > MAX_STEP_MS) {
      const why: Break = { reason: "clock-jump", fromMs: this.#newest, toMs: timestamp };
      return { type: "break", why };
    }
    this.#newest = Math.max(this.#newest, timestamp);
    const rebased = timestamp - this.#base;
    // Audio from before the first picture has no place on a clock that starts with it.
    if (rebased < 0) return DROP;
    this.#last[kind] = Math.max(this.#last[kind], rebased);
    return { type: "tag", bytes: flvTag({ kind, timestamp: this.#last[kind], payload }) };
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
