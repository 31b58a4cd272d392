/**
 * Passes on what the owner of a channel says to up to 32 branches of its tree, and what their shards say to it, gathered. Keeps nothing
 * that matters: each message carries its branches, and another relay is as good.
 */
import { DurableObject } from "cloudflare:workers";
import type { ObjectsEnv } from "../../workers/env.ts";
import { mergeReports } from "../core/viewers/rollup.ts";
import type { Branch, Delivery, ReportAnswer, ShardReport } from "../core/viewers/viewer-messages.ts";
import { within } from "../deadline.ts";
import { Lanes, nameOf } from "./lanes.ts";
import { liveRelay, viewerSet } from "./placement.ts";

/** Reports are gathered for so long. */
const GATHER_MS = 1_000;
/** Who is slower than this is told of with a later delivery, if it fails. */
const ANSWER_MS = 100;
const REPORT_MS = 5_000;

/** Reports that go up together. */
interface Gathering {
  readonly reports: ShardReport[];
  readonly answer: Promise<ReportAnswer>;
}

export class LiveRelay extends DurableObject<ObjectsEnv> {
  /** Did not take a delivery, and the one above does not know yet. */
  #lost = new Set<string>();
  readonly #lanes = new Lanes({
    deliver: (branch, delivery) => this.#pass(branch, delivery),
    keepAlive: (work) => this.ctx.waitUntil(work),
    took: (_branch, _offset, lost) => this.#lose(lost),
    lost: (branch) => this.#lose([nameOf(branch)]),
  });
  readonly #gatherings = new Map<string, Gathering>();

  /** Deliver to all branches; answers the shards and relays that did not take it, or one before it. */
  async deliver(delivery: Delivery, branches: readonly Branch[]): Promise<readonly string[]> {
    this.#lanes.set(branches, () => undefined);
    this.#lanes.push(delivery);
    // What takes long goes on: nobody else is to wait for it.
    await within(ANSWER_MS, "a branch", this.#lanes.untilIdle()).catch(() => {});
    const lost = [...this.#lost];
    this.#lost = new Set();
    return lost;
  }

  /** Pass reports of shards on, together with those of others. */
  report(stream: string, reports: readonly ShardReport[]): Promise<ReportAnswer> {
    const known = this.#gatherings.get(stream);
    if (known) {
      known.reports.push(...reports);
      return known.answer;
    }
    const gathered = [...reports];
    const answer = new Promise<void>((resolve) => setTimeout(resolve, GATHER_MS)).then(() => {
      this.#gatherings.delete(stream);
      const told: Promise<ReportAnswer> = this.env.LIVE_STREAM.getByName(stream).report(
        mergeReports(gathered),
      );
      return within(REPORT_MS, "a report", told);
    });
    this.#gatherings.set(stream, { reports: gathered, answer });
    return answer;
  }

  async #pass(branch: Branch, delivery: Delivery): Promise<readonly string[]> {
    if ("relay" in branch) {
      const { relay, branches } = branch;
      return await liveRelay(this.env.LIVE_RELAY, relay, branches).deliver(delivery, branches);
    }
    await viewerSet(this.env.VIEWER_SET, branch.shard).deliver(delivery);
    return [];
  }

  #lose(names: readonly string[]): void {
    for (const name of names) this.#lost.add(name);
  }
}
