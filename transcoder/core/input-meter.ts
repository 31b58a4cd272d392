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
