/**
 * Tells webhooks what happens to a stream's broadcasts: `note` in the turn that stores the change itself, `deliver`
 * afterwards and by the alarm until everyone was told or given up. At least once, in order for each webhook.
 */
import type { Live } from "../core/live.ts";
import { isSame, news } from "../core/webhooks/webhook.ts";
import { type Attempt, attemptWords, isGivenUp, judge, retry } from "../core/webhooks/webhook-retry.ts";
import { within } from "../deadline.ts";
import { type Endpoint, listReceivers, type Outcome, recordOutcome } from "./webhook-endpoints.ts";
import { type Fetch, post } from "./webhook-post.ts";
import { UNTROUBLED, type Waiting, WebhookQueue } from "./webhook-queue.ts";

/** What a test may replace. */
export interface OutboxPorts {
  readonly fetch?: Fetch;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
  readonly timeoutMs?: number;
}

/** No new attempt begins after this long in one run: an alarm may take 15 minutes, and another comes at once. */
const MAX_RUN_MS = 30_000;
/** Longer than a run takes, its last attempts included. */
const GUARD_MS = 60_000;
/** Webhooks that are posted to side by side; an object has six connections. */
const MAX_PARALLEL = 4;
const D1_TIMEOUT_MS = 5_000;
/** After D1 failed. */
const D1_RETRY_MS = 10_000;

export class WebhookOutbox {
  readonly #queue: WebhookQueue;
  readonly #db: D1Database;
  readonly #ports: OutboxPorts;
  readonly #now: () => number;
  #running: Promise<number | undefined> | undefined;
  /** D1 failed: nobody can be told before this. */
  #notBefore = 0;

  constructor(storage: DurableObjectStorage, db: D1Database, ports: OutboxPorts = {}) {
    this.#queue = new WebhookQueue(storage);
    this.#db = db;
    this.#ports = ports;
    this.#now = ports.now ?? Date.now;
  }

  /**
   * Store the events that a state means, as far as they are new; true: there are some, and `deliver` should run.
   * Call it with every state that is stored, and from the alarm, as silence is told by the clock alone.
   * `failure` says in a word why a broadcast that is over now was given up.
   */
  note(live: Live, now: number, failure?: string): boolean {
    const before = this.#queue.announced;
    const found = news(before, live, now, failure);
    if (isSame(before, found)) return false;
    this.#queue.add(found);
    return found.events.length > 0;
  }

  /** When `deliver` has something to do, for the alarm; 0: now, `undefined`: never. */
  dueAt(): number | undefined {
    const due = this.#queue.dueAt();
    if (due === undefined) return undefined;
    // What runs sees to everything itself. The alarm is for the case that the object goes away meanwhile.
    const notBefore = this.#running ? this.#now() + GUARD_MS : this.#notBefore;
    return Math.max(due, notBefore);
  }

  /** Tell whoever is due; answers `dueAt`. Never throws, and runs once at a time however often it is called. */
  deliver(): Promise<number | undefined> {
    this.#running ??= this.#run().then(() => {
      this.#running = undefined;
      return this.dueAt();
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const stopAt = this.#now() + MAX_RUN_MS;
    try {
      while (this.#now() < stopAt && this.#isDue()) {
        const webhooks = await within(D1_TIMEOUT_MS, "the list of webhooks", listReceivers(this.#db));
        this.#queue.address(webhooks);
        const due = this.#queue.due(this.#now());
        // Those that answered last time come first: the others may take all the time there is.
        const failures = ({ id }: Endpoint) => this.#queue.state(id).failures;
        const inTurn = webhooks.filter(({ id }) => due.has(id)).sort((a, b) => failures(a) - failures(b));
        await this.#drainAll(inTurn, stopAt);
      }
    } catch (error) {
      console.error("webhooks could not be sent yet", error);
      this.#notBefore = this.#now() + D1_RETRY_MS;
    }
  }

  #isDue(): boolean {
    const due = this.#queue.dueAt();
    return due !== undefined && Math.max(due, this.#notBefore) <= this.#now();
  }

  async #drainAll(webhooks: readonly Endpoint[], stopAt: number): Promise<void> {
    const left = [...webhooks];
    const worker = async (): Promise<void> => {
      for (let webhook = left.shift(); webhook; webhook = left.shift()) await this.#drain(webhook, stopAt);
    };
    await Promise.all(Array.from({ length: MAX_PARALLEL }, worker));
  }

  /** Post to one webhook, in order, until one attempt fails or nothing is left. */
  async #drain(webhook: Endpoint, stopAt: number): Promise<void> {
    while (this.#now() < stopAt) {
      const head = this.#queue.head(webhook.id);
      if (!head) return;
      const attempt = await post(webhook, head, this.#now(), this.#ports.fetch, this.#ports.timeoutMs);
      const verdict = judge(attempt);
      const isThrough = verdict === "delivered";
      const outcome = isThrough ? this.#delivered(webhook, head) : this.#failed(webhook, head, attempt);
      const disable = verdict === "gone";
      const isKept = await this.#record(webhook, disable ? { ...outcome, disable } : outcome);
      if (isKept) this.#queue.forgetLost(webhook.id, outcome.lost);
      if (!isThrough) return;
    }
  }

  #delivered(webhook: Endpoint, head: Waiting): Outcome {
    const { lost } = this.#queue.state(webhook.id);
    this.#queue.remove(webhook.id, head.seq);
    this.#queue.setState(webhook.id, { ...UNTROUBLED, lost });
    return { at: this.#now(), lost };
  }

  /** Put the next attempt off, and give up what would be too old by then. */
  #failed(webhook: Endpoint, head: Waiting, attempt: Attempt): Outcome {
    const at = this.#now();
    const before = this.#queue.state(webhook.id);
    const failing = { failures: before.failures + 1, since: before.failures === 0 ? at : before.since };
    const next = retry(failing, attempt, at, (this.#ports.random ?? Math.random)());
    let { lost } = before;
    let left: Waiting | undefined = head;
    while (left && isGivenUp(left.at, failing, next.dueAt)) {
      console.error("a webhook was given up", webhook.id, left.id);
      this.#queue.remove(webhook.id, left.seq);
      lost += 1;
      left = this.#queue.head(webhook.id);
    }
    // What comes after everything was given up begins afresh.
    const state = left ? { ...failing, ...next } : { ...UNTROUBLED, dueAt: next.eagerAt };
    this.#queue.setState(webhook.id, { ...state, lost });
    const givenUp = lost > before.lost ? "; given up" : "";
    return { at, failure: `${head.type}: ${attemptWords(attempt)}${givenUp}`, lost };
  }

  /** Tell the operator's list; false when D1 failed, which stops nothing. */
  async #record(webhook: Endpoint, outcome: Outcome): Promise<boolean> {
    try {
      await within(D1_TIMEOUT_MS, "the list of webhooks", recordOutcome(this.#db, webhook.id, outcome));
      return true;
    } catch (error) {
      console.error("how a webhook did could not be listed", webhook.id, error);
      return false;
    }
  }
}
