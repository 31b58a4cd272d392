/** The CLI against an HTTP server that records what it is asked: words, JSON, and exit codes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runCli } from "../../../cli/program.ts";
import { table } from "../../../cli/table.ts";

const RADIO = {
  id: "radio",
  title: "Night radio",
  profile: "low",
  reconnectSeconds: 60,
  allowAddresses: [],
  standby: "cold",
  access: "public",
  disabled: false,
  createdAt: "2026-11-21T03:04:05.000Z",
  live: true,
};

interface Asked {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly token: string | undefined;
  readonly body: string;
}

let server: Server;
let url: string;
let root: string;
let asked: Asked[];
let reply: { readonly status: number; readonly body: unknown };

beforeEach(async () => {
  asked = [];
  reply = { status: 200, body: RADIO };
  root = mkdtempSync(join(tmpdir(), "millrace-cli-"));
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push({ method: request.method, path: request.url, token: request.headers.authorization, body });
    response
      .writeHead(reply.status)
      .end(typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/_origin`;
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  return new Promise((resolve) => server.close(resolve));
});

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const printed: string[] = [];
  const complained: string[] = [];
  const code = await runCli(args, {
    env,
    root,
    print: (text) => printed.push(text),
    complain: (text) => complained.push(text),
  });
  return { code, out: printed.join("\n"), err: complained.join("\n") };
}

const here = () => ["--origin", url, "--token", "t"];

it("creates a stream and shows its key", async () => {
  reply = { status: 201, body: { ...RADIO, key: "secret-key" } };
  const options = ["--title", "Night radio", "--profile", "ultra", "--reconnect-seconds", "30"];
  const { code, out } = await run(["streams", "create", "radio", ...options, ...here()]);
  expect(code).toBe(0);
  expect(out).toContain("secret-key");
  expect(asked).toMatchObject([{ method: "POST", path: "/_origin/admin/streams", token: "Bearer t" }]);
  const sent: unknown = JSON.parse(asked[0]?.body ?? "");
  expect(sent).toEqual({ id: "radio", title: "Night radio", profile: "ultra", reconnectSeconds: 30 });
});

it.each([
  ["rotate-key", "rotate-key", { ...RADIO, key: "fresh-key" }, "fresh-key"],
  ["disable", "disable", { ...RADIO, disabled: true }, "Stream radio is disabled."],
  ["enable", "enable", RADIO, "Stream radio is enabled."],
] as const)("asks origin to %s", async (command, verb, body, words) => {
  reply = { status: 200, body };
  const { code, out } = await run(["streams", command, "radio", ...here()]);
  expect({ code, asked }).toMatchObject({
    code: 0,
    asked: [{ method: "POST", path: `/_origin/admin/streams/radio/${verb}`, body: "" }],
  });
  expect(out).toContain(words);
});

it("creates a stream that only some addresses may push to", async () => {
  reply = { status: 201, body: { ...RADIO, key: "secret-key" } };
  await run([
    "streams",
    "create",
    "radio",
    "--allow",
    "192.0.2.9/24",
    "--allow",
    "::1",
    "--standby",
    "warm",
    ...here(),
  ]);
  const sent: unknown = JSON.parse(asked[0]?.body ?? "");
  expect(sent).toEqual({ id: "radio", allowAddresses: ["192.0.2.0/24", "::1"], standby: "warm" });
});

it.each<[string, readonly string[], Record<string, unknown>]>([
  ["title", ["--title", ""], { title: "" }],
  ["profile", ["--profile", "ultra"], { profile: "ultra" }],
  ["wait", ["--reconnect-seconds", "0"], { reconnectSeconds: 0 }],
  ["standby", ["--standby", "off"], { standby: "off" }],
  ["access", ["--access", "private"], { access: "private" }],
  [
    "addresses",
    ["--allow", "2001:DB8::/32", "--allow", "192.0.2.7"],
    { allowAddresses: ["2001:db8::/32", "192.0.2.7"] },
  ],
  ["addresses, to all", ["--allow-all"], { allowAddresses: [] }],
  [
    "everything",
    ["--title", "T", "--standby", "warm", "--allow-all"],
    { title: "T", standby: "warm", allowAddresses: [] },
  ],
])("updates a stream's %s and nothing else", async (_what, options, settings) => {
  reply = { status: 200, body: { ...RADIO, ...settings } };
  expect((await run(["streams", "update", "radio", ...options, ...here()])).code).toBe(0);
  expect(asked).toMatchObject([{ method: "PATCH", path: "/_origin/admin/streams/radio", token: "Bearer t" }]);
  const sent: unknown = JSON.parse(asked[0]?.body ?? "");
  expect(sent).toEqual(settings);
});

it("shows one stream with all its settings", async () => {
  reply = { status: 200, body: { ...RADIO, title: "Night\nradio", allowAddresses: ["192.0.2.0/24", "::1"] } };
  const { code, out } = await run(["streams", "show", "radio", ...here()]);
  expect(code).toBe(0);
  expect(asked).toMatchObject([{ method: "GET", path: "/_origin/admin/streams/radio" }]);
  expect(out.split("\n")).toEqual([
    "Stream     radio",
    "Title      Night\u{fffd}radio",
    "State      live",
    "Profile    low",
    "Reconnect  60 s",
    "Standby    cold",
    "Access     public",
    "Allowed    192.0.2.0/24, ::1",
    "Created    2026-11-21 03:04",
  ]);
  reply = { status: 200, body: RADIO };
  expect((await run(["streams", "show", "radio", ...here()])).out).toContain("Allowed    all addresses");
});

it("lists streams as a table, and cleans what the terminal would obey", async () => {
  const evil = { ...RADIO, id: "x", title: "\u001b[31mred", live: false, disabled: true };
  const closed = { ...RADIO, id: "y", live: false, standby: "off", access: "private" };
  const [one, two] = [["192.0.2.7"], ["192.0.2.0/24", "::1"]];
  const streams = [RADIO, evil, { ...closed, allowAddresses: one }, { ...closed, allowAddresses: two }];
  reply = { status: 200, body: { streams } };
  const { code, out } = await run(["streams", "list", ...here()]);
  expect(code).toBe(0);
  expect(out.split("\n")).toEqual([
    "ID     STATE     PROFILE  RECONNECT  STANDBY  ACCESS   ALLOWED          CREATED           TITLE",
    "radio  live      low      60 s       cold     public   all              2026-11-21 03:04  Night radio",
    "x      disabled  low      60 s       cold     public   all              2026-11-21 03:04  \u{fffd}[31mred",
    "y      offline   low      60 s       off      private  192.0.2.7        2026-11-21 03:04  Night radio",
    "y      offline   low      60 s       off      private  192.0.2.0/24 +1  2026-11-21 03:04  Night radio",
  ]);
});

it("answers in JSON, wherever the option stands", async () => {
  reply = { status: 200, body: { streams: [RADIO] } };
  for (const args of [
    ["--json", "streams", "list"],
    ["streams", "list", "--json"],
  ]) {
    const { out } = await run([...args, ...here()]);
    const shown: unknown = JSON.parse(out);
    expect(shown).toEqual({ streams: [RADIO] });
  }
});

it.each([
  [
    "a refusal",
    409,
    { type: "urn:millrace:problem:stream-exists", title: "Exists.", detail: "Two\nlines" },
    1,
    "Exists. Two lines",
  ],
  [
    "something that is not origin",
    502,
    "<html>Bad gateway</html>",
    3,
    "Something that is not origin answered with status 502.",
  ],
  ["an answer without a key", 201, RADIO, 3, "answers, but not as origin does"],
] as const)("tells %s in one line", async (_name, status, body, code, words) => {
  reply = { status, body };
  const done = await run(["streams", "create", "radio", ...here()]);
  expect(done.code).toBe(code);
  expect(done.err).toContain(words);
  expect(done.err).not.toContain("\n");
  expect(done.out).toBe("");
});

it("says that nobody answers", async () => {
  const closed = url;
  await new Promise((resolve) => server.close(resolve));
  const { code, err } = await run(["streams", "list", "--origin", closed, "--token", "t"]);
  expect({ code, err }).toEqual({ code: 3, err: `Origin ${closed} does not answer (ECONNREFUSED).` });
  server = createServer().listen(0);
});

it.each([
  ["no command", []],
  ["an unknown command", ["streams", "burn", "radio"]],
  ["no id", ["streams", "create"]],
  ["a bad id", ["streams", "create", "No/Good"]],
  ["two ids", ["streams", "disable", "a", "b"]],
  ["a bad profile", ["streams", "create", "radio", "--profile", "fast"]],
  ["a bad number", ["streams", "create", "radio", "--reconnect-seconds", "-1"]],
  ["an update of nothing", ["streams", "update", "radio"]],
  ["an update of no stream", ["streams", "update", "--title", "T"]],
  ["a bad access", ["streams", "update", "radio", "--access", "secret"]],
  ["a bad standby", ["streams", "update", "radio", "--standby", "hot"]],
  ["a range that is none", ["streams", "update", "radio", "--allow", "127.1"]],
  ["a host's name as a range", ["streams", "create", "radio", "--allow", "example.com"]],
  ["all addresses, and some", ["streams", "update", "radio", "--allow-all", "--allow", "::1"]],
  ["all addresses from the start", ["streams", "create", "radio", "--allow-all"]],
  [
    "too many ranges",
    ["streams", "update", "radio", ...Array.from({ length: 65 }, (_, i) => `--allow=10.0.0.${i}`)],
  ],
] as const)("refuses %s as usage", async (_name, args) => {
  const { code, err } = await run([...args, ...(args.length > 0 ? here() : [])]);
  expect(code).toBe(2);
  expect(err).not.toBe("");
  expect(asked).toEqual([]);
});

it("shows help with examples and exit codes", async () => {
  const { code, out } = await run(["--help"]);
  expect(code).toBe(0);
  expect(out).toContain("Exit codes: 0 done, 1 refused by origin, 2 used wrongly, 3 origin not reached.");
  expect((await run(["streams", "--help"])).out).toContain("npm run millrace -- streams create radio");
});

it("finds origin and token: options, then environment, then a running npm start", async () => {
  reply = { status: 200, body: { streams: [] } };
  expect((await run(["streams", "list"])).code).toBe(2);
  mkdirSync(join(root, ".millrace"));
  writeFileSync(join(root, ".millrace", "dev.json"), JSON.stringify({ origin: url, adminToken: "from-dev" }));
  await run(["streams", "list"]);
  await run(["streams", "list"], { MILLRACE_ADMIN_TOKEN: "from-env" });
  await run(["streams", "list", "--token", "from-option"], { MILLRACE_ADMIN_TOKEN: "from-env" });
  expect(asked.map(({ token }) => token)).toEqual([
    "Bearer from-dev",
    "Bearer from-env",
    "Bearer from-option",
  ]);
});

it("never sends the token of a running npm start to another origin", async () => {
  mkdirSync(join(root, ".millrace"));
  const dev = { origin: "http://127.0.0.1:9/_origin", adminToken: "from-dev" };
  writeFileSync(join(root, ".millrace", "dev.json"), JSON.stringify(dev));
  const { code, err } = await run(["streams", "list"], { MILLRACE_ORIGIN: url });
  expect({ code, err }).toEqual({ code: 2, err: "Whose token? Give --token or MILLRACE_ADMIN_TOKEN." });
  expect(asked).toEqual([]);
});

it("draws tables without trailing spaces", () => {
  expect(table(["A", "B"], [["long", ""]])).toBe("A     B\nlong");
});
