/**
 * The watch page's shell around `decide`: runs effects on the engine and the video element, turns what they say into
 * events, and keeps a viewer who wants the live edge at it. It draws nothing.
 */
import type { StreamStatus } from "../../wire/public.ts";
import { askStatus } from "./api.ts";
import { type ClockOffset, latencyOf, learnClock } from "./clock.ts";
import { EarlyFetch } from "./early-fetch.ts";
import type { Engine, EngineEvent, QualityChoice, Reading } from "./engine.ts";
import { nextRange, startPlayback } from "./media.ts";
import {
  addStall,
  escapeOf,
  forgive,
  jumpDistance,
  NO_STALLS,
  paceOf,
  STALL_MARGIN_SECONDS,
} from "./pace.ts";
import type { Place } from "./place.ts";
import type { Snapshot } from "./snapshot.ts";
import { type Hunger, hungerAfter, isStarved } from "./starvation.ts";
import { decide, type Effect, INITIAL, isReplay, type PlayerEvent, phaseOf } from "./state.ts";

export type MakeEngine = (
  report: (event: EngineEvent) => void,
  early: (url: string) => Promise<string> | undefined,
) => Promise<Engine>;

const TICK_MS = 250;
/** Seeking makes a player wait for an instant; nobody needs to be told. */
const STALL_NOTICE_MS = 350;
/** This far from the target still counts as live. */
const EDGE_SLACK_SECONDS = 2.5;

export class Player {
  readonly video: HTMLVideoElement;
  readonly #place: Place;
  readonly #changed: (snapshot: Snapshot) => void;
  readonly #engine: Promise<Engine>;
  readonly #early = new EarlyFetch();
  #loaded: Engine | undefined;
  #state = INITIAL;
  #clock: ClockOffset | undefined;
  #following = true;
  #wanted = true;
  #silenced = false;
  #stallMemory = NO_STALLS;
  #stalls = 0;
  #viewers: number | undefined;
  #firstFrameMs: number | undefined;
  #answers = 0;
  #beganAtMs = 0;
  #askTimer = 0;
  #retryTimer = 0;
  #stallTimer = 0;
  #stalledAtMs: number | undefined;
  #hunger: Hunger | undefined;
  #asking = false;

  constructor(
    video: HTMLVideoElement,
    place: Place,
    makeEngine: MakeEngine,
    changed: (snapshot: Snapshot) => void,
  ) {
    this.video = video;
    this.#place = place;
    this.#changed = changed;
    this.#engine = makeEngine(
      (event) => this.#onEngine(event),
      (url) => this.#early.take(url),
    ).then((engine) => {
      this.#loaded = engine;
      return engine;
    });
    this.#listen();
    setInterval(() => this.#tick(), TICK_MS);
    void this.#ask();
  }

