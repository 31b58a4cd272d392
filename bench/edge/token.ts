/** What the check of a watch token costs: many in one request of workerd, less a loop that checks nothing. */
import { median } from "../../test/support/browser.ts";
import type { Figure } from "../report.ts";
import { EdgeBench } from "./harness.ts";

const TARGET_US = 50;
const CHECKS = 20_000;
const ROUNDS = 5;
const WORKER = "token";

/** Kinds of check, and how many tokens of each are good. */
const KINDS = [
  { kind: "different", what: "a token that is new to the isolate", good: CHECKS },
  { kind: "forged", what: "a forged one", good: 0 },
  { kind: "repeated", what: "one that was checked before", good: CHECKS },
] as const;

/** Of one check, microseconds: of a processor by /proc, and of the clock outside. */
interface Cost {
  readonly cpuUs: number;
  readonly wallUs: number;
}

/** Measure. */
export async function measureToken(): Promise<readonly Figure[]> {
  const bench = await EdgeBench.start([{ name: WORKER, entry: "token" }]);
  try {
    await run(bench, "sign", CHECKS);
    const rounds: (readonly Cost[])[] = [];
    for (let round = -1; round < ROUNDS; round += 1) {
      const empty = await run(bench, "empty", CHECKS);
      const costs: Cost[] = [];
      for (const { kind, good } of KINDS) {
        const { cpuUs, wallUs } = await run(bench, kind, good);
        costs.push({ cpuUs: cpuUs - empty.cpuUs, wallUs: wallUs - empty.wallUs });
      }
      // The first round is the compiler's.
      if (round >= 0) rounds.push(costs);
    }
    return KINDS.map(({ what }, index): Figure => {
      const own = rounds.flatMap((costs) => costs[index] ?? []);
      return {
        what: `processor time of a token check: ${what}`,
        // What costs less than the clock of /proc can tell comes out at either side of nothing.
        value: Math.max(0, median(own.map(({ cpuUs }) => cpuUs))),
        unit: "us",
        target: { atMost: TARGET_US },
        note: `by the clock ${median(own.map(({ wallUs }) => wallUs)).toFixed(1)} us; ${CHECKS} checks, ${ROUNDS} rounds`,
      };
    });
  } finally {
    await bench.stop();
  }
}

async function run(bench: EdgeBench, what: string, good: number): Promise<Cost> {
  const [cpuBefore, since] = [cpuSeconds(bench), performance.now()];
  const answer = await fetch(`${bench.url(WORKER)}/${what}?count=${CHECKS}`);
  const told: { good?: number } = JSON.parse(await answer.text());
  if (told.good !== good) throw new Error(`${what}: ${told.good} tokens were good, not ${good}`);
  return {
    wallUs: ((performance.now() - since) / CHECKS) * 1000,
    cpuUs: ((cpuSeconds(bench) - cpuBefore) / CHECKS) * 1e6,
  };
}

const cpuSeconds = (bench: EdgeBench): number => bench.workerd()?.cpuSeconds ?? Number.NaN;
