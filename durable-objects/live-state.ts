/**
 * What a LiveStream knows of its stream: the newest broadcast and its timeline. Whatever changes is stored first, then in
 * memory, then told to those who wait. Decides nothing.
 */
import { secretLetters } from "../media/address.ts";
import { type Entry, emptyTimeline, end, type Timeline } from "../media/timeline.ts";
import { withoutParts } from "../media/trim.ts";
import type { StreamState } from "../wire/public.ts";
import { Archive } from "./archive.ts";
import { BroadcastIndex } from "./broadcast-index.ts";
import { afterAbsence, type Live, stateOf } from "./core/live.ts";
import { eventsOf } from "./core/viewers/publishing.ts";
import { Drawings } from "./drawings.ts";
import { LiveStorage } from "./live-storage.ts";
import { LiveLog } from "./viewers/live-log.ts";
import { Waiters } from "./waiters.ts";
import { WebhookOutbox } from "./webhooks/webhook-outbox.ts";

/** What was decided is seen through this soon if the object goes away, and what failed is tried again. */
export const RETRY_MS = 5_000;

/** How a stream is, for everyone who may watch it. */
export interface PublicStatus {
  readonly state: StreamState;
  /** Milliseconds since 1970. */
  readonly startedAt?: number;
}

const wordsOf = ({ state, startedAt }: PublicStatus): string => `${state} ${startedAt ?? ""}`;
/** 80 bits. */
const EPOCH_LETTERS = 16;

export class LiveState {
  readonly stored: LiveStorage;
  readonly archive: Archive;
  readonly index: BroadcastIndex;
  readonly webhooks: WebhookOutbox;
  /** What those who follow the stream are told of its changes. */
  readonly log: LiveLog;
  readonly waiters = new Waiters();
  readonly drawings = new Drawings();
  readonly #storage: DurableObjectStorage;
  #live: Live | undefined;
  #timeline: Timeline | undefined;
  /** What the archive has of the present session. */
  #recorded: string | undefined;
  /** What viewers were told of the stream last. */
  #told: string;

  constructor(storage: DurableObjectStorage, db: D1Database, now: number) {
    this.#storage = storage;
    this.stored = new LiveStorage(storage);
    this.archive = new Archive(storage);
    this.index = new BroadcastIndex(storage, db);
    this.webhooks = new WebhookOutbox(storage, db);
    this.log = new LiveLog(storage, () =>
      secretLetters(crypto.getRandomValues(new Uint8Array(EPOCH_LETTERS))),
    );
    const { live, timeline } = this.stored.load();
    this.#live = live;
    this.#timeline = timeline;
    this.#told = this.stored.toldStatus ?? wordsOf(this.status(now));
    if (live) this.#comeBack(live, now);
  }

  get live(): Live | undefined {
    return this.#live;
  }

  get timeline(): Timeline | undefined {
    return this.#timeline;
  }

  /** What viewers are told of the stream. */
  status(now: number): PublicStatus {
    const live = this.#live;
    const state = this.stored.disabled ? "offline" : stateOf(live, now);
    return live && state !== "offline" ? { state, startedAt: live.startedAt } : { state };
  }

