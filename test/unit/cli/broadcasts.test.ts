/** The commands for broadcasts against an HTTP server that records what it is asked. */
import { Command } from "commander";
import { expect, it } from "vitest";
import { addBroadcasts } from "../../../cli/commands/broadcasts.ts";
import { CliExit } from "../../../cli/context.ts";
import type { BroadcastRecord, Missing } from "../../../wire/broadcasts.ts";
import { useFakeOrigin } from "./fake-origin.ts";

const ID = `radio-${"7k2m9q4v1c8x3z6b5n0t4w8y2r"}`;
const RECORD: BroadcastRecord = {
  id: ID,
  stream: "radio",
  state: "ended",
  startedAt: "2026-11-21T03:04:05.678Z",
  endedAt: "2026-11-21T05:10:00.000Z",
  sessions: [
    { ordinal: 1, openedAt: "2026-11-21T03:04:05.678Z", closedAt: "2026-11-21T05:10:00.000Z" },
    { ordinal: 2, openedAt: "2026-11-21T03:04:05.678Z", transcoder: "ingest-1" },
  ],
  segments: 3777,
  seconds: 7554.2,
  gaps: 0,
};
const REPORT = {
  segments: 3777,
  seconds: 7554.2,
  objects: 15_108,
  bytes: 3_221_225_472,
  missingCount: 0,
  gaps: 0,
  removed: 12,
  missing: [],
  checkedAt: "2026-11-21T05:11:00.000Z",
  final: false,
};

const origin = useFakeOrigin();

async function run(body: unknown, ...args: readonly string[]): Promise<readonly string[]> {
  origin.reply = { status: 200, body };
  const printed: string[] = [];
  const program = new Command().option("--origin <url>").option("--token <token>").option("--json");
  const print = (text: string) => printed.push(text);
  addBroadcasts(program, { env: {}, root: "/nowhere", print, complain: print });
  await program.parseAsync(["broadcasts", ...args, "--origin", origin.url, "--token", "t"], { from: "user" });
  return printed.join("\n").split("\n");
}

it("lists a stream's broadcasts", async () => {
  const { id, state, startedAt, endedAt } = RECORD;
  const out = await run(
    {
      broadcasts: [
        { id, state, startedAt, endedAt },
        { id: "b", state: "live", startedAt },
      ],
    },
    "list",
    "radio",
  );
  expect(origin.asked).toEqual(["GET /admin/streams/radio/broadcasts Bearer t"]);
  expect(out.map((line) => line.split(/ {2,}/))).toEqual([
    ["ID", "STATE", "STARTED", "ENDED"],
    [ID, "ended", "2026-11-21 03:04:05", "2026-11-21 05:10:00"],
    ["b", "live", "2026-11-21 03:04:05"],
  ]);
  expect(await run({ broadcasts: [] }, "list", "radio")).toEqual(["This stream has had no broadcast yet."]);
});

it("shows one that is whole", async () => {
  const checked = { ...RECORD, report: REPORT, checkAt: "2026-11-28T05:10:00.000Z" };
  expect(await run(checked, "show", ID)).toEqual([
    `Broadcast  ${ID}: ended`,
    "Started    2026-11-21 03:04:05, ended 2026-11-21 05:10:00",
    "Length     2:05:54 in 3777 segments of 2 sessions",
    "Gaps       none",
    "Checked    2026-11-21 05:11:00: 15108 objects, 3072.0 MiB, nothing is missing",
    "Next check 2026-11-28 05:10:00",
  ]);
  expect(origin.asked).toEqual([`GET /admin/broadcasts/${ID} Bearer t`]);
  expect(JSON.parse((await run(checked, "show", ID, "--json")).join(""))).toEqual(checked);
});

it("names what is missing, but not without end", async () => {
  const missing: Missing[] = [
    { session: 1, rendition: "audio", why: "absent" },
    ...Array.from({ length: 30 }, (_, msn): Missing => ({ session: 2, rendition: "v720", msn, why: "gap" })),
  ];
  const report = { ...REPORT, final: true, missing, missingCount: 400, gaps: 399 };
  const out = await run({ ...RECORD, gaps: 1, report }, "show", ID);
  expect(out[3]).toBe("Gaps       1 object");
  expect(out.slice(4, 7)).toEqual([
    "Checked    2026-11-21 05:11:00, for the last time: 15108 objects, 3072.0 MiB, 400 objects missing",
    "           1/audio/init.mp4 is not in the bucket",
    "           2/v720/seg-0.m4s never came",
  ]);
  expect(out.slice(-1)).toEqual(["           and 380 more"]);
});

it("says so when nothing was compared yet, and when there is nothing to compare", async () => {
  expect(await run(RECORD, "show", ID)).toContain("Checked    not yet");
  const { endedAt: _endedAt, ...live } = RECORD;
  expect((await run({ ...live, state: "live" }, "show", ID)).join()).not.toContain("Checked");
});

it("asks for a check, and hands on a refusal", async () => {
  await run(RECORD, "check", ID);
  expect(origin.asked).toEqual([`POST /admin/broadcasts/${ID}/check Bearer t`]);
  origin.reply = {
    status: 404,
    body: { type: "urn:millrace:problem:unknown-broadcast", title: "There is none." },
  };
  const refused = (async () => {
    const program = new Command().option("--origin <url>").option("--token <token>").option("--json");
    addBroadcasts(program, { env: {}, root: "/nowhere", print: () => {}, complain: () => {} });
    await program.parseAsync(["broadcasts", "show", ID, "--origin", origin.url, "--token", "t"], {
      from: "user",
    });
  })();
  await expect(refused).rejects.toThrow(CliExit);
});
