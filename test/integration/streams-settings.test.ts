/** Settings of streams over the admin API, and what they mean for an encoder that knocks. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { StreamRecord } from "../../wire/admin.ts";
import type { SessionGrant } from "../../wire/ingest.ts";
import { originApp } from "../../workers/origin/app.ts";
import { ADMIN, createStream, json, origin, SOURCE } from "./encoder.ts";

const patch = (id: string, settings: unknown): Promise<Response> =>
  origin(`/admin/streams/${id}`, json("PATCH", settings, ADMIN));

const show = async (id: string): Promise<StreamRecord> =>
  (await origin(`/admin/streams/${id}`, { headers: ADMIN })).json<StreamRecord>();

const knock = (claim: Record<string, unknown>): Promise<Response> =>
  origin("/ingest/sessions", json("POST", { source: SOURCE, ...claim }));

interface Refused {
  readonly status: number;
  readonly type: string;
  readonly detail?: string;
}

/** The problem that an answer is. */
async function problemOf(answer: Promise<Response>): Promise<Refused> {
  const response = await answer;
  const body = await response.json<Refused>();
  expect(body.status).toBe(response.status);
  return body;
}

/** What a problem of this name looks like. */
const named = (status: number, name: string) => ({ status, type: `urn:millrace:problem:${name}` });

describe("settings", () => {
  it("begin as they are given, or open and cold", async () => {
    await createStream("settings-none");
    expect(await show("settings-none")).toMatchObject({ allowAddresses: [], standby: "cold" });
    await createStream("settings-some", { allowAddresses: ["192.0.2.9/24", "2001:DB8::7"], standby: "warm" });
    expect(await show("settings-some")).toMatchObject({
      allowAddresses: ["192.0.2.0/24", "2001:db8::7"],
      standby: "warm",
    });
  });

  it.each<[string, Record<string, unknown>, Partial<StreamRecord>]>([
    ["title", { title: " Night radio " }, { title: "Night radio" }],
    ["empty title", { title: "" }, { title: "" }],
    ["profile", { profile: "ultra" }, { profile: "ultra" }],
    ["wait", { reconnectSeconds: 0 }, { reconnectSeconds: 0 }],
    ["allow-list", { allowAddresses: ["::ffff:192.0.2.1"] }, { allowAddresses: ["192.0.2.1"] }],
    ["lack of an allow-list", { allowAddresses: [] }, { allowAddresses: [] }],
    ["standby", { standby: "off" }, { standby: "off" }],
    ["several at once", { title: "T", standby: "warm" }, { title: "T", standby: "warm" }],
  ])("change one by one: %s", async (what, settings, shown) => {
    const id = `settings-${what.replaceAll(/[^a-z]/g, "")}`;
    await createStream(id, { title: "Before", allowAddresses: ["198.51.100.1"] });
    const before = await show(id);
    const answer = await patch(id, settings);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toEqual({ ...before, ...shown });
    expect(await show(id)).toEqual({ ...before, ...shown });
  });

  it("are those of one stream", async () => {
    await createStream("settings-mine");
    await createStream("settings-other");
    await patch("settings-mine", { title: "Mine", allowAddresses: ["192.0.2.1"] });
    expect(await show("settings-other")).toMatchObject({ title: "", allowAddresses: [] });
  });

  it("are not there without the stream, or without the token", async () => {
    expect(await problemOf(patch("settings-nobody", { title: "x" }))).toMatchObject(
      named(404, "unknown-stream"),
    );
    expect(await problemOf(origin("/admin/streams/demo", json("PATCH", { title: "x" })))).toMatchObject(
      named(401, "unauthorized"),
    );
  });
});