  /** Tell those who follow the stream how it is, if that is another way now. */
  tellStatus(now: number): void {
    const { state, startedAt } = this.status(now);
    const words = wordsOf({ state, ...(startedAt !== undefined && { startedAt }) });
    if (words === this.#told) return;
    this.stored.toldStatus = words;
    this.#told = words;
    const began = startedAt === undefined ? {} : { startedAt: new Date(startedAt).toISOString() };
    this.log.add({ type: "status", state, ...began });
  }

  /** A sign of life, which is stored with the next thing that is. */
  hear(live: Live): void {
    this.#live = live;
  }

  /** Store a decision, and in the same breath the alarm that sees it through. */
  saveLive(live: Live, now: number): void {
    const before = this.#live;
    const isDecision = live.endedAt !== before?.endedAt || live.session.lease !== before?.session.lease;
    this.stored.prepare();
    // The list may not know yet how the broadcast before this one ended.
    if (before && before.broadcast !== live.broadcast) this.index.note(before, stateOf(before, now));
    this.stored.saveLive(live);
    this.#record(live);
    const isNews = this.webhooks.note(live, now);
    if (isDecision || isNews) void this.#storage.setAlarm(now + RETRY_MS);
    this.#live = live;
    this.tellStatus(now);
  }

  /** Store what was added to a timeline, or another timeline. */
  saveTimeline(timeline: Timeline, added: readonly Entry[]): void {
    const before = this.#timeline;
    if (before && before.broadcast !== timeline.broadcast) this.archive.keepHead(before);
    this.stored.saveTimeline(timeline, added);
    if (timeline.ended) this.archive.keepHead(timeline);
    for (const entry of added) {
      if (entry.type !== "init") continue;
      const names = entry.renditions.map(({ name }) => name);
      this.archive.recordRenditions(timeline.broadcast, timeline.session, names);
    }
    this.#change(timeline, added);
  }

  /** Nothing follows in this timeline. */
  endTimeline(timeline: Timeline): void {
    this.saveTimeline(end(timeline), []);
  }

  /** Name no part of a broadcast any more: its parts go. */
  forgetParts(broadcast: string): void {
    const timeline = this.#timeline;
    const hasParts = timeline?.segments.some(({ parts }) => parts.length > 0);
    if (timeline?.broadcast === broadcast && hasParts) this.#change(withoutParts(timeline), []);
  }

  /**
   * Broadcasts that must not lose anything: the one that is not over, and those that began after a moment (milliseconds
   * since 1970). `of`: ask for one only.
   */
  spared(of: string | undefined, after: number): readonly string[] {
    const live = this.#live;
    if (!live) return [];
    const isSpared = ({ id, startedAt }: { id: string; startedAt: number }) =>
      startedAt > after || (id === live.broadcast && live.endedAt === undefined);
    return this.archive
      .began()
      .filter((row) => (of === undefined || row.id === of) && isSpared(row))
      .map(({ id }) => id);
  }

  /** Forget a broadcast that is over as if it had never been; but numbers go on from it (docs/decisions/009). */
  forget(broadcast: string): void {
    this.archive.remove(broadcast);
    this.index.forget(broadcast);
    const { live, timeline } = this;
    if (live?.broadcast === broadcast || live?.before?.broadcast === broadcast) {
      const { before: _before, ...rest } = live;
      this.#live = { ...rest, visible: live.visible && live.broadcast !== broadcast };
      // Not `saveLive`, which would record it again.
      this.stored.saveLive(this.#live);
      this.tellStatus(Date.now());
    }
    if (timeline?.broadcast !== broadcast || (timeline.ended && timeline.segments.length === 0)) return;
    const empty = end(emptyTimeline(broadcast, timeline.stream, timeline.timing, timeline));
    this.stored.saveTimeline(empty, []);
    this.#change(empty, []);
  }

  #change(timeline: Timeline, added: readonly Entry[]): void {
    const before = this.#timeline;
    this.#timeline = timeline;
    this.drawings.forget();
    this.waiters.wake();
    for (const event of eventsOf(before, timeline, added)) this.log.add(event);
  }

  #comeBack(live: Live, now: number): void {
    this.stored.prepare();
    const back = afterAbsence(live, now);
    if (back === live) return;
    this.saveLive(back, now);
    // Not when it ends: checks and webhooks came due during the absence, too.
    void this.#storage.setAlarm(now + RETRY_MS);
  }

  /** The archive hears of what it keeps, not of every sign of life. */
  #record(live: Live): void {
    const { ordinal, closedAt } = live.session;
    const facts = [live.broadcast, ordinal, closedAt, live.visible, live.endedAt].join(" ");
    if (facts === this.#recorded) return;
    this.archive.record(live);
    this.#recorded = facts;
  }
}
