/** `millrace sign` against an HTTP server that records what it is asked. */
import { createServer, type Server } from "node:http";
import { Command, CommanderError } from "commander";
import { afterEach, beforeEach, expect, it } from "vitest";
import { addSign } from "../../../cli/commands/sign.ts";
import { CliExit } from "../../../cli/context.ts";

const SIGNED = {
  token: "a.b.c",
  expiresAt: "2026-11-21T07:04:05.000Z",
  access: "private",
  playlist: "/p/a.b.c/live/radio/index.m3u8",
  watch: "/p/a.b.c/watch/radio",
};

let server: Server;
let host: string;
let asked: {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly body: unknown;
}[];
let reply: { readonly status: number; readonly body: unknown };

beforeEach(async () => {
  asked = [];
  reply = { status: 200, body: SIGNED };
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push({ method: request.method, path: request.url, body: JSON.parse(body) });
    response.writeHead(reply.status).end(JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  host = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});

afterEach(() => new Promise((resolve) => server.close(resolve)));

async function sign(args: readonly string[], env: Record<string, string> = {}, path = "/_origin") {
  const printed: string[] = [];
  const quiet = { writeOut: () => undefined, writeErr: () => undefined };
  const program = new Command("millrace")
    .option("--origin <url>")
    .option("--token <token>")
    .option("--json")
    .exitOverride()
    .configureOutput(quiet);
  addSign(program, { env, root: "/nowhere", print: (text) => printed.push(text), complain: () => undefined });
  const all = ["sign", ...args, "--origin", `${host}${path}`, "--token", "t"];
  try {
    await program.parseAsync(all, { from: "user" });
    return { out: printed.join("\n") };
  } catch (error) {
    if (error instanceof CommanderError || error instanceof CliExit) return { error: error.message };
    throw error;
  }
}

it("prints addresses that can be pasted, and when they end", async () => {
  const { out } = await sign(["radio"]);
  expect(asked).toEqual([{ method: "POST", path: "/_origin/admin/streams/radio/sign", body: {} }]);
  expect(out?.split("\n")).toEqual([
    `Watch     ${host}/p/a.b.c/watch/radio`,
    `Playlist  ${host}/p/a.b.c/live/radio/index.m3u8`,
    "Ends      2026-11-21 07:04:05 UTC",
  ]);
});

it.each<[string, readonly string[], Record<string, unknown>]>([
  ["seconds", ["--for", "90s"], { seconds: 90 }],
  ["minutes", ["--for", "30m"], { seconds: 1800 }],
  ["hours", ["--for", "4h"], { seconds: 14_400 }],
  ["days", ["--for", "7d"], { seconds: 604_800 }],
  ["a begin", ["--from", "2026-12-24T19:00:00+01:00"], { notBefore: "2026-12-24T18:00:00.000Z" }],
  ["ranges", ["--ip", "192.0.2.9/24", "--ip", "2001:DB8::7"], { ip: ["192.0.2.0/24", "2001:db8::7"] }],
  ["a country", ["--country", "de"], { country: "DE" }],
  ["a height", ["--max-height", "720"], { maxHeight: 720 }],
  ["sound alone", ["--max-height", "0"], { maxHeight: 0 }],
])("asks for %s and for nothing else", async (_what, options, wish) => {
  expect(await sign(["radio", ...options])).toHaveProperty("out");
  expect(asked.map(({ body }) => body)).toEqual([wish]);
});

it.each<[string, readonly string[]]>([
  ["no stream", []],
  ["a stream that can be none", ["Radio"]],
  ["a time without a unit", ["radio", "--for", "30"]],
  ["no time at all", ["radio", "--for", "0h"]],
  ["more than a year", ["radio", "--for", "367d"]],
  ["a begin without a zone", ["radio", "--from", "2026-12-24T18:00:00"]],
  ["a begin that is none", ["radio", "--from", "soonZ"]],
  ["half an address", ["radio", "--ip", "127.1"]],
  ["a country's name", ["radio", "--country", "Germany"]],
  ["a height with a letter", ["radio", "--max-height", "720p"]],
  ["a height beyond all screens", ["radio", "--max-height", "9000"]],
  ["an edge that is no URL", ["radio", "--edge", "live.example.com"]],
])("refuses %s before anyone is asked", async (_what, args) => {
  expect(await sign(args)).toHaveProperty("error");
  expect(asked).toEqual([]);
});

it("takes the edge from the option, then the environment, and prints paths when it knows none", async () => {
  const env = { MILLRACE_EDGE: "https://env.example.com/" };
  const first = (text = "") => text.split("\n")[0];
  const option = await sign(["radio", "--edge", "https://live.example.com/"], env);
  expect(first(option.out)).toBe("Watch     https://live.example.com/p/a.b.c/watch/radio");
  expect(first((await sign(["radio"], env)).out)).toBe(
    "Watch     https://env.example.com/p/a.b.c/watch/radio",
  );
  const bare = await sign(["radio"], {}, "");
  expect(first(bare.out)).toBe("Watch     /p/a.b.c/watch/radio");
  expect(bare.out).toContain("MILLRACE_EDGE");
});

it("answers in JSON, with whole addresses where they are known", async () => {
  const known: unknown = JSON.parse((await sign(["radio", "--json"])).out ?? "");
  expect(known).toEqual({
    ...SIGNED,
    watchUrl: `${host}${SIGNED.watch}`,
    playlistUrl: `${host}${SIGNED.playlist}`,
  });
  const bare: unknown = JSON.parse((await sign(["radio", "--json"], {}, "")).out ?? "");
  expect(bare).toEqual(SIGNED);
});

it("says when it begins, and that a public stream needs no signature", async () => {
  reply = { status: 200, body: { ...SIGNED, access: "public" } };
  const { out } = await sign(["radio", "--from", "2026-11-21T03:04:05Z"]);
  expect(out).toContain("Begins    2026-11-21 03:04:05 UTC");
  expect(out).toContain("Stream radio is public: anyone may watch it without these.");
});

it("tells what origin refuses", async () => {
  const title = "TOKEN_SECRET is not set on this origin.";
  reply = { status: 503, body: { type: "urn:millrace:problem:no-token-secret", title } };
  expect(await sign(["radio"])).toEqual({ error: title });
});
