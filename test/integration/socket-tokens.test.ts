/** Tokens of the socket in workerd: which are good, which have run out, which are none; who makes them, and that they open no stream. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { generateKeyPair, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { type Guest, MAX_INFO_LETTERS, type SignedToken } from "../../wire/socket-token.ts";
import { readVisitor } from "../../workers/edge/access.ts";
import { edgeApp } from "../../workers/edge/app.ts";
import type { EdgeEnv } from "../../workers/env.ts";
import { MAX_SOCKET_TOKEN_LETTERS, signSocketToken, verifySocketToken } from "../../workers/socket-tokens.ts";
import { signWatchToken, type TokenSecrets } from "../../workers/watch-tokens.ts";
import { ADMIN, createStream, get, json, origin, sign, textOf } from "./encoder.ts";

const SECRET = "the secret of this test, long enough for an HMAC";
const OLD_SECRET = "the secret before that one, of the same length..";
const NOW = 1_800_000_000;
const CLAIMS = { sub: "alice", exp: NOW + 60 };
/** What they say, with what is understood where nothing is said. */
const READ = { ...CLAIMS, role: "member" };

const text = (value: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(value));
const part = (value: unknown): string =>
  text(typeof value === "string" ? value : JSON.stringify(value)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
const kidOf = async (secret: string): Promise<string> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", text(`millrace kid${secret}`))).toHex().slice(0, 16);

interface Mint {
  readonly header?: Record<string, unknown>;
  readonly secret?: string;
  readonly hash?: string;
}

/** A token as an app's own library writes it, without a kid: right in everything that is not named. */
async function mint(claims: unknown, { header = {}, secret = SECRET, hash = "SHA-256" }: Mint = {}) {
  const input = `${part({ alg: "HS256", typ: "JWT", ...header })}.${part(claims)}`;
  const key = await crypto.subtle.importKey("raw", text(secret), { name: "HMAC", hash }, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, text(input)));
  return `${input}.${signature.toBase64({ alphabet: "base64url", omitPadding: true })}`;
}

const verify = (token: string, secrets: TokenSecrets = { TOKEN_SECRET: SECRET }, nowSeconds = NOW) =>
  verifySocketToken(token, secrets, nowSeconds * 1000);
const INVALID = { ok: false, error: "invalid" };
const EXPIRED = { ok: false, error: "expired" };

