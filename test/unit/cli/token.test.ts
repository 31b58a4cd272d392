/** `millrace token` against an HTTP server that records what it is asked. */
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runCli } from "../../../cli/program.ts";

const SIGNED = { token: "a.b.c", expiresAt: "2026-11-22T07:04:05.000Z" };

let server: Server;
let url: string;
let asked: { readonly request: string; readonly body: unknown }[];
let reply: { readonly status: number; readonly body: unknown };

beforeEach(async () => {
  asked = [];
  reply = { status: 200, body: SIGNED };
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { method, url: path, headers } = request;
    asked.push({ request: `${method} ${path} ${headers.authorization}`, body: JSON.parse(body) });
    response.writeHead(reply.status).end(JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/_origin`;
});

afterEach(() => new Promise((resolve) => server.close(resolve)));

async function token(...args: readonly string[]) {
  const printed: string[] = [];
  const complained: string[] = [];
  const code = await runCli(["token", ...args, "--origin", url, "--token", "admin"], {
    env: {},
    root: "/nowhere",
    print: (text) => printed.push(text),
    complain: (text) => complained.push(text),
  });
  return { code, out: printed.join("\n"), said: complained.join("\n") };
}

it("prints the token alone, and beside it when it ends", async () => {
  expect(await token("--sub", "alice", "--role", "moderator")).toEqual({
    code: 0,
    out: "a.b.c",
    said: "Ends 2026-11-22 07:04:05 UTC",
  });
  expect(asked).toEqual([
    { request: "POST /_origin/admin/tokens Bearer admin", body: { sub: "alice", role: "moderator" } },
  ]);
});

it("answers in JSON, and says nothing else", async () => {
  const { code, out, said } = await token("--sub", "alice", "--json");
  expect([code, JSON.parse(out), said]).toEqual([0, SIGNED, ""]);
});

it.each<[string, readonly string[], Record<string, unknown>]>([
  ["nothing", [], {}],
  ["a name", ["--name", "Alice B."], { name: "Alice B." }],
  ["a role", ["--role", "owner"], { role: "owner" }],
  ["a time", ["--for", "30d"], { seconds: 2_592_000 }],
  ["badges", ["--badge", "follower", "--badge", "vip"], { badges: ["follower", "vip"] }],
  ["channels", ["--channel", "live:radio", "--channel", "live:tv"], { channels: ["live:radio", "live:tv"] }],
])("asks for %s and for nothing else", async (_what, options, wish) => {
  expect(await token("--sub", "bob", ...options)).toHaveProperty("code", 0);
  expect(asked.map(({ body }) => body)).toEqual([{ sub: "bob", ...wish }]);
});

it.each<[string, readonly string[], string]>([
  ["nobody", [], "--sub"],
  ["an empty name", ["--sub", ""], "sub: expected"],
  ["an id without end", ["--sub", "a".repeat(129)], "sub: expected"],
  ["a name of spaces", ["--sub", "a", "--name", "  "], "name: expected"],
  ["a role that there is not", ["--sub", "a", "--role", "king"], "moderator"],
  ["a time without a unit", ["--sub", "a", "--for", "30"], "7d"],
  ["no time at all", ["--sub", "a", "--for", "0h"], "7d"],
  ["more than a year", ["--sub", "a", "--for", "367d"], "a year at most"],
  ["a badge without a name", ["--sub", "a", "--badge", ""], "follower"],
  ["nine badges", ["--sub", "a", ...Array(9).fill(["--badge", "b"]).flat()], "badges: expected"],
  ["a channel without a name", ["--sub", "a", "--channel", ""], "live:radio"],
  ["seventeen channels", ["--sub", "a", ...Array(17).fill(["--channel", "c"]).flat()], "channels: expected"],
])("refuses %s before anyone is asked", async (_what, args, words) => {
  const { code, said } = await token(...args);
  expect(code).toBe(2);
  expect(said).toContain(words);
  expect(asked).toEqual([]);
});

it("tells what origin refuses", async () => {
  const title = "TOKEN_SECRET is not set on this origin.";
  reply = { status: 503, body: { type: "urn:millrace:problem:no-token-secret", title } };
  expect(await token("--sub", "alice")).toEqual({ code: 1, out: "", said: title });
});
