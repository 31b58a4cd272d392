/** The video half of the source probe: picture, frame rate and keyframes from the first GOP or two. */
import type { Source } from "../../wire/ingest.ts";
import { type MediaMessage, readVideoTag, type VideoTag } from "./flv.ts";
import { type AvcConfig, isIdr, readAvcConfig } from "./h264.ts";
import type { Metadata } from "./metadata.ts";
import type { ProbeFailure } from "./source-probe.ts";

type SourceVideo = NonNullable<Source["video"]>;

/** Video without a keyframe for this long is none that can be shown. */
const NO_KEYFRAME_MS = 10_000;
/** A second keyframe is waited for this long; a GOP that is longer has to be encoded anyway. */
const LONGEST_GOP_MS = 4200;
/** Short GOPs are watched at least this long, to see whether they are even. */
const SHORTEST_LOOK_MS = 900;

export class VideoProbe {
  #codec: string | undefined;
  #enhanced = false;
  #config: AvcConfig | undefined;
  #hasConfig = false;
  #firstSeen: number | undefined;
  #lastSeen = 0;
  #framesBeforeKeyframe = 0;
  /** Decode times from the first keyframe on, milliseconds. */
  #times: number[] = [];
  #keyframes: number[] = [];
  #closedGops = true;
  #bytes = 0;

  /** A frame has come: a configuration alone is no picture. */
  get seen(): boolean {
    return this.#firstSeen !== undefined;
  }

  /** Forget what was measured; how to decode it stays known. */
  restart(): void {
    this.#firstSeen = undefined;
    this.#lastSeen = 0;
    this.#framesBeforeKeyframe = 0;
    this.#times = [];
    this.#keyframes = [];
    this.#closedGops = true;
    this.#bytes = 0;
  }

  push({ payload, timestamp }: MediaMessage): void {
    const tag = readVideoTag(payload);
    if (tag === undefined || tag.packet === "other") return;
    this.#codec ??= tag.codec;
    this.#enhanced ||= tag.enhanced;
    if (tag.packet === "config") {
      this.#hasConfig = true;
      if (tag.codec === "h264") this.#config ??= readAvcConfig(tag.body);
      return;
    }
    this.#firstSeen ??= timestamp;
    this.#lastSeen = Math.max(this.#lastSeen, timestamp);
    if (tag.keyframe) this.#addKeyframe(tag, timestamp);
    if (this.#keyframes.length === 0) this.#framesBeforeKeyframe += 1;
    else this.#times.push(timestamp);
    if (this.#keyframes.length > 0) this.#bytes += tag.body.length;
  }

  #addKeyframe(tag: VideoTag, timestamp: number): void {
    // Times may step back a little; the distance between keyframes may not.
    this.#keyframes.push(Math.max(timestamp, this.#keyframes.at(-1) ?? timestamp));
    const idr = tag.codec === "h264" && isIdr(tag.body, this.#config?.lengthSize ?? 4);
    this.#closedGops &&= idr;
  }

  /** Name of the codec when FFmpeg cannot take it as it comes. */
  unsupported(supported: readonly string[]): string | undefined {
    if (this.#codec === undefined) return undefined;
    const taken = this.#enhanced ? supported.includes(this.#codec) : this.#codec === "h264";
    return taken ? undefined : this.#codec;
  }

  failure(): ProbeFailure | undefined {
    const ms = this.#lastSeen - (this.#firstSeen ?? this.#lastSeen);
    if (this.#codec === undefined || ms < NO_KEYFRAME_MS) return undefined;
    const seconds = ms / 1000;
    if (this.#keyframes.length === 0)
      return { reason: "no-keyframe", seconds, frames: this.#framesBeforeKeyframe };
    return { reason: "no-parameter-sets", codec: this.#codec, seconds };
  }

  /** What is known, once it is enough. */
  result(metadata: Metadata | undefined): SourceVideo | "pending" {
    const [first] = this.#keyframes;
    const size = this.#pictureSize(metadata);
    if (first === undefined || size === undefined || !this.#hasConfig) return "pending";
    const lastKeyframe = this.#keyframes.at(-1) ?? first;
    const enoughGops = lastKeyframe > first && lastKeyframe - first >= SHORTEST_LOOK_MS;
    const ms = this.#lastSeen - first;
    if (!enoughGops && ms < LONGEST_GOP_MS) return "pending";

    const frameMs = this.#times.length > 1 && ms > 0 ? ms / (this.#times.length - 1) : 1000;
    const gops = steps(this.#keyframes);
    return {
      codec: this.#codec ?? "h264",
      ...size,
      frameRate: Math.min(240, Math.max(0.1, 1000 / frameMs)),
      variableFrameRate: isVariable(steps(this.#times), frameMs),
      bitrate: ms > 0 ? Math.round((8000 * this.#bytes) / (ms + frameMs)) : 0,
      ...(gops.length > 0 && { keyframeSeconds: longest(gops) / 1000 }),
      regularKeyframes: isRegular(gops, frameMs),
      closedGops: this.#closedGops,
    };
  }

  #pictureSize(metadata: Metadata | undefined): Pick<SourceVideo, "width" | "height"> | undefined {
    if (this.#config) return { width: this.#config.width, height: this.#config.height };
    const width = metadata?.numbers.get("width") ?? 0;
    const height = metadata?.numbers.get("height") ?? 0;
    const plausible = (n: number) => Number.isInteger(n) && n >= 16 && n <= 8192;
    if (this.#codec === "h264" || !plausible(width) || !plausible(height)) return undefined;
    return { width, height };
  }
}

const steps = (times: readonly number[]): number[] =>
  times.slice(1).map((time, i) => time - (times[i] ?? time));

// Not `Math.max(...)`: an encoder may send more keyframes than a call takes arguments.
const longest = (gops: readonly number[]): number => gops.reduce((most, gop) => Math.max(most, gop), 0);
const shortest = (gops: readonly number[]): number => gops.reduce((least, gop) => Math.min(least, gop));

/** More than one frame in twenty is off by more than timestamps in whole milliseconds can be. */
function isVariable(deltas: readonly number[], frameMs: number): boolean {
  const off = deltas.filter((delta) => Math.abs(delta - frameMs) > Math.max(2, frameMs / 5));
  return off.length > deltas.length / 20;
}

/** Even GOPs; a single one is taken for even when it is of a length that somebody would configure. */
function isRegular(gops: readonly number[], frameMs: number): boolean {
  const [only] = gops;
  if (only === undefined) return false;
  if (gops.length > 1) return longest(gops) - shortest(gops) <= 1.5 * frameMs;
  const quarters = only / 250;
  if (Math.abs(quarters - Math.round(quarters)) * 250 <= Math.min(frameMs, 50)) return true;
  const frames = Math.round(only / frameMs);
  return frames % 10 === 0 || frames % 12 === 0;
}
