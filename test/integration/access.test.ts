/** Private streams: the setting, signing, and what the edge learns and remembers of who may watch. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Access, StreamRecord } from "../../wire/admin.ts";
import type { Signed } from "../../wire/watch-token.ts";
import { mayWatch, readVisitor, undecided } from "../../workers/edge/access.ts";
import { UNSIGNED, type Visitor } from "../../workers/edge/core/visitor.ts";
import { type AskStream, Policies } from "../../workers/edge/policies.ts";
import { originApp } from "../../workers/origin/app.ts";
import { verifyWatchToken } from "../../workers/watch-tokens.ts";
import { ADMIN, createStream, json, origin } from "./encoder.ts";

afterEach(() => vi.restoreAllMocks());

const setAccess = async (id: string, access: Access): Promise<StreamRecord> =>
  (await origin(`/admin/streams/${id}`, json("PATCH", { access }, ADMIN))).json<StreamRecord>();
const sign = (id: string, wish: unknown = {}): Promise<Response> =>
  origin(`/admin/streams/${id}/sign`, json("POST", wish, ADMIN));
const signed = (stream: string): Visitor => ({ signed: true, stream });

/** Ask the gate as a request of its own would; what runs behind the answer is done when it comes. */
async function watch(visitor: Visitor, stream: string, known: Policies) {
  const ctx = createExecutionContext();
  const verdict = await mayWatch((id) => env.ORIGIN.stream(id), ctx, visitor, stream, known);
  await waitOnExecutionContext(ctx);
  return verdict;
}

describe("the setting", () => {
  it("is public, or what is asked for, and can be changed", async () => {
    await createStream("access-open");
    await createStream("access-closed", { access: "private" });
    const show = async (id: string) =>
      (await origin(`/admin/streams/${id}`, { headers: ADMIN })).json<StreamRecord>();
    expect(await show("access-open")).toHaveProperty("access", "public");
    expect(await show("access-closed")).toHaveProperty("access", "private");
    expect(await setAccess("access-open", "private")).toHaveProperty("access", "private");
    expect(await setAccess("access-open", "public")).toHaveProperty("access", "public");
    await origin("/admin/streams/access-closed", json("PATCH", { title: "T" }, ADMIN));
    expect(await show("access-closed")).toMatchObject({ title: "T", access: "private" });
  });

  it.each([{ access: "secret" }, { access: null }, { access: true }, { acces: "private" }])(
    "is refused as %o",
    async (settings) => {
      await createStream("access-strict").catch(() => undefined);
      const changed = await origin("/admin/streams/access-strict", json("PATCH", settings, ADMIN));
      expect(changed.status).toBe(400);
      const made = await origin("/admin/streams", json("POST", { id: "access-none", ...settings }, ADMIN));
      expect(made.status).toBe(400);
    },
  );

  it("keeps a private stream out of the list of those that are live", async () => {
    const insert =
      "INSERT INTO broadcasts (id, stream, state, started_at) VALUES (?, ?, 'live', '2026-11-21')";
    for (const access of ["public", "private"]) {
      await createStream(`access-list-${access}`, { access });
      await env.DB.prepare(insert).bind(`b-${access}`, `access-list-${access}`).run();
    }
    const live = await env.ORIGIN.liveStreams();
    expect(live.map(({ id }) => id)).toEqual(["access-list-public"]);
  });

  it("keeps a stream closed when it cannot be read", async () => {
    await createStream("access-broken");
    await env.DB.prepare("UPDATE streams SET access = 'Public' WHERE id = 'access-broken'").run();
    expect(await watch(UNSIGNED, "access-broken", new Policies())).toBe("hidden");
  });
});

