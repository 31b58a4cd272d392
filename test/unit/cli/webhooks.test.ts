/** `millrace webhooks …` against an HTTP server that records what it is asked. */
import { createServer, type Server } from "node:http";
import { Command, CommanderError } from "commander";
import { afterEach, beforeEach, expect, it } from "vitest";
import { addWebhooks } from "../../../cli/commands/webhooks.ts";
import { CliExit } from "../../../cli/context.ts";
import type { WebhookRecord } from "../../../wire/webhooks.ts";

const HOOK: WebhookRecord = {
  id: "wh_1",
  url: "https://example.com/hook",
  streams: [],
  events: [],
  createdAt: "2026-11-21T03:04:05.000Z",
  lost: 0,
};

interface Asked {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly token: string | undefined;
  readonly body: string;
}

let server: Server;
let url: string;
let asked: Asked[];
let reply: { readonly status: number; readonly body: unknown };

beforeEach(async () => {
  asked = [];
  reply = { status: 200, body: HOOK };
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push({ method: request.method, path: request.url, token: request.headers.authorization, body });
    response.writeHead(reply.status).end(JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/_origin`;
});

afterEach(() => new Promise((resolve) => server.close(resolve)));

/** Run the command alone; its exit code is commander's or the CLI's. */
async function run(...args: readonly string[]) {
  const printed: string[] = [];
  const complained: string[] = [];
  const around = {
    env: { MILLRACE_ORIGIN: url, MILLRACE_ADMIN_TOKEN: "t" },
    root: "/nowhere",
    print: (text: string) => printed.push(text),
    complain: (text: string) => complained.push(text),
  };
  const program = new Command("millrace").option("--json").exitOverride();
  program.configureOutput({ writeOut: around.print, writeErr: around.complain });
  addWebhooks(program, around);
  for (const group of program.commands)
    for (const command of [group, ...group.commands]) command.copyInheritedSettings(program);
  let code: number | "usage" = 0;
  try {
    await program.parseAsync(["webhooks", ...args], { from: "user" });
  } catch (error) {
    if (error instanceof CliExit) {
      code = error.code;
      complained.push(error.message);
    } else if (error instanceof CommanderError) code = error.exitCode === 0 ? 0 : "usage";
    else throw error;
  }
  return { code, out: printed.join("\n"), err: complained.join("\n") };
}

it("makes a webhook, and shows its secret", async () => {
  reply = { status: 201, body: { ...HOOK, secret: "whsec_abc=" } };
  const filters = ["--stream", "radio", "--stream", "tv", "--event", "broadcast.ended"];
  const { code, out } = await run("create", ...filters, HOOK.url);
  expect({ code, out }).toEqual({
    code: 0,
    out: "Webhook wh_1 is made. Its secret, shown only this once:\nwhsec_abc=",
  });
  expect(asked).toMatchObject([{ method: "POST", path: "/_origin/admin/webhooks", token: "Bearer t" }]);
  const sent: unknown = JSON.parse(asked[0]?.body ?? "");
  expect(sent).toEqual({ url: HOOK.url, streams: ["radio", "tv"], events: ["broadcast.ended"] });
});

it("sends no filter that was not given", async () => {
  reply = { status: 201, body: { ...HOOK, secret: "whsec_abc=" } };
  await run("create", HOOK.url);
  const sent: unknown = JSON.parse(asked[0]?.body ?? "");
  expect(sent).toEqual({ url: HOOK.url });
});

it("lists webhooks, how each does, and what failed last", async () => {
  const success = "2026-11-21T05:00:00.000Z";
  const failure = (at: string, words: string) => ({ lastFailure: { at, words } });
  const webhooks: readonly WebhookRecord[] = [
    { ...HOOK, lastSuccessAt: success, ...failure("2026-11-21T04:00:00.000Z", "old") },
    {
      ...HOOK,
      id: "wh_2",
      streams: ["radio", "tv"],
      events: ["broadcast.ended"],
      lost: 3,
      lastSuccessAt: success,
      ...failure("2026-11-21T06:00:00.000Z", "broadcast.ended: answered 500\u001b[2J"),
    },
    { ...HOOK, id: "wh_3", disabledAt: success, ...failure(success, "answered 410 Gone") },
    { ...HOOK, id: "wh_4" },
  ];
  reply = { status: 200, body: { webhooks } };
  const { code, out } = await run("list");
  expect(code).toBe(0);
  expect(asked).toMatchObject([{ method: "GET", path: "/_origin/admin/webhooks" }]);
  expect(out.split("\n")).toEqual([
    "ID    STATE     STREAMS   EVENTS  LOST  URL                       LAST FAILURE",
    "wh_1  good      all       all     0     https://example.com/hook  2026-11-21 04:00 old",
    "wh_2  failing   radio,tv  ended   3     https://example.com/hook  2026-11-21 06:00 broadcast.ended: answered 500\u{fffd}[2J",
    "wh_3  disabled  all       all     0     https://example.com/hook  2026-11-21 05:00 answered 410 Gone",
    "wh_4  unused    all       all     0     https://example.com/hook",
  ]);
});

it("says how to make the first one", async () => {
  reply = { status: 200, body: { webhooks: [] } };
  expect((await run("list")).out).toBe("There are no webhooks yet. Make one with: webhooks create <url>");
});

it("removes a webhook", async () => {
  reply = { status: 200, body: { id: "wh_1", removed: true } };
  expect(await run("remove", "wh_1")).toMatchObject({ code: 0, out: "Webhook wh_1 is removed." });
  expect(asked).toMatchObject([{ method: "DELETE", path: "/_origin/admin/webhooks/wh_1" }]);
});

it("tells that a test event was taken", async () => {
  const body = {
    message: "msg_test_1",
    delivered: true,
    milliseconds: 12,
    status: 204,
    words: "answered 204",
  };
  reply = { status: 200, body };
  expect(await run("test", "wh_1")).toEqual({ code: 0, out: "Delivered in 12 ms: answered 204", err: "" });
  expect(asked).toMatchObject([{ method: "POST", path: "/_origin/admin/webhooks/wh_1/test" }]);
  expect(JSON.parse((await run("test", "wh_1", "--json")).out)).toEqual(body);
});

it("tells what a receiver said that did not take it, and fails", async () => {
  const body = {
    message: "msg_test_1",
    delivered: false,
    milliseconds: 12,
    status: 401,
    words: "answered 401",
  };
  reply = { status: 200, body: { ...body, body: "who\nare you?" } };
  expect(await run("test", "wh_1")).toEqual({
    code: 1,
    out: "Not delivered in 12 ms: answered 401:\nwho\u{fffd}are you?",
    err: "Webhook wh_1 did not take the test event.",
  });
});

it("passes a refusal of origin on", async () => {
  reply = {
    status: 404,
    body: { type: "urn:millrace:problem:unknown-webhook", title: "There is no such webhook." },
  };
  expect(await run("remove", "wh_9")).toEqual({ code: 1, out: "", err: "There is no such webhook." });
});

it.each([
  ["no URL", ["create"]],
  ["half a URL", ["create", "example.com/hook"]],
  ["another protocol", ["create", "ftp://example.com/hook"]],
  ["a bad stream", ["create", HOOK.url, "--stream", "No/Good"]],
  ["an unknown event", ["create", HOOK.url, "--event", "broadcast.paused"]],
  ["no id", ["remove"]],
] as const)("refuses %s as usage", async (_what, args) => {
  const { code, err } = await run(...args);
  expect(code).toBe("usage");
  expect(err).not.toBe("");
  expect(asked).toEqual([]);
});
