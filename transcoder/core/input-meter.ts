/** What arrives from an encoder: bits and frames a second, keyframe distance. Fed with messages, read with a clock. Pure. */
import type { Stats } from "../../wire/ingest.ts";
import { type MediaMessage, readVideoTag } from "./flv.ts";

export class InputMeter {
  #bytes = 0;
  #frames = 0;
  #lastKeyframe: number | undefined;
  #keyframeSeconds: number | undefined;
  #readAt: number | undefined;

  /** Count a message. */
  add({ kind, payload, timestamp }: MediaMessage): void {
    this.#bytes += payload.byteLength;
    const tag = kind === "video" ? readVideoTag(payload) : undefined;
    if (tag?.packet !== "frame") return;
    this.#frames += 1;
    if (!tag.keyframe) return;
    const distance = this.#lastKeyframe === undefined ? 0 : (timestamp - this.#lastKeyframe) / 1000;
    if (distance > 0) this.#keyframeSeconds = distance;
    this.#lastKeyframe = timestamp;
  }

  /** Averages since the last reading; `nowMs` on any steady clock. */
  read(nowMs: number): Stats {
    const seconds = this.#readAt === undefined ? 0 : (nowMs - this.#readAt) / 1000;
    const stats: Stats = {
      ...(seconds > 0 && {
        inputBitrate: Math.round((8 * this.#bytes) / seconds),
        inputFrameRate: Math.round((100 * this.#frames) / seconds) / 100,
      }),
      ...(this.#keyframeSeconds !== undefined && { keyframeSeconds: this.#keyframeSeconds }),
    };
    this.#bytes = 0;
    this.#frames = 0;
    this.#readAt = nowMs;
    return stats;
  }
}

/** Media seconds that come out of a session per second of time: 1 is live. */
export class SpeedMeter {
  #last: { readonly cutSeconds: number; readonly nowMs: number } | undefined;

  /** Speed since the last reading; `undefined` at the first, and when another session has begun. */
  read(cutSeconds: number, nowMs: number): number | undefined {
    const last = this.#last;
    this.#last = { cutSeconds, nowMs };
    if (!last || cutSeconds < last.cutSeconds || nowMs <= last.nowMs) return undefined;
    return Math.round((100_000 * (cutSeconds - last.cutSeconds)) / (nowMs - last.nowMs)) / 100;
  }
}
