/** `millrace edge` and `millrace qoe` against an HTTP server that records what it is asked. */
import { expect, it } from "vitest";
import { runCli } from "../../../cli/program.ts";
import type { EdgeAnswer, QoeAnswer } from "../../../wire/admin-edge.ts";
import { useFakeOrigin } from "./fake-origin.ts";

const WINDOW = {
  minutes: 60,
  from: "2026-11-21T02:00:00.000Z",
  to: "2026-11-21T03:00:10.000Z",
  seconds: 3610,
};
const NONE = { hit: 0, stale: 0, collapsed: 0, cold: 0, expired: 0, purged: 0, range: 0, error: 0 };
const RADIO = {
  requests: 7220,
  hitRatio: 0.9731,
  media: { requests: 5000, hitRatio: 0.99, outcomes: { ...NONE, hit: 4950, cold: 50 } },
  playlists: { requests: 2220, hitRatio: 0.9, outcomes: { ...NONE, hit: 1998, expired: 200, cold: 22 } },
  bucketReads: 50,
  streamCalls: 361,
  perSecond: { requests: 2, bucketReads: 0.0139, streamCalls: 0.1 },
};
const IDLE = {
  requests: 0,
  media: { requests: 0, outcomes: NONE },
  playlists: { requests: 0, outcomes: NONE },
  bucketReads: 0,
  streamCalls: 0,
  perSecond: { requests: 0, bucketReads: 0, streamCalls: 0 },
};
const EDGE: EdgeAnswer = {
  ...WINDOW,
  totals: RADIO,
  streams: [
    { stream: "radio", ...RADIO },
    { stream: "idle", ...IDLE, streamCalls: 1 },
  ],
};
const QOE: QoeAnswer = {
  ...WINDOW,
  stream: "radio",
  requests: 2000,
  startups: 30,
  stalls: 3,
  stallsPerThousand: 1.5,
  bitrate: { mean: 2800, count: 1200 },
  buffer: { mean: 1234, count: 1990 },
};

const origin = useFakeOrigin();

async function run(body: unknown, args: readonly string[], status = 200) {
  origin.reply = { status, body };
  const out: string[] = [];
  const say = (text: string) => out.push(text);
  const around = { env: {}, root: "/nowhere", print: say, complain: say };
  const code = await runCli([...args, "--origin", origin.url, "--token", "t"], around);
  return { code, lines: out.join("\n").split("\n") };
}

it("shows how each stream's requests were answered, and all together", async () => {
  const { code, lines } = await run(EDGE, ["edge"]);
  expect(code).toBe(0);
  expect(origin.asked).toEqual(["GET /admin/edge?minutes=60 Bearer t"]);
  expect(lines[0]).toBe("The last 60 minutes:");
  const figures = [
    ...["7220", "2.0", "97.3 %", "99.0 %", "90.0 %", "50 (0.01/s)", "361 (0.10/s)"],
    "72 cold, 200 expired",
  ];
  expect(lines.slice(1).map((line) => line.split(/ {2,}/))).toEqual([
    ["STREAM", "REQUESTS", "PER SECOND", "HIT", "MEDIA", "PLAYLISTS", "R2 READS", "OBJECT CALLS", "MISSES"],
    ["radio", ...figures],
    ["idle", "0", "0.0", "-", "-", "-", "0 (0.00/s)", "1 (0.00/s)"],
    ["(all)", ...figures],
  ]);
});

it("shows how the players of a stream do; what nobody said is not there", async () => {
  const { lines } = await run({ ...QOE, minutes: 5 }, ["qoe", "radio", "--minutes", "5"]);
  expect(origin.asked).toEqual(["GET /admin/qoe/radio?minutes=5 Bearer t"]);
  expect(lines).toEqual([
    "Stream       radio, the last 5 minutes",
    "Requests     2000 with CMCD, 30 of them of players that were starting",
    "Stalls       3 told of, 1.50 for each thousand requests",
    "Bitrate      2.80 Mbit/s on average of 1200",
    "Buffer       1.23 s on average of 1990",
  ]);
});

it("says so when there is nothing", async () => {
  const nothing = await run({ ...WINDOW, minutes: 1, totals: IDLE, streams: [] }, ["edge", "--minutes", "1"]);
  expect(nothing.lines).toEqual(["No edge has counted anything in the last minute."]);
  const silent = await run({ ...WINDOW, stream: "radio", requests: 0, startups: 0, stalls: 0 }, [
    "qoe",
    "radio",
  ]);
  expect(silent.lines.join()).toMatch(/^No player of radio has said anything .* CMCD do\.$/);
});

it("speaks JSON", async () => {
  expect(JSON.parse((await run(EDGE, ["edge", "--json"])).lines.join(""))).toEqual(EDGE);
  expect(JSON.parse((await run(QOE, ["qoe", "radio", "--json"])).lines.join(""))).toEqual(QOE);
});

it("hands on a refusal, and what is no answer of origin's", async () => {
  const refusal = { type: "urn:millrace:problem:unknown-stream", title: "There is no such stream." };
  expect(await run(refusal, ["qoe", "nobody"], 404)).toMatchObject({ code: 1, lines: [refusal.title] });
  expect((await run({ totals: 1 }, ["edge"])).code).toBe(3);
});

it.each([
  ["edge", "--minutes", "0"],
  ["edge", "--minutes", "1441"],
  ["edge", "--minutes", "x"],
  ["qoe"],
  ["qoe", "../x"],
])("asks nothing when used wrongly: %s %s %s", async (...args) => {
  const { code } = await run(
    EDGE,
    args.filter((arg) => arg !== undefined),
  );
  expect(code).toBe(2);
  expect(origin.asked).toEqual([]);
});
