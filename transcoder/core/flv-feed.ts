/**
 * What FFmpeg gets to see of a session: FLV tags on a clock that starts at 0 and never steps back, each track going on for as
 * long as the other does. Says when the source changed so much that a new session has to begin; does not decide how.
 */
import {
  type AudioTag,
  flvHeader,
  flvTag,
  MAX_CLOCK_STEP_MS,
  MAX_TAG_BODY_BYTES,
  type MediaMessage,
  readAudioTag,
  readVideoTag,
  type VideoTag,
} from "./flv.ts";
import { type MadeTag, PictureStandIn, SoundStandIn } from "./stand-in.ts";

/** Why a session cannot go on with what now arrives. */
export type Break =
  /** The encoder's clock jumped. */
  | { readonly reason: "clock-jump"; readonly fromMs: number; readonly toMs: number }
  /** FFmpeg reads 32 bits of time and stands still when they begin again: 49.7 days of one session. */
  | { readonly reason: "clock-full" }
  /** New parameter sets: another picture size, say. */
  | { readonly reason: "new-config"; readonly kind: "audio" | "video" }
  /** A track that the session was planned without. */
  | { readonly reason: "new-track"; readonly kind: "audio" | "video" };

/** What becomes of a message. */
export type Fed =
  /** One tag or several. */
  | { readonly type: "tag"; readonly bytes: Uint8Array }
  | { readonly type: "drop" }
  | { readonly type: "break"; readonly why: Break };

/** The last second of 32 bits is left alone. */
const LAST_MS = 2 ** 32 - 1000;
const DROP: Fed = { type: "drop" };

export class FlvFeed {
  readonly #has: { readonly audio: boolean; readonly video: boolean };
  #base: number | undefined;
  /** Newest timestamp of any track. */
  #newest = 0;
  /** Newest time of each track that came, and of each that was written. */
  readonly #heard = { audio: 0, video: 0 };
  readonly #last = { audio: 0, video: 0 };
  readonly #config: { audio?: Uint8Array; video?: Uint8Array } = {};
  readonly #sound = new SoundStandIn();
  readonly #pictures = new PictureStandIn();

  constructor(has: { readonly audio: boolean; readonly video: boolean }) {
    this.#has = has;
  }

  /** What goes in front of all tags. */
  header(): Uint8Array {
    return flvHeader(this.#has);
  }

  /** Turn one message into what FFmpeg is to read. After a break no message may follow. */
  push({ kind, timestamp, payload }: MediaMessage): Fed {
    if (kind === "data" || payload.length === 0 || payload.length > MAX_TAG_BODY_BYTES) return DROP;
    if (kind === "audio") {
      const tag = readAudioTag(payload);
      if (tag === undefined) return DROP;
      const time = this.#accept(kind, tag.packet, timestamp, payload);
      return typeof time === "number" ? this.#pushSound(tag, time, payload) : refused(time);
    }
    const tag = readVideoTag(payload);
    if (tag === undefined) return DROP;
    const time = this.#accept(kind, tag.packet, timestamp, payload);
    return typeof time === "number" ? this.#pushPicture(tag, time, payload) : refused(time);
  }

  /** The message's time on the session's clock, unless it is let go or ends the session. */
  #accept(
    kind: "audio" | "video",
    packet: "config" | "frame" | "other",
    timestamp: number,
    payload: Uint8Array,
  ): number | Break | undefined {
    if (packet === "other") return undefined;
    if (!this.#has[kind]) return packet === "frame" ? { reason: "new-track", kind } : undefined;
    if (packet === "config") {
      const known = this.#config[kind];
      if (known) return sameBytes(known, payload) ? undefined : { reason: "new-config", kind };
      this.#config[kind] = payload;
    }
    return this.#rebase(timestamp);
  }

  #rebase(timestamp: number): number | Break | undefined {
    if (this.#base === undefined) {
      this.#base = timestamp;
      this.#newest = timestamp;
    }
    if (Math.abs(timestamp - this.#newest) > MAX_CLOCK_STEP_MS)
      return { reason: "clock-jump", fromMs: this.#newest, toMs: timestamp };
    this.#newest = Math.max(this.#newest, timestamp);
    const rebased = timestamp - this.#base;
    if (rebased > LAST_MS) return { reason: "clock-full" };
    // Audio from before the first picture has no place on a clock that starts with it.
    return rebased < 0 ? undefined : rebased;
  }

  #pushSound(tag: AudioTag, time: number, payload: Uint8Array): Fed {
    this.#sound.learn(tag, payload);
    if (tag.packet === "config") return toFed(this.#tags("audio", [{ timestamp: time, payload }]));
    this.#heard.audio = Math.max(this.#heard.audio, time);
    const held = this.#has.video ? this.#pictures.due(time) : [];
    const silence = this.#sound.take(time, this.#heard.video);
    const own = silence ? [...silence, { timestamp: time, payload }] : [];
    return toFed([...this.#tags("video", held), ...this.#tags("audio", own)]);
  }

  #pushPicture(tag: VideoTag, time: number, payload: Uint8Array): Fed {
    if (tag.packet === "config") return toFed(this.#tags("video", [{ timestamp: time, payload }]));
    this.#heard.video = Math.max(this.#heard.video, time);
    const silence = this.#has.audio ? this.#sound.due(time) : [];
    const placed = this.#pictures.take(tag, payload, time, this.#heard.audio);
    const own = placed === undefined ? [] : [{ timestamp: placed, payload }];
    return toFed([...this.#tags("audio", silence), ...this.#tags("video", own)]);
  }

  #tags(kind: "audio" | "video", tags: readonly MadeTag[]): readonly Uint8Array[] {
    return tags.map(({ timestamp, payload }) => {
      this.#last[kind] = Math.max(this.#last[kind], timestamp);
      return flvTag({ kind, timestamp: this.#last[kind], payload });
    });
  }
}

const refused = (why: Break | undefined): Fed => (why === undefined ? DROP : { type: "break", why });

function toFed(tags: readonly Uint8Array[]): Fed {
  const [first, ...more] = tags;
  if (first === undefined) return DROP;
  if (more.length === 0) return { type: "tag", bytes: first };
  const bytes = new Uint8Array(tags.reduce((sum, tag) => sum + tag.length, 0));
  let at = 0;
  for (const tag of tags) {
    bytes.set(tag, at);
    at += tag.length;
  }
  return { type: "tag", bytes };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
