/** The browser's own HLS (Safari) as an `Engine`. It adapts and catches up by itself; there is nothing to choose. */
import type { Engine, EngineEvent, Qualities, Reading, Source } from "./engine.ts";
import { bufferAhead } from "./media.ts";

const HLS_TYPE = "application/vnd.apple.mpegurl";
/** Where Safari keeps from the end of the seekable range when it was not told otherwise, seconds. */
const TARGET_SECONDS = 2;
const TARGET_DURATION_SECONDS = 4;

/** Safari's player is better at HLS than any script on it; other browsers that claim HLS are not. */
export const isPreferred = (video: HTMLVideoElement): boolean =>
  navigator.vendor.startsWith("Apple") && isPossible(video);

export const isPossible = (video: HTMLVideoElement): boolean => video.canPlayType(HLS_TYPE) !== "";

interface DatedElement {
  /** WebKit: EXT-X-PROGRAM-DATE-TIME at media time 0. */
  getStartDate?: () => Date;
}

export class NativeEngine implements Engine {
  readonly name = "native HLS";
  readonly #video: HTMLVideoElement & DatedElement;
  readonly #report: (event: EngineEvent) => void;
  #source: Source | undefined;

  constructor(video: HTMLVideoElement, report: (event: EngineEvent) => void) {
    this.#video = video;
    this.#report = report;
    video.addEventListener("error", this.#onError);
  }

  open(source: Source): void {
    this.#source = source;
    this.#video.src = source.playlist;
    this.#video.load();
  }

  close(): void {
    this.#source = undefined;
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  resume(): void {
    if (this.#source) this.open(this.#source);
  }

  recover(): void {
    this.resume();
  }

  seek(seconds: number): void {
    this.#video.currentTime = seconds;
  }

  choose(): void {}

  qualities(): Qualities {
    const { videoWidth, videoHeight } = this.#video;
    const playing =
      videoHeight > 0 ? { playing: { width: videoWidth, height: videoHeight, bitrate: 0 } } : {};
    return { levels: [], audioOnly: false, chosen: "auto", ...playing };
  }

  read(): Reading | undefined {
    const { seekable, currentTime, duration } = this.#video;
    if (seekable.length === 0) return undefined;
    const [start, end] = [seekable.start(0), seekable.end(seekable.length - 1)];
    const live = !Number.isFinite(duration);
    const startMs = this.#video.getStartDate?.().getTime();
    return {
      start,
      edge: live ? Math.max(start, end - TARGET_SECONDS) : end,
      position: currentTime,
      buffer: bufferAhead(this.#video),
      live,
      latency: end - currentTime,
      target: TARGET_SECONDS,
      targetDuration: TARGET_DURATION_SECONDS,
      ...(startMs !== undefined && !Number.isNaN(startMs) && { playingMs: startMs + currentTime * 1000 }),
    };
  }

  readonly #onError = (): void => {
    if (!this.#source) return;
    const network = this.#video.error?.code !== MediaError.MEDIA_ERR_DECODE;
    this.#report({ type: network ? "network-error" : "media-error" });
  };
}
