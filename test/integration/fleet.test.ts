/** The fleet in workerd: registering, silence, what happens to the sessions of a host that is gone, draining. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { SILENT_MS } from "../../durable-objects/core/fleet.ts";
import type { TranscoderRecord } from "../../wire/fleet.ts";
import { fleet, fleetAdmin } from "../../workers/origin/fleet.ts";
import { createStream, json, origin, SOURCE } from "./encoder.ts";

const TOKEN = { authorization: "Bearer test-transcoder-token" };
const BOOT = "00000000-0000-4000-8000-000000000001";
const NEXT_BOOT = "00000000-0000-4000-8000-000000000002";
const SESSION = "show-0123456789abcdefghjkmnpqrs.1";
const OTHER = "radio-0123456789abcdefghjkmnpqrs.7";
const bindings = { ...env, TRANSCODER_TOKEN: "test-transcoder-token" };
const object = env.FLEET.getByName("fleet");

interface Freed {
  readonly stream: string;
  readonly session: string;
  readonly transcoder: unknown;
  readonly certain: boolean;
}
let freed: Freed[];
let streamsFail: boolean;

beforeEach(async () => {
  [freed, streamsFail] = [[], false];
  await runInDurableObject(object, async (_object, state) => {
    await state.storage.deleteAll();
  });
  await restart();
});

/** Restart the object, with streams that write down what they are told; else with the real ones. */
async function restart(isReal = false): Promise<void> {
  await evictDurableObject(object);
  if (isReal) return;
  const getByName = (stream: string) => ({
    free: async (session: string, transcoder: unknown, certain: boolean) => {
      if (streamsFail) throw new Error("overloaded");
      freed.push({ stream, session, transcoder, certain });
    },
  });
  await runInDurableObject(object, (instance) => {
    const holder = instance as unknown as { env: unknown };
    holder.env = { LIVE_STREAM: { getByName } };
  });
}

/** Let time pass: what is stored moves into the past, and the object is restarted. */
async function age(ms: number, isReal = false): Promise<void> {
  await runInDurableObject(object, (_object, state) => {
    for (const [key, host] of [...state.storage.kv.list<{ lastSeenAt?: number; since?: number }>()])
      state.storage.kv.put(key, {
        ...host,
        ...(host.lastSeenAt !== undefined && { lastSeenAt: host.lastSeenAt - ms }),
        ...(host.since !== undefined && { since: host.since - ms }),
      });
  });
  await restart(isReal);
}

const REPORT = {
  boot: BOOT,
  version: "0.1.0",
  ffmpeg: "7.1",
  slots: 8,
  sessions: [SESSION],
  draining: false,
};

/** `PUT /transcoders/<id>`. */
const put = async (id: string, body: unknown, headers: Record<string, string> = TOKEN, with_ = bindings) =>
  fleet.request(`/${id}`, json("PUT", body, headers), with_);
const report = (id: string, changes: Record<string, unknown> = {}) => put(id, { ...REPORT, ...changes });
const list = async () => {
  const answer = await fleetAdmin.request("/", {}, bindings);
  return (await answer.json<{ transcoders: TranscoderRecord[] }>()).transcoders;
};
const drain = (id: string, verb = "drain") =>
  fleetAdmin.request(`/${id}/${verb}`, { method: "POST" }, bindings);
const nameOf = async (answer: Response) =>
  [answer.status, (await answer.json<{ type: string }>()).type.replace("urn:millrace:problem:", "")] as const;