describe("settings that are refused", () => {
  const range = "expected an IP address or CIDR range";
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["a list", [], "body"],
    ["a title of 201 letters", { title: "t".repeat(201) }, "title"],
    ["a title that is a number", { title: 7 }, "title"],
    ["a title that is null", { title: null }, "title"],
    ["a profile that is not known", { profile: "fast" }, "profile"],
    ["half a second", { reconnectSeconds: 0.5 }, "reconnectSeconds"],
    ["more than an hour", { reconnectSeconds: 3601 }, "reconnectSeconds"],
    ["a standby that is not known", { standby: "hot" }, "standby"],
    ["ranges as text", { allowAddresses: "192.0.2.1" }, "allowAddresses"],
    ["no ranges", { allowAddresses: null }, "allowAddresses"],
    ["a name of a host", { allowAddresses: ["example.com"] }, `allowAddresses.0: ${range}`],
    ["half an address", { allowAddresses: ["192.0.2.1", "127.1"] }, `allowAddresses.1: ${range}`],
    ["a prefix that is too long", { allowAddresses: ["192.0.2.1/33"] }, `allowAddresses.0: ${range}`],
    ["65 ranges", { allowAddresses: Array.from({ length: 65 }, (_, i) => `10.0.0.${i}`) }, "allowAddresses"],
    ["a misspelt name", { allowAdresses: ["192.0.2.1"] }, "allowAdresses"],
    ["a name that is not to be set", { disabled: true }, "disabled"],
  ];

  it.each(cases)("when changed: %s", async (_what, settings, detail) => {
    expect(await problemOf(patch("settings-none", settings))).toMatchObject({
      ...named(400, "malformed"),
      detail: expect.stringContaining(detail),
    });
  });

  it("when changed: nothing, or another id", async () => {
    expect(await problemOf(patch("settings-none", {}))).toMatchObject({
      ...named(400, "malformed"),
      detail: "body: expected at least one setting",
    });
    expect(await problemOf(patch("settings-none", { id: "other" }))).toMatchObject(named(400, "malformed"));
  });

  it.each(cases.slice(1))("when the stream is made: %s", async (what, settings, detail) => {
    const id = `refused-${what.replaceAll(/[^a-z]/g, "")}`;
    const body = { id, ...Object(settings) };
    expect(await problemOf(origin("/admin/streams", json("POST", body, ADMIN)))).toMatchObject({
      ...named(400, "malformed"),
      detail: expect.stringContaining(detail),
    });
    expect((await origin(`/admin/streams/${id}`, { headers: ADMIN })).status).toBe(404);
  });
});

describe("an encoder", () => {
  it("is let in from the addresses of the list alone, from the moment it is set", async () => {
    const key = await createStream("allow-some");
    expect((await knock({ key, remoteAddress: "203.0.113.9" })).status).toBe(201);
    await patch("allow-some", { allowAddresses: ["192.0.2.0/24", "2001:db8::/32"] });
    for (const remoteAddress of ["203.0.113.9", "2001:db9::1", "unknown", undefined]) {
      expect(await problemOf(knock({ key, remoteAddress }))).toMatchObject(named(403, "address-not-allowed"));
    }
    // From the list it comes as far as the encoder that is live.
    for (const remoteAddress of ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"]) {
      expect(await problemOf(knock({ key, remoteAddress }))).toMatchObject(named(409, "already-live"));
    }
    await patch("allow-some", { allowAddresses: [] });
    expect(await problemOf(knock({ key }))).toMatchObject(named(409, "already-live"));
  });

  it("is not let in by a key of another stream than it names", async () => {
    const key = await createStream("named-one");
    await createStream("named-two");
    const unknown = await problemOf(knock({ key: "mrk_nobody" }));
    expect(await problemOf(knock({ key, stream: "named-two" }))).toEqual(unknown);
    expect(await problemOf(knock({ key, stream: "named-three" }))).toEqual(unknown);
    const grant = await (await knock({ key, stream: "named-one" })).json<SessionGrant>();
    expect(grant.stream).toBe("named-one");
  });

  it("is not let in while the list cannot be read", async () => {
    const key = await createStream("allow-broken", { allowAddresses: ["192.0.2.1"] });
    await env.DB.prepare("UPDATE streams SET allow_addresses = '{}' WHERE id = 'allow-broken'").run();
    expect(await problemOf(knock({ key, remoteAddress: "192.0.2.1" }))).toMatchObject(named(500, "internal"));
    await env.DB.prepare("DELETE FROM streams WHERE id = 'allow-broken'").run();
  });
});

it("who may watch changes, and it is said when edges could not be told", async () => {
  await createStream("not-told");
  const away = { getByName: () => ({ purge: () => Promise.reject(new Error("injected")) }) };
  const request = new Request(
    "http://millrace.test/admin/streams/not-told",
    json("PATCH", { access: "private" }, ADMIN),
  );
  const answer = await originApp.fetch(request, { ...env, PURGES: away as unknown as typeof env.PURGES });
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ type: "urn:millrace:problem:edges-not-told" });
  const told = await origin("/admin/streams/not-told", json("PATCH", { access: "private" }, ADMIN));
  expect(await told.json()).toMatchObject({ access: "private" });
});
