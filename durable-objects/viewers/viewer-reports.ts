/**
 * When a shard reports to its parent: at once when something changed, but at most once a second, and with each heartbeat. One
 * report at a time; what players said goes with the next one that is answered.
 */

import type { Qoe } from "../../wire/player-report.ts";
import { addQoe, mergeQoe, NO_QOE } from "../core/viewers/histogram.ts";
import type { QoeCounts, ReportAnswer, ShardReport } from "../core/viewers/viewer-messages.ts";

/** Between reports. */
const REPORT_MS = 1_000;

/** What reports are made of and where they go. */
export interface ReportEnds {
  /** What the shard holds now. */
  readonly look: () => Omit<ShardReport, "qoe"> | undefined;
  readonly send: (report: ShardReport) => Promise<ReportAnswer>;
  readonly heard: (answer: ReportAnswer) => void;
}

export class ViewerReports {
  readonly #ends: ReportEnds;
  #qoe: QoeCounts | undefined;
  #sending: Promise<void> | undefined;
  #isDue = false;
  #sentAt = 0;
  #isKnown = false;

  constructor(ends: ReportEnds) {
    this.#ends = ends;
  }

  /** Something is to be reported. */
  changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(
      async () => {
        await this.#sending;
        this.#isDue = false;
        await this.now();
      },
      Math.max(0, this.#sentAt + REPORT_MS - Date.now()),
    );
  }

  /** A player said how it does. */
  add(qoe: Qoe): void {
    this.#qoe = addQoe(this.#qoe ?? NO_QOE, qoe);
    this.changed();
  }

  /** Wait until the stream has heard of this shard, so that it delivers to it. */
  async introduce(): Promise<void> {
    if (!this.#isKnown) await this.now();
  }

  /** Report now; never fails: what was not heard is said again with the next heartbeat. */
  now(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  /** Report after what is under way, which may not know yet that nobody is there any more. */
  async last(): Promise<void> {
    await this.#sending;
    await this.now();
  }

  async #send(): Promise<void> {
    const seen = this.#ends.look();
    if (seen === undefined) return;
    this.#sentAt = Date.now();
    const qoe = this.#qoe;
    this.#qoe = undefined;
    try {
      const answer = await this.#ends.send({ ...seen, ...(qoe && { qoe }) });
      // A stream forgets a shard without sockets after a while.
      this.#isKnown = seen.sockets > 0;
      this.#ends.heard(answer);
    } catch (error) {
      console.warn("a report was not heard", { shard: seen.shard, error: String(error) });
      if (qoe) this.#qoe = this.#qoe ? mergeQoe(qoe, this.#qoe) : qoe;
    }
  }
}
