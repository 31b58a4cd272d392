/** The commands for transcoders against an HTTP server that records what it is asked. */
import { createServer, type Server } from "node:http";
import { Command } from "commander";
import { afterEach, beforeEach, expect, it } from "vitest";
import { addTranscoders } from "../../../cli/commands/transcoders.ts";
import type { TranscoderRecord } from "../../../wire/fleet.ts";

const HOST: TranscoderRecord = {
  id: "ingest-1",
  state: "up",
  version: "0.1.0",
  ffmpeg: "7.1",
  url: "rtmp://ingest-1.example/live",
  slots: 8,
  sessions: ["show-0123456789abcdefghjkmnpqrs.1"],
  freeSlots: 7,
  draining: false,
  lastSeenAt: "2026-11-21T03:04:05.678Z",
};

let server: Server;
let url: string;
let asked: string[];
let body: unknown;

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

async function run(...args: readonly string[]): Promise<string> {
  const printed: string[] = [];
  const program = new Command().option("--origin <url>").option("--token <token>").option("--json");
  const print = (text: string) => printed.push(text);
  addTranscoders(program, { env: {}, root: "/nowhere", print, complain: print });
  await program.parseAsync(["transcoders", ...args, "--origin", url, "--token", "t"], { from: "user" });
  return printed.join("\n");
}

it("lists hosts with what they carry", async () => {
  body = { transcoders: [HOST, { ...HOST, id: "b\u001b[31m", state: "silent", sessions: [], freeSlots: 0 }] };
  const out = await run("list");
  expect(asked).toEqual(["GET /admin/transcoders Bearer t"]);
  expect(out.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["ID", "STATE", "SESSIONS", "FREE", "VERSION", "FFMPEG", "LAST SEEN", "URL"],
    ["ingest-1", "up", "1 of 8", "7", "0.1.0", "7.1", "2026-11-21 03:04:05", HOST.url],
    ["b\u{fffd}[31m", "silent", "0 of 8", "0", "0.1.0", "7.1", "2026-11-21 03:04:05", HOST.url],
  ]);
});

it("says how hosts come to be listed when there are none, and speaks JSON", async () => {
  body = { transcoders: [] };
  expect(await run("list")).toContain("MILLRACE_TRANSCODER_TOKEN");
  body = { transcoders: [HOST] };
  expect(JSON.parse(await run("list", "--json"))).toEqual(body);
});

it.each([
  ["drain", true, "Transcoder ingest-1 takes no new encoders, within ten seconds. 1 session is on it now."],
  ["undrain", false, "Transcoder ingest-1 takes encoders again, within ten seconds."],
] as const)("asks origin to %s", async (verb, draining, words) => {
  body = { ...HOST, draining };
  expect(await run(verb, "ingest-1")).toBe(words);
  expect(asked).toEqual([`POST /admin/transcoders/ingest-1/${verb} Bearer t`]);
});

it("cannot be led to another route by an id", async () => {
  body = HOST;
  await run("drain", "../streams/x");
  expect(asked).toEqual(["POST /admin/transcoders/..%2Fstreams%2Fx/drain Bearer t"]);
});
