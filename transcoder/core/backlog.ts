/**
 * The messages that arrive before FFmpeg runs: what must be kept and what may go, bounded in bytes.
 * Kept are the configuration of each track, and everything from the first keyframe on.
 */
import { type MediaMessage, readAudioTag, readVideoTag } from "./flv.ts";

/** Room for ten seconds at 40 Mbit/s. */
export const MAX_BACKLOG_BYTES = 50 * 1024 * 1024;
/** What a message costs besides its payload. */
const MESSAGE_OVERHEAD_BYTES = 64;

export class Backlog {
  #videoConfig: MediaMessage | undefined;
  #audioConfig: MediaMessage | undefined;
  #messages: MediaMessage[] = [];
  #bytes = 0;
  #keyframeSeen = false;

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Hold a message, or let it go when nothing needs it. False: there is no room, and the session cannot go on. */
  push(message: MediaMessage): boolean {
    if (message.kind === "data") return true;
    return message.kind === "video" ? this.#pushVideo(message) : this.#pushAudio(message);
  }

  /** Take everything, in the order FFmpeg is to have it: configurations first, so that it need not look for them. */
  drain(): MediaMessage[] {
    const times = this.#messages.map(({ timestamp }) => timestamp);
    const first = times.reduce((least, time) => Math.min(least, time), times[0] ?? 0);
    const configs = [this.#videoConfig, this.#audioConfig].filter((message) => message !== undefined);
    const all = [...configs.map((config) => ({ ...config, timestamp: first })), ...this.#messages];
    this.#messages = [];
    this.#bytes = 0;
    return all;
  }

  #pushVideo(message: MediaMessage): boolean {
    const tag = readVideoTag(message.payload);
    if (tag === undefined || tag.packet === "other") return true;
    if (tag.packet === "config" && !this.#keyframeSeen) {
      this.#videoConfig = message;
      return true;
    }
    if (!this.#keyframeSeen && !tag.keyframe) return true;
    if (!this.#keyframeSeen) this.#dropBefore(message.timestamp);
    this.#keyframeSeen = true;
    return this.#hold(message);
  }

  #pushAudio(message: MediaMessage): boolean {
    if (readAudioTag(message.payload)?.packet === "config" && this.#audioConfig === undefined) {
      this.#audioConfig = message;
      return true;
    }
    return this.#hold(message);
  }

  /** Sound from before the first keyframe goes with the pictures that go; some of what came before it belongs after. */
  #dropBefore(timestamp: number): void {
    const kept = this.#messages.filter((message) => message.timestamp >= timestamp);
    this.#messages = [];
    this.#bytes = 0;
    for (const message of kept) this.#hold(message);
  }

  #hold(message: MediaMessage): boolean {
    this.#bytes += message.payload.length + MESSAGE_OVERHEAD_BYTES;
    this.#messages.push(message);
    return this.#bytes <= MAX_BACKLOG_BYTES;
  }
}