describe("registering", () => {
  it("lists a host with what it carries", async () => {
    const answer = await report("tc-2", { url: "rtmps://a.example/live" });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ drain: false, heartbeatSeconds: 10 });
    await report("tc-1", { sessions: [] });
    expect(await list()).toMatchObject([
      { id: "tc-1", state: "up", slots: 8, sessions: [], freeSlots: 8 },
      { id: "tc-2", state: "up", url: "rtmps://a.example/live", sessions: [SESSION], freeSlots: 7 },
    ]);
    await evictDurableObject(object);
    expect(
      (await list()).map(({ id }) => id),
      "known after a restart",
    ).toEqual(["tc-1", "tc-2"]);
  });

  it("is closed without the right token, and where the origin has none", async () => {
    expect(await nameOf(await put("tc-1", REPORT, {}))).toEqual([401, "unauthorized"]);
    expect(await nameOf(await put("tc-1", REPORT, { authorization: "Bearer guess" }))).toEqual([
      401,
      "unauthorized",
    ]);
    const { TRANSCODER_TOKEN, ...without } = bindings;
    const answer = await fleet.request("/tc-1", json("PUT", REPORT, TOKEN), without);
    expect(await nameOf(answer)).toEqual([503, "no-transcoder-token"]);
    expect(await list()).toEqual([]);
  });

  it.each([
    ["no boot", { boot: undefined }],
    ["a boot that is no name of one", { boot: "x" }],
    ["half a slot", { slots: 0.5 }],
    ["more slots than sessions can be named", { slots: 1001 }],
    ["fewer slots than none", { slots: -1 }],
    ["a session that is none", { sessions: ["show.1"] }],
    ["a session of ordinal 0", { sessions: [SESSION.replace(/1$/, "0")] }],
    ["too many sessions", { sessions: Array(1001).fill(SESSION) }],
    ["a URL of the web", { url: "https://a.example" }],
    ["a URL with a line break", { url: "rtmp://a.example\n" }],
    ["an endless version", { version: "1".repeat(65) }],
    ["draining that is not yes or no", { draining: "no" }],
  ])("refuses %s", async (_what, changes) => {
    expect(await nameOf(await report("tc-1", changes))).toEqual([400, "malformed"]);
    expect(await list()).toEqual([]);
  });

  it.each(["-tc", "a%20b", "x".repeat(64), "tc%2F.."])("refuses the id %s", async (id) => {
    expect((await nameOf(await report(id)))[0]).toBe(404);
    expect(await list()).toEqual([]);
  });

  it("refuses a body that is too large, and other methods", async () => {
    const answer = await put("tc-1", { ...REPORT, more: "x".repeat(300_000) });
    expect(await nameOf(answer)).toEqual([413, "too-large"]);
    expect((await fleet.request("/tc-1", { method: "DELETE", headers: TOKEN }, bindings)).status).toBe(404);
  });

  it("has room for a thousand hosts", async () => {
    await report("tc-1");
    await runInDurableObject(object, (_object, state) => {
      const host = state.storage.kv.get<Record<string, unknown>>("host:tc-1");
      for (let i = 2; i <= 1000; i += 1) state.storage.kv.put(`host:tc-${i}`, { ...host, id: `tc-${i}` });
    });
    await restart();
    expect(await nameOf(await report("one-more"))).toEqual([409, "too-many-transcoders"]);
    expect((await report("tc-1000")).status).toBe(200);
    expect(await list()).toHaveLength(1000);
  });

  it("refuses a process that another has replaced under the same id", async () => {
    await report("tc-1");
    await report("tc-1", { boot: NEXT_BOOT, sessions: [] });
    expect(await nameOf(await report("tc-1"))).toEqual([409, "superseded"]);
    expect(await list()).toMatchObject([{ sessions: [] }]);
  });
});

