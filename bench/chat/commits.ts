/** How many messages one live room takes in a second: each numbered and in its SQLite before its sender hears of it. Nobody listens. */

import { PACE_MESSAGES } from "../../durable-objects/core/chat/judge.ts";
import { EdgeBench } from "../edge/harness.ts";
import { createStream } from "../edge/operator.ts";
import type { Figure } from "../report.ts";
import { Talkers } from "./talkers.ts";

const STREAM = "bench-commits";
const SETTINGS = { SHARD_SOCKETS: "4500", ADDRESS_SOCKETS: "100000" };
/** Under way at once. */
const AT_ONCE = 64;
/** So many that all together last for seconds; a tenth of them is for getting warm. */
const TALKERS = 1_000;

/** Measure once. */
export async function measureCommits(): Promise<readonly Figure[]> {
  const bench = await EdgeBench.start([{ name: "edge", entry: "product" }], SETTINGS);
  try {
    const base = bench.url("edge");
    await createStream(base, STREAM);
    const talkers = await Talkers.enter(base, STREAM, TALKERS);
    await talkers.pour(TALKERS, AT_ONCE);
    const { sent, taken, seconds, p99, refusal } = await talkers.pour((PACE_MESSAGES - 1) * TALKERS, AT_ONCE);
    talkers.leave();
    return [
      {
        what: "messages that one room commits",
        value: taken / seconds,
        unit: "/s",
        note: `${taken} of ${sent} through sockets of a shard, ${AT_ONCE} under way, answers within ${p99} ms (p99)${refusal === undefined ? "" : `; ${refusal}`}`,
      },
    ];
  } finally {
    await bench.stop();
  }
}
