/** hls.js as an `Engine`. What to do about an error is decided in `state.ts`. */
import Hls, { type ErrorData, type HlsConfig, type Level, type LevelLoadedData } from "hls.js";
import { cmcdConfig, StartDelay, sayMore } from "./cmcd.ts";
import type { Engine, EngineEvent, Qualities, QualityChoice, Reading, Source } from "./engine.ts";
import { PushedPlaylists } from "./feed/pushed.ts";
import { bufferAhead } from "./media.ts";
import type { Place } from "./place.ts";
import { playlistLoader } from "./playlist-loader.ts";
import { readStore, writeStore } from "./store.ts";
import { tuningOf } from "./tuning.ts";
import { withoutCount } from "./viewers.ts";
import type { QualityFacts } from "./words.ts";

/** Whether hls.js can play here. */
export const isSupported = (): boolean => Hls.isSupported();

/** Where and how long the page remembers what the line carried. */
const BANDWIDTH_KEY = "millrace.bandwidth";
const FIRST_BANDWIDTH = 4_000_000;
/** A page has its socket this soon, or it will not have one. */
const SOCKET_PATIENCE_MS = 10_000;

/** hls.js on a media element. `early` is the multivariant playlist, if the page fetched it already. */
export class HlsEngine implements Engine {
  readonly name = `hls.js ${Hls.version}`;
  readonly #video: HTMLVideoElement;
  readonly #report: (event: EngineEvent) => void;
  readonly #early: (url: string) => Promise<string> | undefined;
  readonly pushed: PushedPlaylists;
  readonly #startDelay: StartDelay;
  #hls: Hls | undefined;
  #source: Source | undefined;
  /** Playlist of the audio rendition, when it can be played alone. */
  #audioUrl: string | undefined;
  #audioOnly = false;
  #levels: readonly QualityFacts[] = [];
  #mediaSequence = -1;
  #mediaAtMs = 0;
  readonly #openedAtMs = performance.now();
  #isPushed = false;

  constructor(
    video: HTMLVideoElement,
    report: (event: EngineEvent) => void,
    early: (url: string) => Promise<string> | undefined,
    place: Place,
  ) {
    this.#video = video;
    this.#report = report;
    this.#early = early;
    this.pushed = new PushedPlaylists(place);
    this.#startDelay = new StartDelay(video);
  }

  /** hls.js itself, for diagnostics. */
  get hls(): Hls | undefined {
    return this.#hls;
  }

  open(source: Source): void {
    this.close();
    this.#source = source;
    this.#start(source.playlist);
  }

