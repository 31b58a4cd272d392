/** The commands for purges against an HTTP server that records what it is asked. */
import { createServer, type Server } from "node:http";
import { Command } from "commander";
import { afterEach, beforeEach, expect, it } from "vitest";
import { addPurge } from "../../../cli/commands/purge.ts";
import { CliExit } from "../../../cli/context.ts";
import type { PurgeRecord } from "../../../wire/purge.ts";

const PURGE: PurgeRecord = {
  id: "purge-1795219200000",
  at: "2026-11-21T03:04:05.678Z",
  prefixes: ["/live/radio/", "/live/news/"],
  soft: false,
  generation: 1_795_219_200_000,
};
const removal = (state: "running" | "done", removed: number, error?: string): PurgeRecord => ({
  ...PURGE,
  removal: { state, removed, ...(error !== undefined && { error }) },
});

let server: Server;
let url: string;
let asked: string[];
let replies: unknown[];

beforeEach(async () => {
  asked = [];
  replies = [PURGE];
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`.trim());
    response.end(JSON.stringify(replies.length > 1 ? replies.shift() : replies[0]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

async function run(...args: readonly string[]): Promise<readonly string[]> {
  const printed: string[] = [];
  const program = new Command().option("--origin <url>").option("--token <token>").option("--json");
  const print = (text: string) => printed.push(text);
  addPurge(program, { env: {}, root: "/nowhere", print, complain: print }, 1);
  await program.parseAsync([...args, "--origin", url, "--token", "t"], { from: "user" });
  return printed.join("\n").split("\n");
}

it.each([
  [["/live/radio/", "/live/news"], { prefixes: ["/live/radio/", "/live/news"] }],
  [["--soft", "/live/radio/"], { prefixes: ["/live/radio/"], soft: true }],
  [["--all"], { prefixes: [], all: true }],
  [["--all", "/"], { prefixes: ["/"], all: true }],
  [["--delete", "--yes", "/live/radio/"], { prefixes: ["/live/radio/"], delete: true }],
])("asks for %j", async (args, wanted) => {
  await run("purge", ...args);
  const [line = ""] = asked;
  expect(line.slice(0, line.indexOf("{"))).toBe("POST /purge Bearer t ");
  const sent: unknown = JSON.parse(line.slice(line.indexOf("{")));
  expect(sent).toEqual({ soft: false, delete: false, all: false, ...wanted });
});

it.each([
  [["/live/radio/", "--all"], 'Either --all, which is everything, or "/live/radio/".'],
  [[], "Which prefix? Give one, as /live/radio/, or --all."],
  [["/"], '"/" is everything: say --all if it is meant, or /live/<stream>/.'],
  [[""], '"" is everything: say --all if it is meant, or /live/<stream>/.'],
  [
    ["https://tv.example.com/live/radio/"],
    '"https://tv.example.com/live/radio/": A prefix is a path, without scheme and host.',
  ],
  [["--delete", "/live/radio/"], "What is deleted does not come back. Say --yes if it is meant."],
  [["--delete", "--yes", "--all"], "Not everything can be deleted at once. Name the streams."],
  [
    ["--delete", "--yes", "--soft", "/live/radio/"],
    "Either --soft or --delete: what is deleted cannot be served meanwhile.",
  ],
])("refuses %j before it asks", async (args, words) => {
  await expect(run("purge", ...args)).rejects.toEqual(new CliExit(2, words));
  expect(asked).toEqual([]);
});

it("shows a purge", async () => {
  replies = [
    {
      ...removal("running", 1, "Try \u001b[31magain."),
      zone: { state: "failed", attempts: 2, error: "Cloudflare answered 403" },
    },
  ];
  expect(await run("purges", "show", "purge-1")).toEqual([
    "Purge     purge-1795219200000: delete",
    "At        2026-11-21 03:04:05",
    "Prefixes  /live/radio/",
    "          /live/news/",
    "Removal   running, 1 object removed. Try \u{fffd}[31magain.",
    "Zone      failed, 2 attempts. Cloudflare answered 403",
  ]);
  expect(asked).toEqual(["GET /purge/purge-1 Bearer t"]);
});

it("waits for a removal, and answers how it ended", async () => {
  replies = [removal("running", 0), removal("running", 1000), removal("done", 1500)];
  const args = ["--delete", "--yes", "--wait", "/live/radio/"];
  expect(await run("purge", ...args)).toContain("Removal   done, 1500 objects removed");
  expect(asked.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
    "POST /purge",
    "GET /purge/purge-1795219200000",
    "GET /purge/purge-1795219200000",
  ]);
});

it("lists purges", async () => {
  replies = [
    {
      purges: [
        removal("done", 12),
        { ...PURGE, soft: true, prefixes: ["/"], zone: { state: "done", attempts: 1 } },
      ],
    },
  ];
  expect((await run("purges", "list")).map((line) => line.split(/ {2,}/))).toEqual([
    ["ID", "AT", "KIND", "REMOVAL", "ZONE", "PREFIXES"],
    ["purge-1795219200000", "2026-11-21 03:04:05", "delete", "done, 12", "/live/radio/ /live/news/"],
    ["purge-1795219200000", "2026-11-21 03:04:05", "soft", "done", "/"],
  ]);
  replies = [{ purges: [] }];
  expect(await run("purges", "list")).toEqual(["Nothing was purged yet."]);
});

it("answers in JSON", async () => {
  expect(JSON.parse((await run("purge", "/live/radio/", "--json")).join("\n"))).toEqual(PURGE);
});
