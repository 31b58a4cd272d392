/** Who may push to a stream, by what its encoder named and where it connects from. Whether it is live already is the LiveStream's to say. */
import { fail, ok, type Result } from "../../../media/result.ts";
import { isWithin } from "../../../wire/address-range.ts";
import type { StreamRecord } from "../../../wire/admin.ts";
import type { OpenSession } from "../../../wire/ingest.ts";
import { type Problem, problem } from "../../../wire/problem.ts";

/** The answer to an encoder of a stream that was closed to its encoders. */
export const STREAM_DISABLED = problem(403, "stream-disabled", "This stream is disabled.");
const UNKNOWN_KEY = problem(401, "unknown-key", "No stream has this key.");
const ADDRESS_NOT_ALLOWED = problem(
  403,
  "address-not-allowed",
  "This stream takes no encoder from this address.",
);

/** Decide on an encoder, by the stream that its key opens (`undefined`: none does). An address that is not told is on no list. */
export function admit(
  record: StreamRecord | undefined,
  { stream, remoteAddress = "" }: Pick<OpenSession, "stream" | "remoteAddress">,
): Result<StreamRecord, Problem> {
  // A key of another stream than the one it was given for: nothing is said of either.
  if (record === undefined || (stream !== undefined && stream !== record.id)) return fail(UNKNOWN_KEY);
  const { allowAddresses, disabled } = record;
  if (allowAddresses.length > 0 && !isWithin(remoteAddress, allowAddresses)) return fail(ADDRESS_NOT_ALLOWED);
  return disabled ? fail(STREAM_DISABLED) : ok(record);
}