  close(): void {
    if (this.#hls) rememberBandwidth(this.#hls.bandwidthEstimate);
    this.#hls?.destroy();
    this.#hls = undefined;
    this.#audioOnly = false;
    this.#audioUrl = undefined;
    this.#levels = [];
    this.#mediaSequence = -1;
  }

  resume(): void {
    const hls = this.#hls;
    if (!hls) return;
    if (hls.levels.length === 0 && this.#source) hls.loadSource(absolute(this.#source.playlist));
    else hls.startLoad(this.#video.currentTime > 0 ? this.#video.currentTime : -1);
  }

  recover(): void {
    this.#hls?.recoverMediaError();
  }

  seek(seconds: number): void {
    this.#video.currentTime = seconds;
  }

  choose(quality: QualityChoice): void {
    const hls = this.#hls;
    if (!hls || !this.#source) return;
    if (quality === "audio" || this.#audioOnly) {
      const url = quality === "audio" ? this.#audioUrl : this.#source.playlist;
      if (url === undefined || (quality === "audio" && this.#audioOnly)) return;
      const [levels, audioUrl] = [this.#levels, this.#audioUrl];
      hls.destroy();
      this.#audioOnly = quality === "audio";
      this.#mediaSequence = -1;
      this.#start(url, typeof quality === "number" ? quality : undefined);
      if (this.#audioOnly) [this.#levels, this.#audioUrl] = [levels, audioUrl];
      this.#report({ type: "qualities" });
      return;
    }
    // `nextLevel` changes at the next segment and drops what was buffered after it; ours is little.
    hls.nextLevel = quality === "auto" ? -1 : quality;
    this.#report({ type: "qualities" });
  }

  qualities(): Qualities {
    const hls = this.#hls;
    const playing = hls && !this.#audioOnly ? hls.levels[hls.currentLevel] : undefined;
    return {
      levels: this.#levels,
      audioOnly: this.#audioUrl !== undefined,
      chosen: this.#audioOnly ? "audio" : hls && !hls.autoLevelEnabled ? hls.manualLevel : "auto",
      ...(playing && { playing: factsOf(playing) }),
    };
  }

  read(): Reading | undefined {
    const hls = this.#hls;
    const details = hls?.latestLevelDetails;
    if (!hls || !details) return undefined;
    const position = this.#video.currentTime;
    const target = hls.targetLatency ?? 3 * details.targetduration;
    const playingMs = hls.playingDate?.getTime();
    return {
      start: details.fragmentStart,
      edge: details.live ? Math.max(details.fragmentStart, details.edge - target) : details.edge,
      position,
      buffer: bufferAhead(this.#video),
      live: details.live,
      latency: hls.latency,
      target,
      targetDuration: details.targetduration,
      mediaAtMs: this.#mediaAtMs,
      pushed: this.#isPushed,
      bandwidth: hls.bandwidthEstimate,
      ...(playingMs !== undefined && { playingMs }),
    };
  }

  #start(url: string, level?: number): void {
    const { profile, from } = this.#source ?? { profile: "low", from: "live" };
    const config: Partial<HlsConfig> = {
      ...tuningOf(profile, rememberedBandwidth()),
      ...(from === "start" && { startPosition: 0 }),
      pLoader: playlistLoader(Hls.DefaultConfig.loader, this.#early(url), this.pushed),
      cmcd: cmcdConfig(),
      xhrSetup: (xhr, url) => this.#onRequest(xhr, url),
    };
    const hls = new Hls(config);
    this.#hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, (_event, data) => {
      if (this.#audioOnly) return;
      if (level !== undefined) hls.startLevel = level;
      this.#levels = data.levels.map(factsOf);
      this.#report({ type: "qualities" });
    });
    if (level !== undefined)
      hls.once(Hls.Events.FRAG_BUFFERED, () => {
        hls.nextLevel = level;
      });
    hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, (_event, data) => {
      if (!this.#audioOnly) this.#audioUrl = data.audioTracks.find((track) => track.url)?.url;
    });
    hls.on(Hls.Events.LEVEL_SWITCHED, () => this.#report({ type: "qualities" }));
    hls.on(Hls.Events.LEVEL_LOADED, (_event, data) => this.#onPlaylist(data));
    hls.on(Hls.Events.ERROR, (_event, data) => this.#onError(data));
    hls.attachMedia(this.#video);
    hls.loadSource(absolute(url));
  }

  #onRequest(xhr: XMLHttpRequest, url: string): void {
    // hls.js opens a request itself unless that was done here.
    const isPlaylist = url.includes(".m3u8");
    const said = sayMore(url, this.#said());
    xhr.open("GET", isPlaylist && this.#isCountedBySocket() ? withoutCount(said) : said, true);
    if (isPlaylist) return;
    xhr.addEventListener("progress", () => {
      this.#mediaAtMs = performance.now();
    });
    // With pushed playlists, hardly anything else says what time it is at the server.
    xhr.addEventListener("load", () => this.#learnClock(xhr, Date.now()));
  }

  /** One that was just opened will have a socket in a moment; if it cannot, its requests count from then on. */
  #isCountedBySocket(): boolean {
    return this.pushed.hasSocket || performance.now() - this.#openedAtMs < SOCKET_PATIENCE_MS;
  }

  #said(): Parameters<typeof sayMore>[1] {
    // Nobody is behind anything who does not watch yet, or has paused; 0 is what hls.js says before it knows.
    const isWatching = this.#startDelay.isStarted && !this.#video.paused;
    const latency = isWatching ? (this.#hls?.latency ?? 0) : 0;
    return { latencyMs: latency > 0 ? 1000 * latency : undefined, startDelayMs: this.#startDelay.take() };
  }

  #onPlaylist({ details, networkDetails, stats }: LevelLoadedData): void {
    // Sequence numbers never fall within a broadcast (rfc8216bis 6.2.2).
    if (details.startSN < this.#mediaSequence) this.#report({ type: "source-changed" });
    this.#mediaSequence = details.startSN;
    this.#isPushed = networkDetails === null;
    if (networkDetails instanceof XMLHttpRequest)
      this.#learnClock(networkDetails, Date.now() - (performance.now() - stats.loading.end));
  }

  #learnClock(xhr: XMLHttpRequest, receivedMs: number): void {
    const date = xhr.getResponseHeader("date");
    if (date !== null) this.#report({ type: "clock", sample: { receivedMs, dateMs: Date.parse(date) } });
  }

  #onError(data: ErrorData): void {
    if (data.details === Hls.ErrorDetails.BUFFER_STALLED_ERROR) this.#report({ type: "stall" });
    // The playlist went back in time: this is another broadcast.
    if (data.details === Hls.ErrorDetails.LEVEL_PARSING_ERROR) this.#report({ type: "source-changed" });
    if (!data.fatal) return;
    this.#report({ type: data.type === Hls.ErrorTypes.NETWORK_ERROR ? "network-error" : "media-error" });
  }
}

/** hls.js adds directives and CMCD only to URLs that stand alone; one answered from here is never made absolute by a response. */
const absolute = (url: string): string => new URL(url, location.href).href;

const factsOf = (level: Level): QualityFacts => ({
  bitrate: level.bitrate,
  ...(level.width > 0 && { width: level.width }),
  ...(level.height > 0 && { height: level.height }),
  ...(level.frameRate > 0 && { frameRate: level.frameRate }),
});

function rememberedBandwidth(): number {
  const kept = Number(readStore(BANDWIDTH_KEY));
  return kept > 100_000 ? Math.min(kept, 50_000_000) : FIRST_BANDWIDTH;
}

function rememberBandwidth(bitsPerSecond: number): void {
  if (Number.isFinite(bitsPerSecond)) writeStore(BANDWIDTH_KEY, String(Math.round(bitsPerSecond)));
}
