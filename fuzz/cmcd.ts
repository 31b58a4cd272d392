/** Fuzz target: CMCD, as players send it in a query or headers, and what is counted of it. */
import { QOE_FIGURES } from "../wire/edge-report.ts";
import { MAX_CMCD_LETTERS, parseCmcd } from "../workers/edge/core/cmcd.ts";
import { figureOf, Tally } from "../workers/edge/core/tally.ts";
import { mutateText } from "./mutate.ts";
import { type Random, several } from "./random.ts";
import { asText, must, type Ran, type Target } from "./target.ts";

const MEMBERS = [
  "bl=21300",
  "br=3200",
  "br=(5000;v 128;a)",
  "bs",
  "bs=?0",
  'cid="a,b"',
  "d=4004",
  'ec=("a b" "c")',
  "ltc=1530",
  "msd=420",
  "mtp=(48100)",
  'nor="..%2F1.m4s"',
  'nor=("../1.m4s";r="0-99")',
  "ot=v",
  "pr=1.08",
  "sf=h",
  'sid="6e2f\\"b"',
  "st=ll",
  "su",
  "v=1",
  "v=2",
  "com.example-x=1",
] as const;

function make(random: Random): string {
  const text = [random.pick(MEMBERS), ...several(random, 8, () => random.pick(MEMBERS))].join(
    random.pick([",", ",", ", "]),
  );
  const long = random.once(100) ? text.repeat(40) : text;
  return random.once(3) ? long : mutateText(long, random, 1 + random.below(4));
}

function run(text: string): Ran {
  const read = parseCmcd(text);
  if (!read) return { outcome: text.length > MAX_CMCD_LETTERS ? "too long" : "none", said: "none" };
  must(text.length <= MAX_CMCD_LETTERS, "nothing too long is read");
  must(read.v === undefined || read.v === 1 || read.v === 2, "only versions that are known", read);
  for (const [key, value] of Object.entries(read)) {
    must(text.includes(key), "only what was said is read", key);
    for (const one of Array.isArray(value) ? value : [value]) {
      const number: unknown = typeof one === "object" ? one.value : one;
      if (typeof number === "number")
        must(Number.isFinite(number) && number >= 0, "numbers are counts", read);
    }
  }
  const tally = new Tally(1);
  tally.heard("s", read);
  const [report] = tally.take();
  const qoe = report?.qoe[0];
  must(qoe?.requests === 1, "a request is counted once", qoe);
  for (const figure of QOE_FIGURES) {
    const value = figureOf(read, figure);
    must(qoe[figure].sum === (value ?? 0), "sums are what was said", [figure, read]);
  }
  const hasList = Object.values(read).some((value) => Array.isArray(value) && value.length > 1);
  return { outcome: hasList ? "list" : "read", said: [read, qoe] };
}

export const cmcd: Target = {
  name: "cmcd",
  thousands: 200,
  reaches: ["read", "list", "none", "too long"],
  make,
  run: (input) => run(asText(input)),
};
