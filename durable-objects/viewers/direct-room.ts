/** The one-to-one room of two people: always the same, so that two who begin at once meet in it. */
import { ulid } from "../../wire/ulid.ts";

/** Times whose ULIDs begin with a 7. */
const DIRECT_STEP = 2 ** 45;
const DIRECT = 7 * DIRECT_STEP;

/** Its id, a ULID made of both names; who asks does not matter. */
export async function directRoom(one: string, other: string): Promise<string> {
  const both = JSON.stringify([one, other].sort());
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(both)));
  // 48 bits of time and 80 of chance: here all are of the digest, but for three that say so (`isDirectRoom`).
  const time = digest.subarray(0, 6).reduce((sum, byte) => sum * 256 + byte, 0);
  return ulid(DIRECT + (time % DIRECT_STEP), digest.subarray(6));
}
