/**
 * What follows from the state of a stream and takes time, in R2 and D1: closing a segment that was left open, telling the
 * list, ending the timeline. Whatever fails is left to the alarm.
 */
import { extend } from "../media/timeline.ts";
import { isAbandoned, nextCheckAt, stateOf } from "./core/live.ts";
import { within } from "./deadline.ts";
import { type LiveState, RETRY_MS } from "./live-state.ts";
import { assembleSegment } from "./sealing.ts";

/** An ended broadcast is shown as ended after this long even if its last segment could not be put together. */
const GIVE_UP_SEALING_MS = 120_000;
/** What has failed for so long is tried more seldom: a stream that is not in D1 any more can never be told. */
const PATIENCE_MS = 600_000;
const SLOW_RETRY_MS = 300_000;
/** An encoder that knocks waits for this: what takes longer is done later. */
const R2_TIMEOUT_MS = 2_000;
const D1_TIMEOUT_MS = 3_000;

export class Settling {
  readonly #state: LiveState;
  readonly #storage: DurableObjectStorage;
  readonly #bucket: () => R2Bucket;
  #running: Promise<void> = Promise.resolve();
  /** One that has not begun yet: it serves all who ask until then. */
  #next: Promise<void> | undefined;
  /** Since when something has failed, milliseconds since 1970; `undefined`: nothing did the last time. */
  #failingSince: number | undefined;

  constructor(state: LiveState, storage: DurableObjectStorage, bucket: () => R2Bucket) {
    this.#state = state;
    this.#storage = storage;
    this.#bucket = bucket;
  }

  /** The list in D1 does not know yet what viewers are told. */
  isBehind(now: number): boolean {
    const { live, index } = this.#state;
    return live !== undefined && index.isBehind(live, stateOf(live, now));
  }

  /**
   * Settle everything that can be, one at a time. While a store hangs, every append asks for it: they share the next one, or
   * an encoder that comes back would wait behind them all.
   */
  settle(): Promise<void> {
    if (this.#next) return this.#next;
    const settled = this.#running.then(() => {
      this.#next = undefined;
      return this.#once();
    });
    this.#next = settled;
    // Who waits for this one hears of its failure; the next one is not to fail with it.
    this.#running = settled.catch(() => {});
    return settled;
  }

  /** Set the alarm for whatever is due next. */
  watch(): void {
    const at = this.#due(Date.now());
    if (at !== undefined) void this.#storage.setAlarm(at);
  }

  /** Something may be due sooner now; an alarm that comes before it has its own reason, and stays. */
  async watchSooner(): Promise<void> {
    const at = this.#due(Date.now());
    const set = await this.#storage.getAlarm();
    if (at !== undefined && (set === null || at < set)) await this.#storage.setAlarm(at);
  }

  #due(now: number): number | undefined {
    const { live, archive, webhooks } = this.#state;
    if (!live) return undefined;
    const dues = [nextCheckAt(live, now), archive.nextCheckAt(), webhooks.dueAt(), this.#retryAt(now)];
    const at = Math.min(...dues.filter((due) => due !== undefined));
    return Number.isFinite(at) ? Math.max(at, now) : undefined;
  }

  #retryAt(now: number): number | undefined {
    if (this.#failingSince === undefined) return undefined;
    return now + (now < this.#failingSince + PATIENCE_MS ? RETRY_MS : SLOW_RETRY_MS);
  }

  async #once(): Promise<void> {
    this.#tellWebhooks();
    const isSealed = await this.#sealAbandoned();
    const isSettled = (await this.#tellIndex()) && isSealed;
    this.#failingSince = isSettled ? undefined : (this.#failingSince ?? Date.now());
    const { live, timeline } = this.#state;
    if (live && timeline && !timeline.ended) {
      // The next broadcast may have begun, and never describe its tracks, while this one could not be ended.
      const overAt = timeline.broadcast === live.broadcast ? live.endedAt : live.startedAt;
      const givesUp = overAt !== undefined && Date.now() > overAt + GIVE_UP_SEALING_MS;
      if (givesUp || (overAt !== undefined && !timeline.open)) this.#state.endTimeline(timeline);
    }
    this.watch();
  }

  /** Tell webhooks in the background: receivers may be slow, and nothing here waits for them. */
  #tellWebhooks(): void {
    const { live, webhooks } = this.#state;
    const now = Date.now();
    // Silence is told by the clock alone.
    if (live) webhooks.note(live, now);
    if ((webhooks.dueAt() ?? Number.POSITIVE_INFINITY) > now) return;
    webhooks
      .deliver()
      .then(() => this.watch())
      .catch((error) => console.error("webhooks could not be seen to", live?.broadcast, error));
  }

  /** Close a segment whose session is gone with the parts it has. False: R2 failed. */
  async #sealAbandoned(): Promise<boolean> {
    const { live, timeline } = this.#state;
    if (!live || !timeline?.open || !isAbandoned(live, timeline)) return true;
    const { broadcast, open } = timeline;
    try {
      const assembled = assembleSegment(this.#bucket(), broadcast, open);
      const entry = await within(R2_TIMEOUT_MS, "sealing", assembled);
      if (entry && this.#state.timeline === timeline) {
        const sealed = extend(timeline, timeline.session, [entry]);
        if (sealed.ok) this.#state.saveTimeline(sealed.value.timeline, sealed.value.added);
      }
      return true;
    } catch (error) {
      console.error("a segment could not be sealed yet", broadcast, open.msn, error);
      return false;
    }
  }

  /** Copy the state to D1, where lists are made. False: D1 failed. */
  async #tellIndex(): Promise<boolean> {
    const { live, index } = this.#state;
    try {
      if (live) await within(D1_TIMEOUT_MS, "the list", index.tell(live, stateOf(live, Date.now())));
      return true;
    } catch (error) {
      console.error("the list of broadcasts could not be told yet", live?.broadcast, error);
      return false;
    }
  }
}
