/** Ids that sort by the time they were made at: 48 bits of milliseconds and 80 of chance, in Crockford's base 32 (github.com/ulid/spec). */

const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** Number of random bytes that `ulid` needs. */
export const ULID_RANDOM_BYTES = 10;

/** Make one; `now` is milliseconds since 1970. */
export function ulid(now: number, random: Uint8Array): string {
  let bits = BigInt(now);
  for (const byte of random.subarray(0, ULID_RANDOM_BYTES)) bits = (bits << 8n) | BigInt(byte);
  let text = "";
  for (let left = 26; left > 0; left -= 1) {
    text = (LETTERS[Number(bits & 31n)] ?? "") + text;
    bits >>= 5n;
  }
  return text;
}
