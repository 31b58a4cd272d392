/** The shards of sockets that are no stream's: there are always so many, so that nobody has to be asked which there are. Pure. */
import { hash } from "./ring.ts";
import { shardName } from "./viewer-messages.ts";

/** Of each region: 32,000 sockets with a shard's usual capacity. */
export const PEOPLE_SHARDS = 8;
/** Where the name of a stream stands; no stream has it. */
const PEOPLE = "~people";

/** The shards of a region in the order in which a viewer tries them (rendezvous hashing). */
export const peopleShards = (region: string, viewer: string): readonly string[] =>
  Array.from({ length: PEOPLE_SHARDS }, (_, index) => shardName(PEOPLE, region, index + 1)).sort(
    (one, other) => hash(`${viewer} ${other}`) - hash(`${viewer} ${one}`),
  );
