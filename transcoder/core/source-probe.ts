/**
 * Finds out what an encoder sends from its first messages: codecs, picture, frame rate, keyframes, bitrates.
 * Pure: messages and the time come in as arguments. What to keep meanwhile is the backlog's business.
 */
import type { Source } from "../../wire/ingest.ts";
import { type AudioConfig, readAudioSpecificConfig, readMpegAudioHeader } from "./audio-config.ts";
import { MAX_CLOCK_STEP_MS, type MediaMessage, readAudioTag, readVideoTag } from "./flv.ts";
import { announcedTracks, type Metadata, readMetadata } from "./metadata.ts";
import { VideoProbe } from "./video-probe.ts";

/** Why a source cannot be taken. */
export type ProbeFailure =
  | { readonly reason: "no-keyframe"; readonly seconds: number; readonly frames: number }
  | { readonly reason: "no-parameter-sets"; readonly codec: string; readonly seconds: number }
  | { readonly reason: "unsupported-codec"; readonly kind: "audio" | "video"; readonly codec: string }
  | { readonly reason: "no-media"; readonly seconds: number };

export type ProbeState =
  | { readonly state: "undecided" }
  | { readonly state: "ready"; readonly source: Source }
  | { readonly state: "failed"; readonly failure: ProbeFailure };

/** A track that did not show up in this much media is not coming. */
const ABSENT_AFTER_MS = 3000;
/** Longest wait for anything at all. */
const NO_MEDIA_MS = 10_000;
/** Audio alone is measured for this long, for its bitrate. */
const AUDIO_ONLY_MS = 500;
const ALWAYS_SUPPORTED_AUDIO = ["aac", "mp3"];
const UNDECIDED: ProbeState = { state: "undecided" };

export class SourceProbe {
  readonly #startedMs: number;
  readonly #supported: readonly string[];
  readonly #video = new VideoProbe();
  readonly #audio = new AudioProbe();
  #metadata: Metadata | undefined;
  #first: number | undefined;
  #last = 0;
  /** Timestamp of the latest frame. */
  #latest: number | undefined;
  #decided: ProbeState = UNDECIDED;

  /** `supported` names codecs that the FFmpeg at hand can take besides H.264, AAC and MP3: `hevc`, `av1`, `vp9`. */
  constructor(startedMs: number, supported: readonly string[] = []) {
    this.#startedMs = startedMs;
    this.#supported = supported;
  }

  /** Take a message that arrived at `nowMs`. After a decision nothing changes any more. */
  push(message: MediaMessage, nowMs: number): ProbeState {
    if (this.#decided.state !== "undecided") return this.#decided;
    if (message.kind === "data") this.#metadata ??= readMetadata(message.payload);
    else {
      // Configurations say nothing about the time: some encoders send them at 0, whatever their clock shows.
      if (isFrame(message)) this.#followClock(message.timestamp);
      if (message.kind === "video") this.#video.push(message);
      else this.#audio.push(message);
    }
    return this.check(nowMs);
  }

  /** What was measured on both sides of a jump of the clock means nothing: begin to measure anew. */
  #followClock(timestamp: number): void {
    if (Math.abs(timestamp - (this.#latest ?? timestamp)) > MAX_CLOCK_STEP_MS) {
      this.#first = undefined;
      this.#last = timestamp;
      this.#video.restart();
      this.#audio.restart();
    }
    this.#latest = timestamp;
    this.#first = Math.min(this.#first ?? timestamp, timestamp);
    this.#last = Math.max(this.#last, timestamp);
  }

  /** Decide on what there is; call it now and then also when nothing arrives. */
  check(nowMs: number): ProbeState {
    if (this.#decided.state === "undecided") this.#decided = this.#decide(nowMs);
    return this.#decided;
  }

  #decide(nowMs: number): ProbeState {
    const failure = this.#failure(nowMs);
    if (failure) return { state: "failed", failure };
    const announced = this.#metadata && announcedTracks(this.#metadata);
    const mediaMs = this.#first === undefined ? 0 : this.#last - this.#first;
    const video = this.#video.seen ? this.#video.result(this.#metadata) : absent(announced?.video, mediaMs);
    const audio = this.#audio.seen ? this.#audio.result(mediaMs) : absent(announced?.audio, mediaMs);
    if (video === "pending" || audio === "pending") return UNDECIDED;
    if (video === "absent" && (audio === "absent" || mediaMs < AUDIO_ONLY_MS)) return UNDECIDED;
    const encoder = this.#metadata?.encoder;
    return {
      state: "ready",
      source: {
        ...(video !== "absent" && { video }),
        ...(audio !== "absent" && { audio }),
        ...(encoder !== undefined && { encoder }),
      },
    };
  }

  #failure(nowMs: number): ProbeFailure | undefined {
    const video = this.#video.unsupported(this.#supported);
    if (video !== undefined) return { reason: "unsupported-codec", kind: "video", codec: video };
    const audio = this.#audio.codec;
    if (audio !== undefined && ![...ALWAYS_SUPPORTED_AUDIO, ...this.#supported].includes(audio))
      return { reason: "unsupported-codec", kind: "audio", codec: audio };
    const failure = this.#video.failure();
    if (failure) return failure;
    const waitedMs = nowMs - this.#startedMs;
    const nothing = !this.#video.seen && this.#audio.result(ABSENT_AFTER_MS) === "absent";
    return nothing && waitedMs >= NO_MEDIA_MS ? { reason: "no-media", seconds: waitedMs / 1000 } : undefined;
  }
}

const absent = (announced: boolean | undefined, mediaMs: number): "absent" | "pending" =>
  announced === false || mediaMs >= ABSENT_AFTER_MS ? "absent" : "pending";

const isFrame = ({ kind, payload }: MediaMessage): boolean =>
  (kind === "video" ? readVideoTag(payload) : readAudioTag(payload))?.packet === "frame";

/** The audio half. */
class AudioProbe {
  codec: string | undefined;
  #config: AudioConfig | undefined;
  #bytes = 0;
  #first: number | undefined;
  #last = 0;

  get seen(): boolean {
    return this.codec !== undefined;
  }

  push({ payload, timestamp }: MediaMessage): void {
    const tag = readAudioTag(payload);
    if (tag === undefined) return;
    this.codec ??= tag.codec;
    if (tag.packet === "config") this.#config ??= readAudioSpecificConfig(tag.body);
    else {
      if (tag.codec === "mp3") this.#config ??= readMpegAudioHeader(tag.body);
      this.#first ??= timestamp;
      this.#last = Math.max(this.#last, timestamp);
      this.#bytes += tag.body.length;
    }
  }

  /** Forget what was measured; how to decode it stays known. */
  restart(): void {
    this.#bytes = 0;
    this.#first = undefined;
    this.#last = 0;
  }

  /** Audio that never said how to decode it counts as absent. */
  result(mediaMs: number): NonNullable<Source["audio"]> | "absent" | "pending" {
    if (this.#config === undefined || this.codec === undefined)
      return mediaMs >= ABSENT_AFTER_MS ? "absent" : "pending";
    const ms = this.#last - (this.#first ?? this.#last);
    const bitrate = ms > 0 ? Math.round((8000 * this.#bytes) / ms) : 0;
    return { codec: this.codec, ...this.#config, bitrate };
  }
}