describe("a token that is good", () => {
  it("is ours, and one that an app's library made", async () => {
    const ours = await signSocketToken({ ...CLAIMS, role: "member" }, SECRET);
    expect(await verify(ours)).toEqual({ ok: true, value: READ });
    expect(
      await verify(await new SignJWT(CLAIMS).setProtectedHeader({ alg: "HS256" }).sign(text(SECRET))),
    ).toEqual({
      ok: true,
      value: READ,
    });
    expect(ours).toBe(await mint(READ, { header: { kid: await kidOf(SECRET) } }));
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>?]>([
    ["for the socket by name", { aud: "socket" }],
    ["of a moderator with a name", { name: "Alice", role: "moderator" }],
    ["with a name between spaces", { name: " Alice " }, { name: "Alice" }],
    ["with channels", { channels: ["live:radio", "live:tv"] }],
    ["with facts for others", { info: { avatar: 7, tags: ["x"] } }],
    ["with facts that are null", { info: null }],
    ["that began", { nbf: NOW }],
    ["that begins within the slack", { nbf: NOW + 30 }],
    ["with an end in a fraction", { exp: NOW + 0.5 }],
    ["with claims that are not ours", { iss: "shop", iat: NOW, jti: "x" }, {}],
    ["of somebody in another alphabet", { sub: "\u00fc\u{1f600}" }],
  ])("is one %s", async (_what, claims, read = claims) => {
    expect(await verify(await mint({ ...CLAIMS, ...claims }))).toEqual({
      ok: true,
      value: { ...READ, ...read },
    });
  });

  it("may have no end", async () => {
    const { value } = { value: { sub: "bot", role: "member" } };
    expect(await verify(await mint({ sub: "bot" }), undefined, 9e9)).toEqual({ ok: true, value });
  });

  it("may be as long as one may be, and not longer", async () => {
    const padded = (letters: number) => mint({ ...CLAIMS, pad: "p".repeat(letters) });
    const bare = (await padded(0)).length;
    const longest = await padded(Math.floor(((MAX_SOCKET_TOKEN_LETTERS - bare) * 3) / 4));
    expect(longest.length).toBeGreaterThan(MAX_SOCKET_TOKEN_LETTERS - 4);
    expect(longest.length).toBeLessThanOrEqual(MAX_SOCKET_TOKEN_LETTERS);
    expect(await verify(longest)).toEqual({ ok: true, value: READ });
    expect(await verify(await padded(MAX_SOCKET_TOKEN_LETTERS))).toEqual(INVALID);
  });
});

describe("a token that has run out", () => {
  it.each<[string, Record<string, unknown>]>([
    ["this second", { exp: NOW }],
    ["long ago", { exp: 0 }],
    ["half a second ago", { exp: NOW - 0.5 }],
  ])("%s, and is not called invalid", async (_when, claims) => {
    expect(await verify(await mint({ ...CLAIMS, ...claims }))).toEqual(EXPIRED);
  });

  it("is invalid if nobody here signed it", async () => {
    expect(await verify(await mint({ ...CLAIMS, exp: 1 }, { secret: "somebody else's" }))).toEqual(INVALID);
  });
});

describe("a token that is none", () => {
  const claim = (claims: Record<string, unknown>) => () => mint({ ...CLAIMS, ...claims });
  const header = (more: Record<string, unknown>) => () => mint(CLAIMS, { header: more });
  const cut = async (change: (parts: string[]) => readonly string[]) =>
    change((await mint(CLAIMS)).split(".")).join(".");

  it.each<[string, () => Promise<string> | string, TokenSecrets?]>([
    ["empty", () => ""],
    ["two dots", () => ".."],
    ["100,000 letters", () => "A".repeat(100_000)],
    ["without signature", () => cut(([a = "", b = ""]) => [a, b, ""])],
    ["a letter less", async () => (await mint(CLAIMS)).slice(0, -1)],
    ["padded", async () => `${await mint(CLAIMS)}=`],
    ["a newline behind it", async () => `${await mint(CLAIMS)}\n`],
    ["the claims of another", () => cut(([a = "", , c = ""]) => [a, part({ ...CLAIMS, sub: "bob" }), c])],
    ["a header that is no JSON", () => cut(([, b = "", c = ""]) => ["AAAA", b, c])],
    ["a header that is a list", () => cut(([, b = "", c = ""]) => [part([]), b, c])],
    ["alg none", () => cut(([, b = "", c = ""]) => [part({ alg: "none" }), b, c])],
    ["alg none, signed", header({ alg: "none" })],
    ["alg hs256", header({ alg: "hs256" })],
    ["alg RS256 over an HMAC", header({ alg: "RS256" })],
    [
      "RS256",
      async () => {
        const { privateKey } = await generateKeyPair("RS256");
        return new SignJWT(CLAIMS).setProtectedHeader({ alg: "RS256" }).sign(privateKey);
      },
    ],
    [
      "HS512 cut to the length of HS256",
      async () => (await mint(CLAIMS, { header: { alg: "HS512" }, hash: "SHA-512" })).slice(0, -43),
    ],
    ["HS256 in name, HS512 in truth", () => mint(CLAIMS, { hash: "SHA-512" })],
    ["another secret", () => mint(CLAIMS, { secret: "somebody else's" })],
    [
      "another secret with our kid",
      async () => mint(CLAIMS, { secret: "guess", header: { kid: await kidOf(SECRET) } }),
    ],
    ["an extension that must be understood", header({ crit: ["exp"], exp: NOW + 60 })],
    ["claims that are text", () => mint("hello")],
    ["claims that are a list", () => mint([CLAIMS])],
    ["for watching", claim({ aud: "watch" })],
    ["a watch token", () => signWatchToken({ aud: "watch", stream: "radio", exp: NOW + 60 }, SECRET)],
    ["for two audiences", claim({ aud: ["socket", "watch"] })],
    ["for one audience in a list", claim({ aud: ["socket"] })],
    ["for nobody", claim({ aud: null })],
    ["for another server", claim({ aud: "shop" })],
    ["nobody's", claim({ sub: undefined })],
    ["of an empty name", claim({ sub: "" })],
    ["of a number", claim({ sub: 7 })],
    ["of 129 letters", claim({ sub: "a".repeat(129) })],
    ["an end that is text", claim({ exp: String(NOW + 60) })],
    ["an end that is null", claim({ exp: null })],
    ["an end before all time", claim({ exp: -1 })],
    ["not yet, past the slack", claim({ nbf: NOW + 31 })],
    ["a begin that is text", claim({ nbf: "now" })],
    ["a role that there is not", claim({ role: "king" })],
    ["a name of spaces", claim({ name: "  " })],
    ["a name of 65 letters", claim({ name: "a".repeat(65) })],
    ["facts without end", claim({ info: "i".repeat(MAX_INFO_LETTERS) })],
    ["seventeen channels", claim({ channels: Array(17).fill("live:radio") })],
    ["a channel that is a number", claim({ channels: [1] })],
    ["no secret here", () => mint(CLAIMS), {}],
    ["an empty secret here", () => mint(CLAIMS), { TOKEN_SECRET: "", TOKEN_SECRET_PREVIOUS: "" }],
  ])("%s", async (_what, make, secrets) => {
    expect(await verify(await make(), secrets)).toEqual(INVALID);
  });
});

describe("a secret that changes", () => {
  const both: TokenSecrets = { TOKEN_SECRET: SECRET, TOKEN_SECRET_PREVIOUS: OLD_SECRET };

  it.each([
    ["the new one", SECRET],
    ["the old one", OLD_SECRET],
  ])("leaves tokens of %s good, with our kid, an app's own, and none", async (_which, secret) => {
    for (const header of [{}, { kid: await kidOf(secret) }, { kid: "app-2026" }])
      expect(await verify(await mint(CLAIMS, { secret, header }), both)).toEqual({ ok: true, value: READ });
  });

  it("chooses by a kid that is ours, and by nothing else", async () => {
    const header = { kid: await kidOf(SECRET) };
    expect(await verify(await mint(CLAIMS, { secret: OLD_SECRET, header }), both)).toEqual(INVALID);
  });

  it("ends the tokens of the old one with it", async () => {
    expect(await verify(await mint(CLAIMS, { secret: OLD_SECRET }))).toEqual(INVALID);
    expect(
      await verify(await mint(CLAIMS, { secret: OLD_SECRET }), { TOKEN_SECRET_PREVIOUS: OLD_SECRET }),
    ).toEqual({
      ok: true,
      value: READ,
    });
  });
});

describe("a token of the socket", () => {
  it("opens no private stream, whatever else it claims", async () => {
    await createStream("vault", { access: "private" });
    const watch = await sign("vault");
    const exp = Math.ceil(Date.now() / 1000) + 60;
    const secret = env.TOKEN_SECRET ?? "";
    const kid = await kidOf(secret);
    const socket = await signSocketToken({ aud: "socket", sub: "alice", exp, role: "owner" }, secret);
    const dressed = (aud?: unknown) =>
      mint({ aud, sub: "alice", stream: "vault", exp }, { secret, header: { kid } });
    const status = async (token: string) => (await get(`/p/${token}/api/streams/vault`)).status;
    expect(await status(watch)).toBe(200);
    // The same claims, and for watching: so it is the audience that the others fail by.
    expect(await status(await dressed("watch"))).toBe(200);
    for (const token of [socket, await dressed("socket"), await dressed(), await dressed(["watch"])]) {
      expect(await status(token)).toBe(403);
      const request = new Request("https://edge.test/");
      expect(await readVisitor({ TOKEN_SECRET: secret }, request, token, Date.now())).toEqual({
        ok: false,
        error: "forbidden",
      });
    }
  });
});

/** The name of the problem that an answer is. */
const problemOf = async (answer: Response): Promise<string | undefined> =>
  /urn:millrace:problem:([a-z-]+)/.exec(await textOf(answer))?.[1];

describe("POST /admin/tokens", () => {
  const ask = (body: unknown, headers: Record<string, string> = ADMIN) =>
    origin("/admin/tokens", json("POST", body, headers));

  it("signs what it is asked for, for as long as it is asked to", async () => {
    const wish = { sub: "alice", name: "Alice", role: "moderator", channels: ["live:radio"] };
    const before = Date.now();
    const answer = await ask({ ...wish, seconds: 90 });
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
    const { token, expiresAt } = await answer.json<SignedToken>();
    const verified = await verifySocketToken(token, env, Date.now());
    const exp = Date.parse(expiresAt) / 1000;
    expect(verified).toEqual({ ok: true, value: { aud: "socket", exp, ...wish } });
    expect(exp - before / 1000).toBeGreaterThanOrEqual(90);
    expect(exp - before / 1000).toBeLessThan(110);
    expect(await verifySocketToken(token, env, exp * 1000)).toEqual(EXPIRED);
  });

  it("makes a member for a day when nothing more is said", async () => {
    const { token, expiresAt } = await (await ask({ sub: "bob" })).json<SignedToken>();
    expect(await verifySocketToken(token, env, Date.now())).toMatchObject({
      value: { sub: "bob", role: "member" },
    });
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - 86_400_000)).toBeLessThan(20_000);
  });

  it.each<[string, unknown, number, string]>([
    ["nobody", {}, 400, "malformed"],
    ["an empty name", { sub: "" }, 400, "malformed"],
    ["a role that there is not", { sub: "a", role: "king" }, 400, "malformed"],
    ["no time", { sub: "a", seconds: 0 }, 400, "malformed"],
    ["half a second", { sub: "a", seconds: 1.5 }, 400, "malformed"],
    ["more than a year", { sub: "a", seconds: 366 * 86_400 + 1 }, 400, "malformed"],
    ["what it does not know", { sub: "a", stream: "radio" }, 400, "malformed"],
    [
      "more channels than a token holds",
      { sub: "a", channels: Array(16).fill("c".repeat(255)) },
      400,
      "malformed",
    ],
    ["too many letters", { sub: "a".repeat(17_000) }, 413, "too-large"],
  ])("refuses %s", async (_what, body, status, name) => {
    const answer = await ask(body);
    expect([answer.status, await problemOf(answer)]).toEqual([status, name]);
  });

  it.each([
    ["nobody", {}],
    ["a stranger", { authorization: "Bearer guess" }],
  ])("is not for %s", async (_who, headers) => {
    expect((await ask({ sub: "alice" }, headers)).status).toBe(401);
  });

  it("is not to be had at the edge", async () => {
    const answer = await get("/admin/tokens", json("POST", { sub: "alice" }, ADMIN));
    expect(answer.status).toBe(405);
  });
});

