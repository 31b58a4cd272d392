/**
 * What a waiting encoder last sent: its configurations, and everything from its newest keyframe on, so that its show can
 * begin at any moment with a picture. Without pictures, the last seconds of sound. Pure.
 */
import { MAX_BACKLOG_BYTES } from "./backlog.ts";
import { type MediaMessage, readAudioTag, readVideoTag } from "./flv.ts";

/** Sound that may belong to a keyframe that comes after it: tracks are interleaved closer than this. */
const INTERLEAVED_MS = 1_000;
/** Kept of a source that has no pictures. */
const SOUND_ONLY_MS = 2_000;

export class RollingBacklog {
  #data: MediaMessage | undefined;
  #videoConfig: MediaMessage | undefined;
  #audioConfig: MediaMessage | undefined;
  #messages: MediaMessage[] = [];
  #bytes = 0;
  #hasPictures = false;

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Take a message, and let go of what it makes needless. */
  push(message: MediaMessage): void {
    const { kind, payload, timestamp } = message;
    if (kind === "data") {
      this.#data = message;
      return;
    }
    const tag = kind === "video" ? readVideoTag(payload) : readAudioTag(payload);
    if (tag === undefined || tag.packet === "other") return;
    if (tag.packet === "config") {
      if (kind === "video") this.#videoConfig = message;
      else this.#audioConfig = message;
      return;
    }
    if ("keyframe" in tag) {
      this.#hasPictures = true;
      if (tag.keyframe) this.#keep((held) => held.kind === "audio" && held.timestamp >= timestamp);
    } else if (!this.#hasPictures)
      this.#keep((held) => Math.abs(timestamp - held.timestamp) <= SOUND_ONLY_MS);
    this.#messages.push(message);
    this.#bytes += payload.byteLength;
    // A source without keyframes would grow for ever: what is left of it shows nothing, but the next keyframe will.
    if (this.#bytes > MAX_BACKLOG_BYTES)
      this.#keep((held) => Math.abs(timestamp - held.timestamp) <= INTERLEAVED_MS);
  }

  /** Everything, configurations first; it goes on being held. */
  messages(): readonly MediaMessage[] {
    const [first] = this.#messages;
    const configs = [this.#data, this.#videoConfig, this.#audioConfig].filter(
      (config) => config !== undefined,
    );
    return [
      ...configs.map((config) => ({ ...config, timestamp: first?.timestamp ?? config.timestamp })),
      ...this.#messages,
    ];
  }

  #keep(isKept: (held: MediaMessage) => boolean): void {
    this.#messages = this.#messages.filter(isKept);
    this.#bytes = this.#messages.reduce((sum, { payload }) => sum + payload.byteLength, 0);
  }
}
