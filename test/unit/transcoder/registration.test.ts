/** Registering with an origin that is a small HTTP server: what is sent, what is heard, and what is made of trouble. */
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LogEvent } from "../../../transcoder/log.ts";
import {
  createRegistration,
  type Registration,
  type RegistrationOptions,
} from "../../../transcoder/registration.ts";
import { ReportSchema } from "../../../wire/fleet.ts";
import { parse } from "../../../wire/parse.ts";

const SESSION = "show-0123456789abcdefghjkmnpqrs.1";

interface Asked {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly token: string | undefined;
  readonly report: unknown;
}

let server: Server;
let origin: string;
let asked: Asked[];
let events: LogEvent[];
/** `undefined` hangs. */
let reply: { readonly status: number; readonly body: unknown } | undefined;
let registration: Registration | undefined;

beforeEach(async () => {
  [asked, events] = [[], []];
  reply = { status: 200, body: { drain: false, heartbeatSeconds: 10 } };
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { method, url: path, headers } = request;
    asked.push({ method, path, token: headers.authorization, report: JSON.parse(body) });
    if (!reply) return;
    response
      .writeHead(reply.status)
      .end(typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});

afterEach(async () => {
  await registration?.stop();
  registration = undefined;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A registration; by default it never beats twice in a test. */
function make(options: Partial<RegistrationOptions> = {}): Registration {
  registration = createRegistration({
    origin,
    token: "secret",
    id: "tc-1",
    boot: "00000000-0000-4000-8000-000000000001",
    describe: () => ({ version: "0.1.0", ffmpeg: "7.1", slots: 8, sessions: [SESSION] }),
    log: (event) => events.push(event),
    ...options,
  });
  return registration;
}
const names = () => events.map(({ event, reason }) => (reason === undefined ? event : `${event}: ${reason}`));

it("says who it is, as origin understands it", async () => {
  await make().start();
  expect(asked).toMatchObject([{ method: "PUT", path: "/transcoders/tc-1", token: "Bearer secret" }]);
  const report = parse(ReportSchema, asked[0]?.report);
  expect(report).toMatchObject({
    ok: true,
    value: { slots: 8, sessions: [SESSION], draining: false, stopping: false },
  });
  expect(names()).toEqual(["registered"]);
});

it("reports again and again, and asks anew each time what to report", async () => {
  let slots = 0;
  await make({
    heartbeatSeconds: 0.01,
    describe: () => {
      slots += 1;
      return { version: "0.1.0", ffmpeg: "7.1", slots, sessions: [] };
    },
  }).start();
  await vi.waitFor(() => expect(asked.length).toBeGreaterThan(3));
  expect(asked.slice(0, 3).map(({ report }) => report)).toMatchObject([
    { slots: 1 },
    { slots: 2 },
    { slots: 3 },
  ]);
  expect(names(), "told once").toEqual(["registered"]);
});

it("is drained and undrained as origin says, and reports that it is", async () => {
  reply = { status: 200, body: { drain: true, heartbeatSeconds: 10 } };
  const made = make({ heartbeatSeconds: 0.01 });
  await made.start();
  expect(made.draining, "known before the first encoder comes").toBe(true);
  await vi.waitFor(() => expect(asked.at(-1)?.report).toMatchObject({ draining: true }));
  reply = { status: 200, body: { drain: false, heartbeatSeconds: 10 } };
  await vi.waitFor(() => expect(made.draining).toBe(false));
  await vi.waitFor(() => expect(asked.at(-1)?.report).toMatchObject({ draining: false }));
  expect(names()).toEqual(["registered", "drain-begun", "drain-ended"]);
});

it("stays drained while origin is away", async () => {
  reply = { status: 200, body: { drain: true, heartbeatSeconds: 10 } };
  const made = make({ heartbeatSeconds: 0.01 });
  await made.start();
  reply = { status: 500, body: "no" };
  await vi.waitFor(() => expect(names()).toContain("unregistered: unreadable"));
  expect(made.draining).toBe(true);
});

it.each([
  [
    "an origin that has no token",
    { status: 503, body: { type: "urn:millrace:problem:no-transcoder-token", title: "Not set." } },
    "no-transcoder-token",
  ],
  [
    "a wrong token",
    { status: 401, body: { type: "urn:millrace:problem:unauthorized", title: "No." } },
    "unauthorized",
  ],
  [
    "an id that another has",
    { status: 409, body: { type: "urn:millrace:problem:superseded", title: "No." } },
    "superseded",
  ],
  ["something that is no origin", { status: 200, body: "<html>" }, "unreadable"],
] as const)("logs %s once, goes on trying, and says when it is over", async (_what, trouble, reason) => {
  reply = trouble;
  await make({ heartbeatSeconds: 0.01 }).start();
  await vi.waitFor(() => expect(asked.length).toBeGreaterThan(3));
  expect(names()).toEqual([`unregistered: ${reason}`]);
  expect(events[0]).toMatchObject({ level: "warning" });
  reply = { status: 200, body: { drain: false, heartbeatSeconds: 10 } };
  await vi.waitFor(() => expect(names()).toEqual([`unregistered: ${reason}`, "registered"]));
});

it("does not mind that nobody is there", async () => {
  await make({ origin: "http://127.0.0.1:9" }).start();
  expect(names()).toEqual(["unregistered: unreachable"]);
});

it("sends nothing without a token, and says so once", async () => {
  const made = make({ token: undefined });
  await made.start();
  await made.stop();
  expect(asked).toEqual([]);
  expect(names()).toEqual(["unregistered: no-token"]);
});

describe("a goodbye", () => {
  it("is the last that is heard, with what was left", async () => {
    const made = make({ heartbeatSeconds: 0.01 });
    await made.start();
    await made.stop();
    await made.stop();
    const count = asked.length;
    expect(asked.at(-1)?.report).toMatchObject({ stopping: true, draining: true, sessions: [SESSION] });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked).toHaveLength(count);
    expect(names()).toEqual(["registered"]);
  });

  it("does not wait for a report that hangs, nor for an origin that does", { timeout: 10_000 }, async () => {
    reply = undefined;
    const made = make();
    const starting = made.start();
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    await made.stop();
    await starting;
    expect(names(), "a report that was called off is no trouble").toEqual([]);
  });
});