describe("POST /api/guest", () => {
  const ask = (body: unknown, headers: Record<string, string> = {}) =>
    get("/api/guest", json("POST", body, headers));
  /** The edge with other bindings. */
  const edge = (init: RequestInit, others: Partial<EdgeEnv>) =>
    edgeApp.fetch(
      new Request("https://watch.example/api/guest", init),
      { ...env, ...others },
      createExecutionContext(),
    );

  it("gives a guest a token for a day", async () => {
    const answer = await ask({ name: " Zo\u00eb \u{1f600} " });
    const { headers } = answer;
    expect([answer.status, headers.get("cache-control"), headers.get("cdn-cache-control")]).toEqual([
      200,
      "no-store",
      "no-store",
    ]);
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("content-type")).toBe("application/json");
    const { token, user, name, expiresAt } = await answer.json<Guest>();
    expect([user, name]).toEqual([expect.stringMatching(/^guest:[A-Za-z0-9_-]{22}$/), "Zo\u00eb \u{1f600}"]);
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - 86_400_000)).toBeLessThan(20_000);
    const value = { aud: "socket", sub: user, exp: Date.parse(expiresAt) / 1000, name, role: "guest" };
    expect(await verifySocketToken(token, env, Date.now())).toEqual({ ok: true, value });
  });

  it("gives nobody the id of another", async () => {
    const [one, other] = await Promise.all([ask({ name: "Bob" }), ask({ name: "Bob" })]);
    expect((await one.json<Guest>()).user).not.toBe((await other.json<Guest>()).user);
  });

  it.each<[string, unknown, number, string]>([
    ["no name", {}, 400, "malformed"],
    ["an empty name", { name: "" }, 400, "malformed"],
    ["a name of spaces", { name: "   " }, 400, "malformed"],
    ["a name of 65 letters", { name: "a".repeat(65) }, 400, "malformed"],
    ["a name that is a number", { name: 7 }, 400, "malformed"],
    ["a name with a control character", { name: "a\u0007b" }, 400, "malformed"],
    ["a name that turns the text around", { name: "\u202emoderator" }, 400, "malformed"],
    ["a name that cannot be seen", { name: "\u200b" }, 400, "malformed"],
    ["a role beside it", { name: "Bob", role: "owner" }, 400, "malformed"],
    ["a list", [], 400, "malformed"],
    ["null", null, 400, "malformed"],
    ["a kilobyte and more", { name: "Bob", x: "x".repeat(1024) }, 413, "too-large"],
  ])("refuses %s", async (_what, body, status, name) => {
    const answer = await ask(body);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([status, "no-store"]);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await problemOf(answer)).toBe(name);
  });

  it("refuses what is no JSON, or not called that", async () => {
    const text = {
      method: "POST",
      body: "{",
      headers: { "content-type": "application/json", "content-length": "1" },
    };
    const bad = await get("/api/guest", text);
    expect([bad.status, await problemOf(bad)]).toEqual([400, "malformed"]);
    const form = await ask({ name: "Bob" }, { "content-type": "text/plain" });
    expect([form.status, await problemOf(form)]).toEqual([415, "unsupported-media-type"]);
  });

  it("is counted with what a client asks of the API", async () => {
    const keys: string[] = [];
    const API_LIMIT: RateLimit = {
      limit: async ({ key }) => {
        keys.push(key);
        return { success: false };
      },
    };
    const answer = await edge(json("POST", { name: "Bob" }, { "cf-connecting-ip": "192.0.2.7" }), {
      API_LIMIT,
    });
    expect([answer.status, await problemOf(answer), keys]).toEqual([429, "too-many-requests", ["192.0.2.7"]]);
  });

  it("has nobody to sign without a secret", async () => {
    const answer = await edge(json("POST", { name: "Bob" }), { TOKEN_SECRET: "" });
    expect([answer.status, await problemOf(answer)]).toEqual([503, "no-token-secret"]);
  });

  it.each([
    ["GET", "/api/guest", "POST, OPTIONS"],
    ["PUT", "/api/guest", "POST, OPTIONS"],
    ["DELETE", "/api/guest", "POST, OPTIONS"],
    ["POST", "/api/guest/", "GET, HEAD, OPTIONS"],
    ["POST", "/api/streams", "GET, HEAD, OPTIONS"],
    ["POST", "/connection/websocket?stream=radio", "GET, HEAD, OPTIONS"],
    ["PUT", "/live/radio/index.m3u8", "GET, HEAD, OPTIONS"],
    ["POST", "/p/x/api/guest", "GET, HEAD, OPTIONS"],
  ])("says which methods there are: %s %s", async (method, path, allow) => {
    const answer = await get(path, { method });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
    await answer.body?.cancel();
  });

  it("answers a preflight of another site", async () => {
    const { status, headers } = await get("/api/guest", { method: "OPTIONS" });
    expect([
      status,
      headers.get("access-control-allow-methods"),
      headers.get("access-control-allow-headers"),
    ]).toEqual([204, "POST, OPTIONS", "Content-Type"]);
    const other = await get("/api/streams", { method: "OPTIONS" });
    expect(other.headers.get("access-control-allow-methods")).toBe("GET, HEAD, OPTIONS");
  });
});
