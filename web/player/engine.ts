/** What the watch page needs of whatever plays HLS: hls.js, or the browser itself. Types only. */
import type Hls from "hls.js";
import type { ProfileName } from "../../media/profile.ts";
import type { ClockSample } from "./clock.ts";
import type { PushedPlaylists } from "./feed/pushed.ts";
import type { QualityFacts } from "./words.ts";

export interface Source {
  /** Path of the multivariant playlist. */
  readonly playlist: string;
  readonly profile: ProfileName;
  readonly from: "live" | "start";
}

/** `auto`, `audio` (sound alone), or the index of a level. */
export type QualityChoice = "auto" | "audio" | number;

export interface Qualities {
  /** From the lowest up. */
  readonly levels: readonly QualityFacts[];
  readonly audioOnly: boolean;
  readonly chosen: QualityChoice;
  /** What plays now. */
  readonly playing?: QualityFacts;
}

/** One look at playback; times are on the media element's clock, seconds. */
export interface Reading {
  /** The part of the past that can be sought. */
  readonly start: number;
  /** Where a viewer at the live edge is now. */
  readonly edge: number;
  readonly position: number;
  readonly buffer: number;
  readonly live: boolean;
  /** Behind the newest media of the playlist. */
  readonly latency: number;
  readonly target: number;
  /** EXT-X-PROGRAM-DATE-TIME at the playhead, milliseconds since 1970. */
  readonly playingMs?: number;
  /** TARGETDURATION. */
  readonly targetDuration: number;
  /** When bytes of media last came, `performance.now()`. */
  readonly mediaAtMs?: number;
  /** The newest playlist came over the socket. */
  readonly pushed?: boolean;
  /** Measured throughput, bits a second. */
  readonly bandwidth?: number;
}

/** What an engine reports. Frames that move, stop or end are read from the media element. */
export type EngineEvent =
  | { readonly type: "network-error" }
  | { readonly type: "media-error" }
  | { readonly type: "source-changed" }
  | { readonly type: "stall" }
  | { readonly type: "qualities" }
  | { readonly type: "clock"; readonly sample: ClockSample };

export interface Engine {
  readonly name: string;
  /** hls.js itself, when that is what plays; for diagnostics. */
  readonly hls?: Hls | undefined;
  /** Takes playlists from the socket, if it can. */
  readonly pushed?: PushedPlaylists;
  open(source: Source): void;
  close(): void;
  /** Start loading again after a fatal network error. */
  resume(): void;
  /** Give the decoder a fresh buffer after a media error. */
  recover(): void;
  seek(seconds: number): void;
  choose(quality: QualityChoice): void;
  qualities(): Qualities;
  /** `undefined` before the first playlist was read. */
  read(): Reading | undefined;
}
