/**
 * Ways down the tree, one a branch: one delivery under way on each, in order, and what comes meanwhile is joined. A slow
 * branch holds up nobody else. Keeps nothing; whom to deliver to is decided elsewhere.
 */
import { LIVE_HISTORY } from "../../wire/live-events.ts";
import type { Branch, Delivery, LivePublication } from "../core/viewers/viewer-messages.ts";
import { within } from "../deadline.ts";

/** A branch that takes longer than this is lost. */
export const DELIVERY_MS = 5_000;

/** What a set of lanes needs. */
export interface LanePorts {
  /** Deliver to a branch; the answer names those below it that did not take it. */
  readonly deliver: (branch: Branch, delivery: Delivery) => Promise<readonly string[]>;
  /** Runs on after the request that began it. */
  readonly keepAlive: (work: Promise<unknown>) => void;
  /** A branch has taken what there was up to this offset, but for those that are named. */
  readonly took: (branch: Branch, offset: number, lost: readonly string[]) => void;
  /** A branch did not take a delivery; it has no lane any more. */
  readonly lost: (branch: Branch) => void;
  /** Another deadline, for tests. */
  readonly deliveryMs?: number;
}

interface Lane {
  branch: Branch;
  isBusy: boolean;
  /** Nothing to deliver: absent. */
  waiting: Delivery | undefined;
}

/** Its own name. */
export const nameOf = (branch: Branch): string => ("shard" in branch ? branch.shard : branch.relay);

export class Lanes {
  readonly #ports: LanePorts;
  readonly #lanes = new Map<string, Lane>();
  #idle = new Set<() => void>();

  constructor(ports: LanePorts) {
    this.#ports = ports;
  }

  /** Which branches there are. One that is new begins with its backlog. */
  set(branches: readonly Branch[], backlog: (branch: Branch) => Delivery | undefined): void {
    const names = new Set(branches.map(nameOf));
    for (const name of [...this.#lanes.keys()]) if (!names.has(name)) this.#lanes.delete(name);
    for (const branch of branches) {
      const known = this.#lanes.get(nameOf(branch));
      if (known) {
        known.branch = branch;
        continue;
      }
      const lane = { branch, isBusy: false, waiting: backlog(branch) };
      this.#lanes.set(nameOf(branch), lane);
      this.#go(lane);
    }
  }

  /** Deliver to every branch. */
  push(delivery: Delivery): void {
    for (const lane of this.#lanes.values()) {
      lane.waiting = joined(lane.waiting, delivery);
      this.#go(lane);
    }
  }

  /** When nothing is under way. */
  async untilIdle(): Promise<void> {
    while ([...this.#lanes.values()].some(({ isBusy }) => isBusy)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle.add(resolve);
      await promise;
    }
  }

  #go(lane: Lane): void {
    if (lane.isBusy || !lane.waiting) return;
    lane.isBusy = true;
    this.#ports.keepAlive(this.#run(lane));
  }

  async #run(lane: Lane): Promise<void> {
    // What is said in the same turn goes along.
    await Promise.resolve();
    while (lane.waiting && this.#lanes.get(nameOf(lane.branch)) === lane) {
      const { waiting, branch } = lane;
      lane.waiting = undefined;
      try {
        const lost = await within(
          this.#ports.deliveryMs ?? DELIVERY_MS,
          "a delivery",
          this.#ports.deliver(branch, waiting),
        );
        this.#ports.took(branch, waiting.position.offset, lost);
      } catch (error) {
        console.warn("a branch did not take a delivery", nameOf(branch), error);
        if (this.#lanes.get(nameOf(branch)) === lane) this.#lanes.delete(nameOf(branch));
        this.#ports.lost(branch);
      }
    }
    lane.isBusy = false;
    for (const wake of this.#idle) wake();
    this.#idle = new Set();
  }
}

/** Two deliveries as one: history in order, and of what has no place in it the newest about each thing. */
export function joined(before: Delivery | undefined, next: Delivery): Delivery {
  if (!before) return next;
  const all = [...before.publications, ...next.publications];
  const passing = new Map(all.filter(isPassing).map((publication) => [publication.about, publication]));
  const publications: readonly LivePublication[] = [
    // What is more than history holds is asked for by those who lack it.
    ...all.filter((publication) => !isPassing(publication)).slice(-LIVE_HISTORY),
    ...passing.values(),
  ];
  const leave = before.leave === "all" ? "all" : (next.leave ?? before.leave);
  const out = [...(before.out ?? []), ...(next.out ?? [])];
  return { ...next, publications, ...(leave && { leave }), ...(out.length > 0 && { out }) };
}

const isPassing = ({ offset }: LivePublication): boolean => offset === undefined;
