/**
 * R2 lists names in the order of their letters, so `seg-10` comes before `seg-9`. Which numbers are those between two
 * names: one run of them for each count of digits. Pure.
 */

/** Both ends belong to it. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Numbers from `bounds.from` to `bounds.to` whose decimal text comes after `after` and not after `upTo`, in the order of
 * letters. Without `after` it begins with the first name, without `upTo` it ends with the last.
 */
export function numbersBetween(
  after: number | undefined,
  upTo: number | undefined,
  bounds: Range,
): readonly Range[] {
  const ranges: Range[] = [];
  for (let digits = 1; digits <= MAX_DIGITS; digits += 1) {
    const lowest = digits === 1 ? 0 : 10 ** (digits - 1);
    const highest = 10 ** digits - 1;
    const from = Math.max(bounds.from, after === undefined ? lowest : lastUpTo(after, digits) + 1, lowest);
    const to = Math.min(bounds.to, upTo === undefined ? highest : lastUpTo(upTo, digits), highest);
    if (from <= to) ranges.push({ from, to });
  }
  return ranges;
}

/** The largest number of so many digits whose text is not after that of `limit`; one below the smallest if there is none. */
function lastUpTo(limit: number, digits: number): number {
  const text = String(limit);
  // Cut short, a name comes before its longer form; made longer, it comes after.
  return text.length >= digits
    ? Number(text.slice(0, digits))
    : Number(text) * 10 ** (digits - text.length) - 1;
}

/** Of a media sequence number (media/address.ts). */
const MAX_DIGITS = 10;