describe("signing", () => {
  it("makes a path that opens its stream, and no other", async () => {
    await createStream("sign-me", { access: "private" });
    await createStream("sign-other", { access: "private" });
    const beforeSeconds = Date.now() / 1000;
    const answer = await sign("sign-me");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const { token, expiresAt, ...rest } = await answer.json<Signed>();
    expect(rest).toEqual({
      access: "private",
      playlist: `/p/${token}/live/sign-me/index.m3u8`,
      watch: `/p/${token}/watch/sign-me`,
    });
    const lifeSeconds = Date.parse(expiresAt) / 1000 - beforeSeconds;
    expect(lifeSeconds).toBeGreaterThanOrEqual(4 * 3600);
    expect(lifeSeconds).toBeLessThan(4 * 3600 + 30);
    const visitor = await readVisitor(env, new Request("https://edge.test/"), token, Date.now());
    if (!visitor.ok) throw new Error("a token of ours opens");
    expect(visitor.value).toEqual(signed("sign-me"));
    const known = new Policies();
    expect(await watch(visitor.value, "sign-me", known)).toBe("yes");
    expect(await watch(visitor.value, "sign-other", known)).toBe("forbidden");
    expect(await watch(visitor.value, "sign-nobody", known)).toBe("forbidden");
  });

  it("puts every wish into the token, in its one spelling", async () => {
    await createStream("sign-wishes");
    const wish = {
      seconds: 60,
      notBefore: "2026-12-24T19:00:00+01:00",
      ip: ["192.0.2.9/24", "2001:DB8::7"],
      country: "DE",
      maxHeight: 480,
    };
    const { token, access, expiresAt } = await (await sign("sign-wishes", wish)).json<Signed>();
    expect(access).toBe("public");
    expect(expiresAt).toBe("2026-12-24T18:01:00.000Z");
    const nbf = Date.parse("2026-12-24T18:00:00Z") / 1000;
    expect(await verifyWatchToken(token, env)).toEqual({
      aud: "watch",
      stream: "sign-wishes",
      nbf,
      exp: nbf + 60,
      ip: ["192.0.2.0/24", "2001:db8::7"],
      country: "DE",
      maxHeight: 480,
    });
  });

  it.each<[string, unknown]>([
    ["no time", { seconds: 0 }],
    ["more than a year", { seconds: 366 * 86_400 + 1 }],
    ["half a second", { seconds: 0.5 }],
    ["a begin that is none", { notBefore: "soon" }],
    ["a begin without its hour", { notBefore: "2026-12-24" }],
    ["a day that is in no calendar", { notBefore: "2026-13-45T00:00:00Z" }],
    ["no addresses", { ip: [] }],
    ["a range that is none", { ip: ["127.1"] }],
    [
      "more ranges than a token holds",
      { ip: Array.from({ length: 64 }, (_, i) => `2001:db8:1111:2222:3333:4444:5555:${i + 4096}`) },
    ],
    ["a country in small letters", { country: "de" }],
    ["a height that is text", { maxHeight: "720" }],
    ["a misspelt wish", { maxheight: 720 }],
    ["another stream", { stream: "other" }],
  ])("refuses %s", async (_what, wish) => {
    await createStream("sign-strict").catch(() => undefined);
    const answer = await sign("sign-strict", wish);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ type: "urn:millrace:problem:malformed" });
  });

  it("says who is not there: the stream, the admin, the secret", async () => {
    expect(await (await sign("sign-nobody")).json()).toMatchObject({
      status: 404,
      type: "urn:millrace:problem:unknown-stream",
    });
    const stranger = await origin("/admin/streams/sign-me/sign", json("POST", {}));
    expect(stranger.status).toBe(401);
    for (const TOKEN_SECRET of ["", undefined]) {
      const request = new Request("http://origin.test/admin/streams/sign-me/sign", json("POST", {}, ADMIN));
      const answer = await originApp.fetch(request, { ...env, TOKEN_SECRET });
      expect(await answer.json()).toMatchObject({
        status: 503,
        type: "urn:millrace:problem:no-token-secret",
      });
    }
  });
});

