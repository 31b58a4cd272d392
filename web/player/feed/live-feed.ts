/**
 * The page's socket: connects, asks for the timeline, follows `live:<stream>` from there, and says that somebody plays and how
 * it goes. What an event means is decided in `follow.ts`; when the thread is lost, playlists go over HTTP until it is found.
 */
import type { Centrifuge, Subscription } from "centrifuge";
import { fail } from "../../../media/result.ts";
import type { Timeline } from "../../../media/timeline.ts";
import { type LiveEvent, LiveGreetingSchema, liveChannel } from "../../../wire/live-events.ts";
import { parse } from "../../../wire/parse.ts";
import type { Qoe } from "../../../wire/player-report.ts";
import { type Place, socketUrl } from "../place.ts";
import { askTimeline } from "./ask-timeline.ts";
import { type Following, follow, rejoinDelayMs } from "./follow.ts";

/** What the feed tells. */
export interface FeedListener {
  /** The timeline as it is now; `undefined` when playlists have to be asked for. */
  timeline(timeline: Timeline | undefined): void;
  event(event: LiveEvent): void;
  /** Whether events come, also of a stream that has nothing to play; `missed`: some may not have come. */
  followed(isFollowed: boolean, missed: boolean): void;
  /** Whether there is a timeline to ask for. */
  isPlayable(): boolean;
  /** The page's socket, before it connects: there is one a page, and others may have use for it. */
  socket?(client: Centrifuge): void;
}

/** Publications after which the server hears how far this page got. No timer: those of a hidden tab run once a minute. */
const PROGRESS_EVERY = 48;
/** A server that sends a page away for good is asked again, now and then. */
const SENT_AWAY_MS = 60_000;
/** Followed for this long, the next loss is a new story. */
const SETTLED_MS = 30_000;
const SAY_AGAIN_MS = 5_000;

export class LiveFeed {
  readonly #place: Place;
  readonly #listener: FeedListener;
  readonly #progressEvery: number;
  #client: Centrifuge | undefined;
  #subscription: Subscription | undefined;
  #following: Following | undefined;
  #isFollowed = false;
  #followedAtMs = 0;
  #losses = 0;
  #hasMissed = false;
  #isPlaying = false;
  #toldOffset = 0;
  #rejoin: ReturnType<typeof setTimeout> | undefined;
  #isStarted = false;
  #isConnected = false;

  constructor(place: Place, listener: FeedListener, progressEvery = PROGRESS_EVERY) {
    this.#place = place;
    this.#listener = listener;
    this.#progressEvery = progressEvery;
  }

  /** Place in the channel, for diagnostics. */
  get offset(): number | undefined {
    return this.#following?.offset;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Connect, and stay connected. Once. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#connect();
  }

  /** Close the socket, or open it again: for diagnostics and tests. */
  setConnected(isWanted: boolean): void {
    if (isWanted) this.#client?.connect();
    else this.#client?.disconnect();
  }

