/**
 * The messages that arrive before FFmpeg runs: what must be kept and what may go, bounded in bytes.
 * Kept are the configuration of each track, and everything from the first keyframe on that is on one clock.
 */
import { MAX_CLOCK_STEP_MS, type MediaMessage, readAudioTag, readVideoTag } from "./flv.ts";

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
  /** Timestamp of the latest frame of any track. */
  #latest: number | undefined;

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
    if (tag.packet === "frame") this.#followClock(message.timestamp);
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
    const isConfig = readAudioTag(message.payload)?.packet === "config";
    if (isConfig && this.#audioConfig === undefined) {
      this.#audioConfig = message;
      return true;
    }
    if (!isConfig) this.#followClock(message.timestamp);
    return this.#hold(message);
  }

  /** When the clock jumps, what was held is on another one than what comes: only the configurations still hold. */
  #followClock(timestamp: number): void {
    const step = Math.abs(timestamp - (this.#latest ?? timestamp));
    this.#latest = timestamp;
    if (step <= MAX_CLOCK_STEP_MS) return;
    for (const message of this.#messages) {
      const { kind, payload } = message;
      if (kind === "video" && readVideoTag(payload)?.packet === "config") this.#videoConfig = message;
      if (kind === "audio" && readAudioTag(payload)?.packet === "config") this.#audioConfig = message;
    }
    this.#messages = [];
    this.#bytes = 0;
    this.#keyframeSeen = false;
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
