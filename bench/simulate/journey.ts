/** How long a part takes from the stream to the last viewer, by what each hop costs. */
import { parseShardName } from "../../durable-objects/core/viewers/shards.ts";
import type { Branch } from "../../durable-objects/core/viewers/viewer-messages.ts";
import type { Peak } from "./show.ts";

/** What hops and messages cost; where each comes from is said in bench/simulate.ts. */
export interface Costs {
  /** A call from one object to another that is near, there. */
  readonly hopMs: number;
  /** More for one between regions. */
  readonly wireMs: number;
  /** Time of the caller's thread for each call. */
  readonly callMicros: number;
  /** Time of the shard's thread for each socket. */
  readonly sendMicros: number;
  readonly progressSeconds: number;
  readonly qoeSeconds: number;
  /** Calls that an object may have open; absent: as many as it has branches. */
  readonly callsAtOnce?: number;
}

export interface Journey {
  readonly hops: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Longest time that one object's thread is busy with one part. */
  readonly slowestObjectMs: number;
}

/** Follow a part through the tree. The stream and its relays are in the first region: an object is made near its first caller. */
export function journeyOf({ tree, loads }: Peak, costs: Costs): Journey {
  let [hops, firstMs, lastMs, slowestObjectMs] = [0, Number.POSITIVE_INFINITY, 0, 0];
  const visit = (below: readonly Branch[], startMs: number, depth: number): void => {
    slowestObjectMs = Math.max(slowestObjectMs, (below.length * costs.callMicros) / 1000);
    below.forEach((branch, index) => {
      const isFar = "shard" in branch && parseShardName(branch.shard)?.region !== "region1";
      const callMs = costs.hopMs + (isFar ? costs.wireMs : 0);
      // Those that have to wait for others to be answered.
      const waitMs =
        costs.callsAtOnce === undefined
          ? 0
          : Math.floor(index / costs.callsAtOnce) * (costs.hopMs + costs.wireMs) * 2;
      const thereMs = startMs + ((index + 1) * costs.callMicros) / 1000 + waitMs + callMs;
      if ("relay" in branch) {
        visit(branch.branches, thereMs, depth + 1);
        return;
      }
      const sendsMs = ((loads.get(branch.shard) ?? 0) * costs.sendMicros) / 1000;
      slowestObjectMs = Math.max(slowestObjectMs, sendsMs);
      hops = Math.max(hops, depth + 2);
      firstMs = Math.min(firstMs, thereMs + costs.sendMicros / 1000);
      lastMs = Math.max(lastMs, thereMs + sendsMs);
    });
  };
  visit(tree.branches, 0, 0);
  return { hops, firstMs, lastMs, slowestObjectMs };
}