  /** Whether somebody plays. */
  setPlaying(isPlaying: boolean): void {
    if (isPlaying === this.#isPlaying) return;
    this.#isPlaying = isPlaying;
    this.#sayPlaying();
  }

  /** How playback went; lost when there is no socket. */
  report(qoe: Qoe): void {
    this.#client?.rpc("qoe", qoe).catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const module = await import("centrifuge").catch(() => undefined);
    if (!module) {
      setTimeout(() => void this.#connect(), SENT_AWAY_MS);
      return;
    }
    const client = new module.Centrifuge(socketUrl(this.#place, location), { name: "millrace page" });
    this.#client = client;
    this.#listener.socket?.(client);
    client.on("connecting", () => {
      this.#isConnected = false;
    });
    client.on("connected", () => {
      this.#isConnected = true;
      this.#sayPlaying();
      if (!this.#subscription && this.#rejoin === undefined) void this.#join();
    });
    client.on("disconnected", ({ code }) => {
      this.#isConnected = false;
      // 0 is `setConnected(false)`.
      if (code !== 0) setTimeout(() => client.connect(), SENT_AWAY_MS * (1 + Math.random()));
    });
    client.connect();
  }

  /** Ask where the stream is, and follow it from there. */
  async #join(): Promise<void> {
    // An event of media says so earlier than any answer about the stream.
    const isThere = this.#losses > 0 || this.#listener.isPlayable();
    const found = isThere ? await askTimeline(this.#place) : fail("missing" as const);
    const client = this.#client;
    if (this.#subscription || !client) return;
    if (!found.ok && found.error === "unanswered") {
      this.#lose();
      return;
    }
    // Nothing to play yet is no trouble that waiting ever longer would help.
    if (!found.ok) this.#losses = Math.min(this.#losses, 1);
    this.#following = found.ok ? found.value : undefined;
    this.#toldOffset = found.ok ? found.value.offset : 0;
    let isSubscribed = false;
    const subscription = client.newSubscription(
      liveChannel(this.#place.stream),
      found.ok ? { since: { epoch: found.value.epoch, offset: found.value.offset } } : {},
    );
    this.#subscription = subscription;
    subscription.on("subscribed", ({ wasRecovering, recovered, streamPosition, data }) => {
      if (wasRecovering && !recovered) {
        this.#lose();
        return;
      }
      if (!this.#following && streamPosition)
        this.#following = { ...streamPosition, withoutMedia: !found.ok && found.error === "closed" };
      const greeting = parse(LiveGreetingSchema, data);
      if (greeting.ok) this.#listener.event({ type: "viewers", viewers: greeting.value.viewers });
      isSubscribed = true;
      // What was missed is delivered when this handler is done.
      queueMicrotask(() => {
        if (this.#subscription === subscription && isSubscribed) this.#found();
      });
    });
    subscription.on("subscribing", () => {
      isSubscribed = false;
      this.#stop();
    });
    subscription.on("unsubscribed", () => {
      if (this.#subscription === subscription) this.#lose(SENT_AWAY_MS);
    });
    subscription.on("publication", ({ data, offset }) => {
      if (this.#subscription === subscription) this.#take({ data, ...(offset !== undefined && { offset }) });
    });
    subscription.subscribe();
  }

  #take(publication: Parameters<typeof follow>[1]): void {
    if (!this.#following) return;
    const before = this.#following.timeline;
    const step = follow(this.#following, publication);
    if (step.type === "lost") {
      this.#lose();
      return;
    }
    this.#following = step.following;
    this.#tellProgress(step.following.offset);
    if (this.#isFollowed && step.following.timeline !== before)
      this.#listener.timeline(step.following.timeline);
    if (step.event) this.#listener.event(step.event);
  }

  #found(): void {
    this.#isFollowed = true;
    this.#followedAtMs = performance.now();
    this.#listener.timeline(this.#following?.timeline);
    this.#listener.followed(true, this.#hasMissed);
    this.#hasMissed = false;
  }

  #stop(): void {
    if (!this.#isFollowed) return;
    this.#isFollowed = false;
    if (performance.now() - this.#followedAtMs > SETTLED_MS) this.#losses = 0;
    this.#listener.timeline(undefined);
    this.#listener.followed(false, false);
  }

  /** The thread is lost: begin anew, a while later. */
  #lose(leastMs = 0): void {
    this.#stop();
    const subscription = this.#subscription;
    this.#subscription = undefined;
    this.#following = undefined;
    if (subscription) {
      subscription.unsubscribe();
      this.#client?.removeSubscription(subscription);
    }
    this.#losses += 1;
    this.#hasMissed = true;
    clearTimeout(this.#rejoin);
    this.#rejoin = setTimeout(() => {
      this.#rejoin = undefined;
      // Without a socket, `connected` will do it.
      if (this.isConnected) void this.#join();
    }, leastMs + rejoinDelayMs(this.#losses, Math.random()));
  }

  #sayPlaying(): void {
    if (!this.isConnected) return;
    const playing = this.#isPlaying;
    this.#client?.rpc("playing", { playing }).catch(() => {
      setTimeout(() => {
        if (playing === this.#isPlaying) this.#sayPlaying();
      }, SAY_AGAIN_MS);
    });
  }

  #tellProgress(offset: number): void {
    if (!this.#isFollowed || !this.isConnected || offset - this.#toldOffset < this.#progressEvery) return;
    this.#toldOffset = offset;
    this.#client?.send({ progress: offset }).catch(() => undefined);
  }
}
