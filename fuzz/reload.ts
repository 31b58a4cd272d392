/** Fuzz target: query strings of playlist requests, and what the live edge decides on them. */
import { decide, decidePartRequest, type LiveEdge } from "../media/live-edge.ts";
import { parseDirectives } from "../workers/edge/core/reload.ts";
import { mutateText } from "./mutate.ts";
import { type Random, several } from "./random.ts";
import { asText, must, type Ran, type Target } from "./target.ts";

const KEYS = [
  "_HLS_msn",
  "_HLS_msn",
  "_HLS_part",
  "_HLS_skip",
  "_hls_msn",
  "_HLS_MSN",
  "_HLS_push",
  "x",
  "",
] as const;
const VALUES = [
  "0",
  "7",
  "8",
  "9",
  "10",
  "007",
  "9999999999",
  "99999999999",
  "-1",
  "1.5",
  "YES",
  "v2",
  "NO",
  "",
  "1e3",
] as const;
/** Segment 7 is open with two parts out; segment 6 closed with five. */
const EDGE: LiveEdge = { msn: 7, parts: 2, closedParts: 5, partTarget: 0.51, ended: false };
const { partTarget: _none, ...WITHOUT_PARTS } = EDGE;
const EDGES: readonly LiveEdge[] = [
  EDGE,
  { ...EDGE, ended: true },
  { ...EDGE, msn: 0, parts: 0, closedParts: 0 },
  WITHOUT_PARTS,
];

function make(random: Random): string {
  const pair = () => `${random.pick(KEYS)}=${random.pick(VALUES)}`;
  const usual = `_HLS_msn=${random.below(12)}${random.once(2) ? `&_HLS_part=${random.below(12)}` : ""}`;
  const query = random.once(2) ? usual : [usual, ...several(random, 4, pair)].join("&");
  const other = random.once(4) ? several(random, 4, pair).join("&") : query;
  return random.once(3) ? mutateText(other, random, 1 + random.below(3)) : other;
}

function run(text: string): Ran {
  const query = new URLSearchParams(text);
  const directives = parseDirectives(query);
  if (!directives.ok) return { outcome: "bad", said: directives };
  const { reload, skip } = directives.value;
  must(skip === undefined || skip === query.get("_HLS_skip"), "skip is as asked");
  if (!reload) {
    must(query.get("_HLS_msn") === null, "a position that was named is not passed over", text);
    return { outcome: "plain", said: directives };
  }
  must(
    isCount(reload.msn) && (reload.part === undefined || isCount(reload.part)),
    "positions are counts",
    reload,
  );
  const said = EDGES.map((edge) => {
    const verdict = decide(reload, edge);
    if (edge.ended) must(verdict === "serve", "an ended playlist is served", reload);
    if (reload.msn > edge.msn + 1 && !edge.ended)
      must(verdict === "too-far", "nobody waits for what is far", reload);
    if (reload.msn < edge.msn - 1) must(verdict === "serve", "what is there is served", reload);
    const part = decidePartRequest({ msn: reload.msn, part: reload.part ?? 0 }, edge);
    const next = reload.msn === edge.msn && (reload.part ?? 0) === edge.parts;
    must(
      (part === "hinted") === (next && !edge.ended && edge.partTarget !== undefined),
      "one part is hinted",
      reload,
    );
    return [verdict, part];
  });
  return { outcome: said[0]?.[0] ?? "none", said: [directives, said] };
}

const isCount = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

export const reload: Target = {
  name: "reload",
  thousands: 200,
  reaches: ["serve", "wait", "too-far", "plain", "bad"],
  make,
  run: (input) => run(asText(input)),
};