describe("the gate", () => {
  it("lets everybody see what is public, and hides what is private as what is not there", async () => {
    await createStream("gate-public");
    await createStream("gate-private", { access: "private" });
    await createStream("gate-disabled");
    await origin("/admin/streams/gate-disabled/disable", { method: "POST", headers: ADMIN });
    const known = new Policies();
    expect(await watch(UNSIGNED, "gate-public", known)).toBe("yes");
    for (const stream of ["gate-private", "gate-disabled", "gate-nobody"])
      expect(await watch(UNSIGNED, stream, known)).toBe("hidden");
    expect(await watch(signed("gate-public"), "gate-public", known)).toBe("yes");
    expect(await watch(signed("gate-private"), "gate-private", known)).toBe("yes");
    // A disabled stream does not exist for viewers, whatever they bring.
    expect(await watch(signed("gate-disabled"), "gate-disabled", known)).toBe("hidden");
    for (const stream of ["gate-public", "gate-private", "gate-disabled", "gate-nobody"])
      expect(await watch(signed("another"), stream, known)).toBe("forbidden");
  });

  it("asks nobody about a stream that the token is not for", async () => {
    const stream = vi.fn();
    const ctx = createExecutionContext();
    const ORIGIN = { stream } as unknown as typeof env.ORIGIN;
    expect(await mayWatch(ORIGIN.stream, ctx, signed("a"), "b", new Policies())).toBe("forbidden");
    expect(stream).not.toHaveBeenCalled();
  });

  it("hears of a change at once when it is told to forget, and soon when it is not", async () => {
    await createStream("gate-changes");
    let nowMs = 1e12;
    const known = new Policies(() => nowMs);
    expect(await watch(UNSIGNED, "gate-changes", known)).toBe("yes");
    await setAccess("gate-changes", "private");
    expect(await watch(UNSIGNED, "gate-changes", known)).toBe("yes");
    known.forget("gate-changes");
    expect(await watch(UNSIGNED, "gate-changes", known)).toBe("hidden");
    await setAccess("gate-changes", "public");
    nowMs += 1_000;
    expect(await watch(UNSIGNED, "gate-changes", known)).toBe("yes");
    await setAccess("gate-changes", "private");
    nowMs += 5_000;
    // The one that finds it old is answered, and has it asked for.
    expect(await watch(UNSIGNED, "gate-changes", known)).toBe("yes");
    expect(await watch(UNSIGNED, "gate-changes", known)).toBe("hidden");
  });

  it("says that it cannot tell, in an answer that is tried again", async () => {
    const answer = undecided();
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });
});

/** Longest wait for the made origin. */
const PATIENCE_MS = 200;

/** An origin that answers as it is told, and a clock that is set. */
function made(access: Access | "absent" | "fails" = "public") {
  const here = { access, nowMs: 1e12, asked: 0, warned: vi.spyOn(console, "warn").mockReturnValue() };
  const ask: AskStream = async (id) => {
    here.asked += 1;
    if (here.access === "fails") throw new Error("origin is away");
    if (here.access === "absent") return undefined;
    return { id, access: here.access } as StreamRecord;
  };
  const known = new Policies(() => here.nowMs, PATIENCE_MS);
  const of = async (stream = "radio", isSigned = false) => {
    const ctx = createExecutionContext();
    const policy = await known.of(ask, ctx, stream, isSigned);
    await waitOnExecutionContext(ctx);
    return policy;
  };
  return Object.assign(here, { ask, known, of });
}

