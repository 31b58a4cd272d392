/** Where the objects of a stream's viewers are made: near the viewers whom their names tell of. A hint counts only the first time. */

import { REGIONS, type Region } from "../../wire/regions.ts";
import { parseShardName } from "../core/viewers/shards.ts";
import type { Branch } from "../core/viewers/viewer-messages.ts";
import type { LiveRelay } from "./live-relay.ts";
import type { ViewerSet } from "./viewer-set.ts";

/** The region of viewers of whom none is known. */
const ANYWHERE: Region = "any";

/** A region by its name; whatever else somebody says is no region. */
export const regionNamed = (name: string): Region => REGIONS.find((region) => region === name) ?? ANYWHERE;

const placeOf = (region: string | undefined): DurableObjectNamespaceGetDurableObjectOptions => {
  const locationHint = REGIONS.find((known) => known === region);
  return locationHint ? { locationHint } : {};
};

/** A shard's object. */
export const viewerSet = (
  namespace: DurableObjectNamespace<ViewerSet>,
  shard: string,
): DurableObjectStub<ViewerSet> =>
  namespace.get(namespace.idFromName(shard), placeOf(parseShardName(shard)?.region));

/** A relay's object, near the first shard that it reaches. */
export const liveRelay = (
  namespace: DurableObjectNamespace<LiveRelay>,
  relay: string,
  branches: readonly Branch[],
): DurableObjectStub<LiveRelay> => {
  const [first] = branches.flatMap(shardsBelow);
  return namespace.get(
    namespace.idFromName(relay),
    placeOf(first === undefined ? undefined : parseShardName(first)?.region),
  );
};

/** All shards that a branch reaches. */
export const shardsBelow = (branch: Branch): readonly string[] =>
  "shard" in branch ? [branch.shard] : branch.branches.flatMap(shardsBelow);