describe("a host that goes away", () => {
  const orphan = (session: string, certain: boolean) => ({
    stream: session.split("-")[0],
    session,
    transcoder: { id: "tc-1", boot: BOOT },
    certain,
  });

  it("leaves its sessions at once when it says goodbye", async () => {
    await report("tc-1", { sessions: [SESSION, OTHER], stopping: true });
    await vi.waitFor(() => expect(freed).toEqual([orphan(OTHER, true), orphan(SESSION, true)]));
    expect(await list()).toMatchObject([{ state: "stopped", sessions: [], freeSlots: 0 }]);
  });

  it("leaves its sessions when it registers with another boot", async () => {
    await report("tc-1");
    await report("tc-1", { boot: NEXT_BOOT, sessions: [] });
    await vi.waitFor(() => expect(freed).toEqual([orphan(SESSION, true)]));
    expect(await list()).toMatchObject([{ state: "up" }]);
  });

  it("is silent after half a minute; its streams are told once, and that it may be alive", async () => {
    await report("tc-1");
    await age(SILENT_MS - 2_000);
    await runDurableObjectAlarm(object);
    expect([await list(), freed]).toMatchObject([[{ state: "up" }], []]);
    await age(2_000);
    await runDurableObjectAlarm(object);
    expect([await list(), freed]).toMatchObject([
      [{ state: "silent", freeSlots: 0 }],
      [orphan(SESSION, false)],
    ]);
    await runInDurableObject(object, (instance) => instance.alarm());
    expect(freed, "the alarm may run twice").toHaveLength(1);
    await report("tc-1");
    expect(await list()).toMatchObject([{ state: "up", sessions: [SESSION] }]);
  });

  it("is looked for without anyone asking, however often others report", async () => {
    await report("tc-1");
    await report("tc-2", { sessions: [] });
    const alarm = () => runInDurableObject(object, (_object, state) => state.storage.getAlarm());
    const at = await alarm();
    expect(at).toBeGreaterThan(Date.now());
    expect(at).toBeLessThanOrEqual(Date.now() + SILENT_MS);
    await report("tc-2", { sessions: [] });
    expect(await alarm(), "a heartbeat does not write it again").toBe(at);
    await runDurableObjectAlarm(object);
    expect(await alarm(), "set anew for what comes next").toBeGreaterThan(Date.now());
  });

  it("is forgotten after a day, drained or not", async () => {
    await report("tc-1", { sessions: [] });
    await drain("tc-1");
    await age(SILENT_MS);
    await runDurableObjectAlarm(object);
    expect(await list()).toMatchObject([{ state: "silent", draining: true }]);
    await age(24 * 3_600_000);
    await runDurableObjectAlarm(object);
    expect(await list()).toEqual([]);
    const left = await runInDurableObject(object, (_object, state) => [...state.storage.kv.list()].length);
    expect(left).toBe(0);
  });

  it("has its streams told again until they hear it, also after a restart", async () => {
    streamsFail = true;
    await report("tc-1", { stopping: true });
    await runDurableObjectAlarm(object);
    await restart();
    await runDurableObjectAlarm(object);
    expect(freed).toEqual([]);
    streamsFail = false;
    await runDurableObjectAlarm(object);
    expect(freed).toEqual([orphan(SESSION, true)]);
    await runInDurableObject(object, (instance) => instance.alarm());
    expect(freed).toHaveLength(1);
  });

  it("is not told of for ever to a stream that never hears", async () => {
    streamsFail = true;
    await report("tc-1", { stopping: true });
    await age(60_000);
    await runDurableObjectAlarm(object);
    streamsFail = false;
    await runInDurableObject(object, (instance) => instance.alarm());
    expect(freed).toEqual([]);
  });
});

describe("draining", () => {
  it("is told with the next report, holds over a reboot of the host, and is taken back", async () => {
    await report("tc-1");
    const answer = await drain("tc-1");
    expect(await answer.json()).toMatchObject({
      id: "tc-1",
      state: "draining",
      draining: true,
      freeSlots: 0,
    });
    const wanted = async (changes = {}) => (await report("tc-1", changes)).json();
    expect(await wanted()).toMatchObject({ drain: true });
    await restart();
    expect(await wanted({ boot: NEXT_BOOT, sessions: [] })).toMatchObject({ drain: true });
    expect(await (await drain("tc-1", "undrain")).json()).toMatchObject({ state: "up", freeSlots: 8 });
    expect(await wanted({ boot: NEXT_BOOT, sessions: [] })).toMatchObject({ drain: false });
    expect(
      freed.map(({ session }) => session),
      "draining frees nothing; the reboot did",
    ).toEqual([SESSION]);
  });

  it("of a host that nobody knows is refused", async () => {
    expect(await nameOf(await drain("nobody"))).toEqual([404, "unknown-transcoder"]);
    expect(await nameOf(await drain("nobody", "undrain"))).toEqual([404, "unknown-transcoder"]);
    expect(await list()).toEqual([]);
  });
});

describe("a session whose host is gone", () => {
  const transcoder = { id: "tc-1", boot: BOOT };
  const open = async (key: string, host: unknown) =>
    origin("/ingest/sessions", json("POST", { key, source: SOURCE, transcoder: host }));

  it("is closed in its stream, so that the encoder may come back elsewhere at once", async () => {
    await restart(true);
    const key = await createStream("orphaned");
    const { session } = await (await open(key, transcoder)).json<{ session: string }>();
    const elsewhere = { id: "tc-2", boot: NEXT_BOOT };
    expect((await open(key, elsewhere)).status, "while its host is there").toBe(409);
    await report("tc-3", { sessions: [session], stopping: true });
    expect((await open(key, elsewhere)).status, "another host cannot give it up").toBe(409);
    await report("tc-1", { sessions: [session] });
    await age(SILENT_MS, true);
    await runDurableObjectAlarm(object);
    expect((await open(key, elsewhere)).status, "a silent host whose session was heard").toBe(409);
    await report("tc-1", { sessions: [session], stopping: true });
    await vi.waitFor(async () => expect((await open(key, elsewhere)).status).toBe(201));
  });
});