describe("what an isolate remembers", () => {
  it("is asked for once, however many come at the same time", async () => {
    const here = made();
    const all = await Promise.all(Array.from({ length: 50 }, () => here.of()));
    expect(new Set(all)).toEqual(new Set(["public"]));
    expect(here.asked).toBe(1);
    expect(await here.of("other")).toBe("public");
    expect(here.asked).toBe(2);
  });

  it("is asked for every five seconds behind the answer, and waited for after a minute", async () => {
    const here = made();
    await here.of();
    here.nowMs += 4_999;
    await here.of();
    expect(here.asked).toBe(1);
    here.access = "private";
    here.nowMs += 1;
    expect(await here.of()).toBe("public");
    expect(here.asked).toBe(2);
    expect(await here.of()).toBe("private");
    here.access = "public";
    here.nowMs += 60_000;
    expect(await here.of("radio", true)).toBe("public");
    expect(here.asked).toBe(3);
  });

  it.each(["public", "private", "absent"] as const)(
    "stays %s while origin is away, for as long as that takes",
    async (access) => {
      const here = made(access);
      await here.of();
      here.access = "fails";
      for (const ms of [6_000, 54_000, 3_600_000, 86_400_000]) {
        here.nowMs += ms;
        expect(await here.of()).toBe(access);
      }
      expect(here.asked).toBe(5);
      here.access = access === "public" ? "private" : "public";
      here.nowMs += 60_000;
      expect(await here.of()).toBe(here.access);
    },
  );

  it("is nothing when nothing was ever learned, and origin is not asked in every breath", async () => {
    const here = made("fails");
    for (let i = 0; i < 20; i += 1) expect(await here.of()).toBeUndefined();
    expect(here.asked).toBe(1);
    here.nowMs += 1_000;
    here.access = "public";
    expect(await here.of()).toBe("public");
    expect(here.asked).toBe(2);
    expect(here.warned).toHaveBeenCalledTimes(1);
  });

  it("is not waited for for ever, nor asked for by those who come meanwhile", async () => {
    const here = made();
    const never = new Promise<never>(() => undefined);
    const ctx = createExecutionContext();
    const slow = vi.fn<AskStream>(() => never);
    const waited = [here.known.of(slow, ctx, "slow", false), here.known.of(slow, ctx, "slow", false)];
    expect(await Promise.all(waited)).toEqual([undefined, undefined]);
    expect(slow).toHaveBeenCalledTimes(1);
    // Known streams are not kept waiting by it.
    await here.of("radio");
    here.nowMs += 6_000;
    const before = performance.now();
    expect(await here.known.of(slow, ctx, "radio", false)).toBe("public");
    expect(performance.now() - before).toBeLessThan(PATIENCE_MS);
    await waitOnExecutionContext(ctx);
  });

  it("does not keep an answer that was under way when it was told to forget", async () => {
    const here = made();
    const asked = Promise.withResolvers<StreamRecord | undefined>();
    const ctx = createExecutionContext();
    const first = here.known.of(() => asked.promise, ctx, "radio", false);
    here.known.forget("radio");
    here.access = "private";
    expect(await here.of()).toBe("private");
    asked.resolve({ access: "public" } as StreamRecord);
    await first;
    await waitOnExecutionContext(ctx);
    expect(await here.of()).toBe("private");
    expect(here.asked).toBe(1);
  });

  it("can be forgotten as a whole", async () => {
    const here = made();
    await here.of("a");
    await here.of("b");
    here.known.forget();
    await Promise.all([here.of("a"), here.of("b")]);
    expect(here.asked).toBe(4);
  });

  it("is bounded, and names that are nobody's push no stream out", async () => {
    const here = made();
    await here.of("radio");
    const ctx = createExecutionContext();
    here.access = "absent";
    for (let i = 0; i < 12_000; i += 1) await here.known.of(here.ask, ctx, `nobody-${i}`, false);
    here.asked = 0;
    expect(await here.of("radio")).toBe("public");
    expect(await here.of("nobody-11999")).toBe("absent");
    expect(here.asked).toBe(0);
    await here.of("nobody-0");
    expect(here.asked).toBe(1);
    here.access = "public";
    for (let i = 0; i < 10_000; i += 1) await here.known.of(here.ask, ctx, `some-${i}`, false);
    here.asked = 0;
    await here.of("some-9999");
    expect(here.asked).toBe(0);
    await here.of("radio");
    expect(here.asked).toBe(1);
    await waitOnExecutionContext(ctx);
  });
});
