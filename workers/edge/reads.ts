/** Reads of the origin side, counted for the stream that they are of. */
import type { EdgeEnv } from "../env.ts";
import { countBucketRead, countStreamCall } from "./counting.ts";
import type { Reads } from "./fills.ts";

/** Where reads for one request are counted. */
export const readsOf = (
  env: Pick<EdgeEnv, "ORIGIN" | "QOE">,
  ctx: Pick<ExecutionContext, "waitUntil">,
): Reads => ({
  bucketRead: (stream) => countBucketRead(env, ctx, stream),
  streamCall: (stream) => countStreamCall(env, ctx, stream),
});
