/** Fuzz target: `If-None-Match` and `Range` of media requests. An input is the size of the object, a line end, and the header. */
import {
  isNotModified,
  isSameForRange,
  type Range,
  readRange,
  resolveRange,
} from "../workers/edge/core/conditional.ts";
import { mutateText } from "./mutate.ts";
import { type Random, several } from "./random.ts";
import { asText, must, type Ran, type Target } from "./target.ts";

const ETAG = '"0123abcd"';

function make(random: Random): string {
  const size = random.pick([0, 1, 2, 100, 33_554_432]);
  const place = () =>
    random.pick(["", "0", "1", "99", "100", "101", "33554431", "999999999999999", "9999999999999999"]);
  const tags = several(random, 3, () => random.pick([ETAG, `W/${ETAG}`, '"other"', "*", ETAG.slice(1), ""]));
  const header = random.once(2)
    ? `${random.pick(["bytes=", "bytes= ", "Bytes=", "items=", ""])}${place()}-${place()}`
    : tags.join(random.pick([",", ", ", " "]));
  return `${size}\n${random.once(3) ? mutateText(header, random, 1 + random.below(2)) : header}`;
}

function run(text: string): Ran {
  const cut = text.indexOf("\n");
  const size = Number(/^\d{1,10}$/.exec(text.slice(0, cut))?.[0] ?? 0);
  const header = text.slice(cut + 1);
  const known = { etag: ETAG, lastModified: null };
  const notModified = isNotModified({ ifNoneMatch: header, ifModifiedSince: null }, known);
  if (notModified)
    must(header.includes(ETAG) || header.trim() === "*", "only a tag that was named matches", header);
  must(
    !isNotModified({ ifNoneMatch: header, ifModifiedSince: null }, { etag: null, lastModified: null }),
    "an object without a tag is always sent",
    header,
  );
  if (isSameForRange(header, known)) must(header.trim() === ETAG, "a range is of one object", header);
  const range = rangeOf(header, size);
  if (typeof range === "object") {
    const { first, last } = range;
    must(Number.isSafeInteger(first) && Number.isSafeInteger(last), "ranges are whole", range);
    must(0 <= first && first <= last && last < size, "a range is within the object", { range, size });
    const spelled = rangeOf(`bytes=${first}-${last}`, size);
    must(JSON.stringify(spelled) === JSON.stringify(range), "a range is read the same again", spelled);
  }
  const outcome = typeof range === "object" ? "range" : notModified ? "not-modified" : range;
  return { outcome, said: { notModified, range } };
}

function rangeOf(header: string, size: number): Range | "whole" | "unsatisfiable" {
  const wish = readRange(header);
  return wish ? resolveRange(wish, size) : "whole";
}

export const conditional: Target = {
  name: "conditional",
  thousands: 200,
  reaches: ["range", "whole", "unsatisfiable", "not-modified"],
  make,
  run: (input) => run(asText(input)),
};
