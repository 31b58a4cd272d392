/**
 * Notifies a user's devices: `note` in the transaction that takes a delivery, `deliver` after it and by the alarm until the push
 * services have taken it or it is no news any more. At least once; of each room only the newest.
 */
import type { Notification } from "../../../wire/inbox.ts";
import { payloadOf, retryAt, verdictOf } from "../../core/inbox/notifying.ts";
import { isPushEndpoint } from "../../core/inbox/push-endpoint.ts";
import { SILENT_MS } from "../../core/viewers/shards.ts";
import type { Fetch } from "../../webhooks/webhook-post.ts";
import { postNotification, type Vapid } from "./push-post.ts";
import type { PushRows, Waiting } from "./push-rows.ts";

/** What the outbox asks, and what a test may replace. */
export interface OutboxPorts {
  readonly vapid: () => Vapid | undefined;
  /** Origins that may be reached although they are no public ones. */
  readonly origins: () => readonly string[];
  /** Whether a device listens, and shows what comes by itself; `undefined`: it is not known yet. */
  readonly isHeard: (now: number) => boolean | undefined;
  readonly fetch?: Fetch;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
  readonly timeoutMs?: number;
}

/** No new attempt begins after this long in one run. */
const MAX_RUN_MS = 30_000;
/** Longer than a run takes, its last attempts included. */
const GUARD_MS = 60_000;
/** Devices that are posted to side by side; an object has six connections. */
const MAX_PARALLEL = 4;
/** So often a push service may refuse what is sent to a device, one after the other. */
const MAX_FAILURES = 5;
/** Whether somebody listens is known by then, for shards say it again and again. */
const DOUBT_MS = 2 * SILENT_MS;

export class PushOutbox {
  readonly #rows: PushRows;
  readonly #ports: OutboxPorts;
  readonly #now: () => number;
  #running: Promise<void> | undefined;

  constructor(rows: PushRows, ports: OutboxPorts) {
    this.#rows = rows;
    this.#ports = ports;
    this.#now = ports.now ?? (() => Date.now());
  }

  /** Have all devices notified; `isDirect`: somebody wrote to this user alone. */
  note(notification: Notification, isDirect: boolean, now: number): void {
    const { room, id } = notification;
    const urgency = isDirect ? "high" : "normal";
    this.#rows.add({ room, id, payload: payloadOf(notification), urgency }, now);
  }

  /** When `deliver` has something to do, for the alarm. */
  dueAt(): number | undefined {
    const due = this.#rows.dueAt();
    if (due === undefined) return undefined;
    // What runs sees to everything itself. The alarm is for the case that the object goes away meanwhile.
    return this.#running ? Math.max(due, this.#now() + GUARD_MS) : due;
  }

  /** Send what is due. Never throws, and runs once at a time however often it is called. */
  deliver(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const stopAt = this.#now() + MAX_RUN_MS;
    for (let due = this.#due(); due.length > 0 && this.#now() < stopAt; due = this.#due()) {
      const vapid = this.#ports.vapid();
      // The keys were taken away: nothing can be sent any more.
      if (vapid === undefined) return this.#rows.dropAll();
      const left = [...due];
      const worker = async (): Promise<void> => {
        for (let endpoint = left.shift(); endpoint !== undefined; endpoint = left.shift()) {
          await this.#drain(endpoint, vapid, stopAt);
        }
      };
      await Promise.all(Array.from({ length: Math.min(MAX_PARALLEL, left.length) }, worker));
    }
  }

  /** Devices that something is due for, unless one of them listens by now: then that shows it. */
  #due(): readonly string[] {
    const now = this.#now();
    const due = this.#rows.due(now);
    if (due.length === 0) return [];
    const isHeard = this.#ports.isHeard(now);
    if (isHeard) this.#rows.dropAll();
    return isHeard ? [] : due;
  }

  /** Send to one device until one attempt fails or nothing is left. */
  async #drain(endpoint: string, vapid: Vapid, stopAt: number): Promise<void> {
    for (;;) {
      const now = this.#now();
      const head = now < stopAt ? this.#rows.head(endpoint, now) : undefined;
      if (head === undefined) return;
      if (this.#ports.isHeard(now) === undefined && now - head.since < DOUBT_MS) {
        return this.#rows.wait(now + SILENT_MS);
      }
      if (!(await this.#send(head, vapid))) return;
    }
  }

  /** True: another one may follow. */
  async #send(head: Waiting, vapid: Vapid): Promise<boolean> {
    const { endpoint } = head.subscription;
    const { fetch, timeoutMs, origins, random = Math.random } = this.#ports;
    const isAllowed = isPushEndpoint(endpoint, origins());
    const attempt = isAllowed ? await postNotification(head, vapid, fetch, timeoutMs) : undefined;
    const verdict = attempt === undefined ? "gone" : verdictOf(attempt);
    if (attempt === undefined || verdict === "gone") {
      this.#rows.unsubscribe(endpoint);
      return false;
    }
    if (verdict === "delivered") {
      this.#rows.remove(head);
      if (head.failures > 0) this.#rows.setFailures(head, 0);
      return true;
    }
    console.warn("a notification was not taken", { host: new URL(endpoint).host, ...attempt });
    if (verdict === "refused") return this.#refused(head);
    const now = this.#now();
    const next = retryAt({ attempts: head.attempts + 1, at: head.at }, attempt, now, random());
    if (next === undefined) this.#rows.remove(head);
    else this.#rows.postpone(head, next);
    return next === undefined;
  }

  /** It would be refused again. */
  #refused(head: Waiting): boolean {
    const failures = head.failures + 1;
    this.#rows.remove(head);
    if (failures < MAX_FAILURES) this.#rows.setFailures(head, failures);
    else this.#rows.unsubscribe(head.subscription.endpoint);
    return failures < MAX_FAILURES;
  }
}