  /** What is known now. */
  get snapshot(): Snapshot {
    const { stream } = this.#state;
    const reading = this.#state.playback === "none" ? undefined : this.#loaded?.read();
    const qualities = this.#loaded?.qualities();
    const viewers = this.#viewers ?? (typeof stream === "object" ? stream.viewers : undefined);
    return {
      phase: phaseOf(this.#state),
      replay: isReplay(this.#state),
      target: reading ? this.#target(reading) : 0,
      atEdge: reading !== undefined && this.#isAtEdge(reading),
      engine: this.#loaded?.name ?? "",
      silenced: this.#silenced && this.video.muted,
      stalls: this.#stalls,
      ...(viewers !== undefined && { viewers }),
      ...(typeof stream === "object" && { status: stream }),
      ...(reading && { reading, latency: this.#latency(reading) }),
      ...(qualities && { qualities }),
      ...(this.#firstFrameMs !== undefined && { firstFrameMs: this.#firstFrameMs }),
    };
  }

  get engine(): Engine | undefined {
    return this.#loaded;
  }

  /** Something happened: decide, then do. */
  dispatch(event: PlayerEvent): void {
    const { state, effects } = decide(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#run(effect);
    this.#changed(this.snapshot);
  }

  /** So many people watch. */
  setViewers(viewers: number): void {
    this.#viewers = viewers;
    this.#changed(this.snapshot);
  }

  /** Go to a place in the window; to its end means live. */
  seek(seconds: number): void {
    const reading = this.#loaded?.read();
    if (!reading || !this.#loaded) return;
    if (reading.live && seconds >= reading.edge - 0.5) {
      this.dispatch({ type: "go-live" });
      return;
    }
    this.#following = false;
    this.#loaded.seek(Math.min(reading.edge, Math.max(reading.start + 0.5, seconds)));
    this.#changed(this.snapshot);
  }

  choose(quality: QualityChoice): void {
    this.#loaded?.choose(quality);
    // A change to or from sound alone is a new source.
    if (this.#wanted) void this.#play();
  }

  setMuted(muted: boolean): void {
    this.video.muted = muted;
    this.#silenced = false;
  }

  #run(effect: Effect): void {
    switch (effect.type) {
      case "ask":
        void this.#ask();
        return;
      case "ask-later":
        clearTimeout(this.#askTimer);
        this.#askTimer = setTimeout(() => void this.#ask(), effect.afterMs);
        return;
      case "open":
        this.#open(effect.status, effect.from);
        return;
      case "close":
        clearTimeout(this.#retryTimer);
        void this.#engine.then((engine) => engine.close());
        return;
      case "play":
        this.#wanted = true;
        this.#resumeFollowing();
        void this.#play();
        return;
      case "pause":
        this.#wanted = false;
        this.video.pause();
        // A video that never played has no pause to report.
        if (this.#state.playback !== "playing") queueMicrotask(() => this.dispatch({ type: "paused" }));
        return;
      case "go-live":
        this.#following = true;
        this.#jump();
        return;
      case "resume":
        clearTimeout(this.#retryTimer);
        this.#loaded?.resume();
        return;
      case "recover":
        this.#loaded?.recover();
        if (this.#wanted) void this.#play();
        return;
      case "retry":
        clearTimeout(this.#retryTimer);
        this.#retryTimer = setTimeout(() => this.dispatch({ type: "retry-due" }), effect.afterMs);
        return;
    }
  }

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#askTimer);
    const { status, clock } = await askStatus(this.#place);
    this.#asking = false;
    this.#answers += 1;
    if (clock) this.#clock = learnClock(this.#clock, clock);
    // Without the socket, what it said last grows old.
    if (status.ok && !this.#state.fed) this.#viewers = undefined;
    const random = Math.random();
    if (!status.ok) this.dispatch({ type: status.error, random });
    else this.dispatch({ type: "status", status: status.value, random });
  }

  #open(status: StreamStatus, from: "live" | "start"): void {
    const { playlist, profile } = status;
    if (playlist === undefined) return;
    clearTimeout(this.#retryTimer);
    if (!this.#loaded) this.#early.fetch(playlist);
    this.#following = from === "live";
    this.#wanted = true;
    this.#stallMemory = NO_STALLS;
    if (this.#answers > 1 && this.#beganAtMs === 0) this.#beganAtMs = performance.now();
    void this.#engine.then((engine) => {
      engine.open({ playlist, profile, from });
      void this.#play();
    });
  }

  async #play(): Promise<void> {
    const result = await startPlayback(this.video);
    if (result === "muted") this.#silenced = true;
    if (result === "refused") this.dispatch({ type: "refused" });
  }

  /** After a short pause the viewer is still live; after a long one they are where they stopped, if that still exists. */
  #resumeFollowing(): void {
    const reading = this.#loaded?.read();
    if (!reading?.live) return;
    if (reading.latency - this.#target(reading) > jumpDistance(reading.targetDuration))
      this.#following = false;
    if (reading.position < reading.start) {
      this.#following = true;
      this.#jump();
    }
  }

  #jump(): void {
    const reading = this.#loaded?.read();
    if (reading?.live) this.#loaded?.seek(reading.edge - (this.#target(reading) - reading.target));
  }

  #tick(): void {
    this.#stallMemory = forgive(this.#stallMemory, performance.now());
    const reading = this.#loaded?.read();
    if (reading && this.#state.playback === "playing") this.#keepPace(reading);
    if (reading && this.#state.playback === "stalled") this.#escape(reading);
    else this.#stalledAtMs = undefined;
    if (reading?.mediaAtMs !== undefined) this.#watchFeed(reading, reading.mediaAtMs);
    if (
      reading &&
      !reading.live &&
      this.#state.playback === "stalled" &&
      reading.edge - reading.position < 0.5
    )
      this.dispatch({ type: "finished" });
    this.#changed(this.snapshot);
  }

  /** Leave a place where nothing will come any more. */
  #escape(reading: Reading): void {
    const now = performance.now();
    this.#stalledAtMs ??= now;
    const next = nextRange(this.video);
    const way = escapeOf({
      ...reading,
      stalledSeconds: (now - this.#stalledAtMs) / 1000,
      following: reading.live && this.#following,
      target: this.#target(reading),
      ...(next !== undefined && { nextRange: next }),
    });
    if (way.type === "wait") return;
    this.#stalledAtMs = now;
    if (way.type === "jump") this.#jump();
    else this.#loaded?.seek(way.seconds);
  }

  /** Open anew what gives nothing any more. */
  #watchFeed(reading: Reading, mediaAtMs: number): void {
    const { playback } = this.#state;
    const waiting = reading.live && (playback === "opening" || playback === "stalled");
    const sample = { atMs: performance.now(), waiting, mediaAtMs, edge: reading.edge };
    this.#hunger = hungerAfter(this.#hunger, sample);
    if (!isStarved(this.#hunger, sample)) return;
    this.#hunger = undefined;
    this.dispatch({ type: "starved" });
  }

  #keepPace(reading: Reading): void {
    if (this.#loaded?.name === "native HLS") return;
    if (!reading.live || !this.#following) {
      if (this.video.playbackRate !== 1) this.video.playbackRate = 1;
      return;
    }
    const pace = paceOf({ ...reading, target: this.#target(reading), rate: this.video.playbackRate });
    if (pace.type === "jump") this.#jump();
    else if (this.video.playbackRate !== pace.rate) this.video.playbackRate = pace.rate;
  }

  #target(reading: Reading): number {
    return reading.target + this.#stallMemory.stalls * STALL_MARGIN_SECONDS;
  }

  #isAtEdge(reading: Reading): boolean {
    return reading.live && reading.latency - this.#target(reading) < EDGE_SLACK_SECONDS;
  }

  #latency(reading: Reading) {
    return latencyOf({
      nowMs: Date.now(),
      edgeLatency: reading.latency,
      ...(this.#clock && { clock: this.#clock }),
      ...(reading.playingMs !== undefined && { playingMs: reading.playingMs }),
    });
  }

  #onEngine(event: EngineEvent): void {
    switch (event.type) {
      case "network-error":
        this.dispatch({ type: "network-error", random: Math.random() });
        return;
      case "media-error":
        this.dispatch({ type: "media-error", atMs: performance.now() });
        return;
      case "source-changed":
        this.dispatch({ type: "source-changed" });
        return;
      case "stall":
        this.#stalls += 1;
        // An encoder that went away says nothing about the viewer's line.
        if (this.snapshot.status?.state === "interrupted") return;
        this.#stallMemory = addStall(this.#stallMemory, performance.now());
        return;
      case "qualities":
        this.#changed(this.snapshot);
        return;
      case "clock":
        this.#clock = learnClock(this.#clock, event.sample);
        return;
    }
  }

  #listen(): void {
    const { video } = this;
    const stalled = () => {
      clearTimeout(this.#stallTimer);
      this.#stallTimer = setTimeout(() => this.dispatch({ type: "stalled" }), STALL_NOTICE_MS);
    };
    const moving = () => {
      clearTimeout(this.#stallTimer);
      if (!video.paused && this.#state.playback !== "playing") this.dispatch({ type: "playing" });
    };
    video.addEventListener("waiting", stalled);
    video.addEventListener("playing", moving);
    video.addEventListener("timeupdate", () => {
      if (video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) moving();
    });
    video.addEventListener("loadeddata", () => {
      this.#firstFrameMs ??= performance.now() - this.#beganAtMs;
    });
    video.addEventListener("canplay", () => {
      if (this.#wanted && video.paused && this.#state.playback !== "blocked") void this.#play();
    });
    video.addEventListener("pause", () => {
      clearTimeout(this.#stallTimer);
      // The end pauses too, and so does a new source; a media key or another tab's sound is the viewer's wish.
      if (video.ended || video.readyState === HTMLMediaElement.HAVE_NOTHING) return;
      this.#wanted = false;
      this.dispatch({ type: "paused" });
    });
    video.addEventListener("ended", () => this.dispatch({ type: "finished" }));
    document.addEventListener("visibilitychange", () =>
      this.dispatch({ type: "visibility", hidden: document.hidden }),
    );
    addEventListener("online", () => this.dispatch({ type: "connected" }));
  }
}
