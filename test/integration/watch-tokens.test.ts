/** Watch tokens in workerd: what opens, what does not, and that nothing tells one refusal from another. */
import { generateKeyPair, SignJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { MAX_TOKEN_LETTERS } from "../../wire/watch-token.ts";
import { forbidden, readVisitor } from "../../workers/edge/access.ts";
import { forgetVerified, signWatchToken, type TokenSecrets } from "../../workers/watch-tokens.ts";

const SECRET = "the secret of this test, long enough for an HMAC";
const OLD_SECRET = "the secret before that one, of the same length..";
const NOW = 1_800_000_000;
const CLAIMS = { aud: "watch", stream: "radio", exp: NOW + 60 } as const;

const text = (value: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(value));
const part = (value: unknown): string =>
  text(typeof value === "string" ? value : JSON.stringify(value)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });

/** The recipe for an operator's own app (docs/wire.md): written anew here, so that a change of ours is noticed. */
async function kidOf(secret: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", text(`millrace kid${secret}`)))
    .toHex()
    .slice(0, 16);
}

interface Mint {
  readonly header?: Record<string, unknown>;
  readonly secret?: string;
  readonly hash?: string;
}

/** A token by hand: right in everything that is not named. */
async function mint(
  claims: unknown,
  { header = {}, secret = SECRET, hash = "SHA-256" }: Mint = {},
): Promise<string> {
  const head = { alg: "HS256", typ: "JWT", kid: await kidOf(secret), ...header };
  const input = `${part(head)}.${part(claims)}`;
  const key = await crypto.subtle.importKey("raw", text(secret), { name: "HMAC", hash }, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, text(input)));
  return `${input}.${signature.toBase64({ alphabet: "base64url", omitPadding: true })}`;
}

interface From {
  readonly address?: string;
  readonly country?: string;
  readonly secrets?: TokenSecrets;
  readonly nowSeconds?: number;
}

function read(
  token: string,
  { address, country, secrets = { TOKEN_SECRET: SECRET }, nowSeconds = NOW }: From = {},
) {
  const request = new Request("https://edge.test/", {
    ...(address !== undefined && { headers: { "cf-connecting-ip": address } }),
    ...(country !== undefined && { cf: { country } }),
  });
  return readVisitor(secrets, request, token, nowSeconds * 1000);
}

/** Everything that a client can see of a refusal. */
async function seen(answer: Response): Promise<unknown> {
  return [answer.status, [...answer.headers], await answer.text()];
}

beforeEach(forgetVerified);

describe("a token that opens", () => {
  it("is ours, and one that is made by the recipe", async () => {
    const open = { ok: true, value: { signed: true, stream: "radio" } };
    expect(await read(await signWatchToken(CLAIMS, SECRET))).toEqual(open);
    expect(await read(await mint(CLAIMS))).toEqual(open);
    expect(await mint(CLAIMS)).toBe(await signWatchToken(CLAIMS, SECRET));
  });

  it.each<[string, Record<string, unknown>, From]>([
    ["that began", { nbf: NOW }, {}],
    ["from its range", { ip: ["192.0.2.0/24", "2001:db8::/32"] }, { address: "192.0.2.7" }],
    ["from its country", { country: "DE" }, { country: "DE" }],
    ["with claims that are not ours", { iss: "shop", sub: "u1", iat: NOW, jti: "x", "": [] }, {}],
    ["with a claim in another alphabet", { sub: "\u00fc\u{1f600}" }, {}],
  ])("%s", async (_what, claims, where) => {
    const visitor = await read(await mint({ ...CLAIMS, ...claims }), where);
    expect(visitor).toEqual({ ok: true, value: { signed: true, stream: "radio" } });
  });

  it("may be as long as one may be, and not longer", async () => {
    const bare = (await mint({ ...CLAIMS, sub: "" })).length;
    const longest = await mint({
      ...CLAIMS,
      sub: "s".repeat(Math.floor(((MAX_TOKEN_LETTERS - bare) * 3) / 4)),
    });
    expect(longest.length).toBeGreaterThan(MAX_TOKEN_LETTERS - 4);
    expect(longest.length).toBeLessThanOrEqual(MAX_TOKEN_LETTERS);
    expect(await read(longest)).toHaveProperty("ok", true);
    const longer = await mint({ ...CLAIMS, sub: "s".repeat(MAX_TOKEN_LETTERS) });
    expect(await read(longer)).toHaveProperty("ok", false);
  });

  it("carries its height", async () => {
    const visitor = await read(await mint({ ...CLAIMS, maxHeight: 720 }));
    expect(visitor).toEqual({ ok: true, value: { signed: true, stream: "radio", maxHeight: 720 } });
  });
});

describe("a token that does not open", () => {
  const good = () => mint(CLAIMS);
  const cut = async (change: (parts: string[]) => readonly string[]) =>
    change((await good()).split(".")).join(".");
  /** Another letter in the middle of one of the three parts. */
  const bent = (index: number) =>
    cut((parts) =>
      parts.map((piece, i) =>
        i === index ? piece.slice(0, 9) + (piece[9] === "A" ? "B" : "A") + piece.slice(10) : piece,
      ),
    );
  const claim = (claims: Record<string, unknown>) => () => mint({ ...CLAIMS, ...claims });
  const header = (more: Record<string, unknown>) => () => mint(CLAIMS, { header: more });
  async function rsa(): Promise<string> {
    const { privateKey } = await generateKeyPair("RS256");
    return new SignJWT({ ...CLAIMS })
      .setProtectedHeader({ alg: "RS256", kid: await kidOf(SECRET) })
      .sign(privateKey);
  }
  /** HMAC with a public key, which everyone may know, as its secret. */
  async function confused(): Promise<string> {
    const { publicKey } = await generateKeyPair("RS256", { extractable: true });
    const pem = new Uint8Array((await crypto.subtle.exportKey("spki", publicKey)) as ArrayBuffer).toBase64();
    return mint(CLAIMS, { secret: pem, header: { kid: await kidOf(SECRET) } });
  }

  const cases: [what: string, make: () => Promise<string> | string, where?: From][] = [
    ["empty", () => ""],
    ["a word", () => "token"],
    ["one dot", () => "."],
    ["two dots", () => ".."],
    ["three empty objects", () => `${part({})}.${part({})}.${"A".repeat(43)}`],
    ["two dots in a row", () => cut(([a = "", b = "", c = ""]) => [a, "", b, c])],
    ["a dot before it", () => cut((parts) => ["", ...parts])],
    ["a dot behind it", () => cut((parts) => [...parts, ""])],
    ["five parts, as a JWE", () => cut((parts) => [...parts, "AAAA", "AAAA"])],
    ["without signature", () => cut(([a = "", b = ""]) => [a, b, ""])],
    ["without signature and its dot", () => cut(([a = "", b = ""]) => [a, b])],
    ["half a signature", () => cut(([a = "", b = "", c = ""]) => [a, b, c.slice(0, 21)])],
    ["a letter less", async () => (await good()).slice(0, -1)],
    ["a letter more", async () => `${await good()}A`],
    ["padded", async () => `${await good()}=`],
    ["a space behind it", async () => `${await good()} `],
    ["a newline behind it", async () => `${await good()}\n`],
    ["a NUL in it", () => cut(([a = "", b = "", c = ""]) => [a, `${b}\u0000`, c])],
    ["in full-width letters", () => cut(([a = "", b = "", c = ""]) => [a, b, `\uff21${c.slice(1)}`])],
    ["an emoji", () => "\u{1f511}.\u{1f511}.\u{1f511}"],
    ["half a surrogate", () => `\ud83d.${part(CLAIMS)}.${"A".repeat(43)}`],
    ["percent-encoded", async () => (await good()).replaceAll(".", "%2E")],
    ["another letter in the header", () => bent(0)],
    ["another letter in the claims", () => bent(1)],
    ["another letter in the signature", () => bent(2)],
    [
      "the claims of another token",
      async () => cut(([a = "", , c = ""]) => [a, part({ ...CLAIMS, stream: "tv" }), c]),
    ],
    ["100,000 letters", () => "A".repeat(100_000)],
    ["100,000 dots", () => ".".repeat(100_000)],
    ["signed, and too long", claim({ sub: "s".repeat(MAX_TOKEN_LETTERS) })],
    ["alg none", () => cut(([, b = ""]) => [part({ alg: "none" }), b, ""])],
    ["alg none with the right signature", header({ alg: "none" })],
    ["alg NonE", header({ alg: "NonE" })],
    ["no alg", header({ alg: undefined })],
    ["alg of another type", header({ alg: ["HS256"] })],
    ["alg hs256", header({ alg: "hs256" })],
    ["alg RS256 over an HMAC", header({ alg: "RS256" })],
    ["RS256", rsa],
    ["an HMAC with a public key", confused],
    ["HS512", () => mint(CLAIMS, { header: { alg: "HS512" }, hash: "SHA-512" })],
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
    ["an unknown kid", header({ kid: "0123456789abcdef" })],
    [
      "the kid in capitals",
      async () => mint(CLAIMS, { header: { kid: (await kidOf(SECRET)).toUpperCase() } }),
    ],
    ["no kid", header({ kid: undefined })],
    ["a kid that is a number", header({ kid: 1 })],
    ["a kid that is a path", header({ kid: "../../dev/null" })],
    ["an extension that must be understood", header({ crit: ["exp"], exp: NOW + 60 })],
    ["unencoded claims", header({ b64: false, crit: ["b64"] })],
    ["claims that are text", () => mint("hello")],
    ["claims that are a list", () => mint([CLAIMS])],
    ["claims that are null", () => mint("null")],
    ["for the socket", claim({ aud: "socket" })],
    ["for two audiences", claim({ aud: ["watch", "socket"] })],
    ["for nobody", claim({ aud: undefined })],
    ["expired", claim({ exp: NOW })],
    ["expired long ago", claim({ exp: 1 })],
    ["without an end", claim({ exp: undefined })],
    ["an end that is text", claim({ exp: String(NOW + 60) })],
    ["an end with a fraction", claim({ exp: NOW + 60.5 })],
    ["an end in no number", claim({ exp: null })],
    ["not yet", claim({ nbf: NOW + 6 })],
    ["a begin that is text", claim({ nbf: "now" })],
    ["no stream", claim({ stream: undefined })],
    ["a stream that is a pattern", claim({ stream: "*" })],
    ["a stream that is a list", claim({ stream: ["radio"] })],
    ["a stream that is a path", claim({ stream: "../radio" })],
    ["another address", claim({ ip: ["192.0.2.0/24"] }), { address: "192.0.3.1" }],
    ["no address", claim({ ip: ["192.0.2.0/24"] })],
    ["an address that is none", claim({ ip: ["0.0.0.0/0"] }), { address: "localhost" }],
    ["an empty list of addresses", claim({ ip: [] }), { address: "192.0.2.1" }],
    ["an address as text", claim({ ip: "192.0.2.1" }), { address: "192.0.2.1" }],
    ["a range that is none", claim({ ip: ["192.0.2.1", "*"] }), { address: "192.0.2.1" }],
    ["another country", claim({ country: "DE" }), { country: "FR" }],
    ["no country", claim({ country: "DE" })],
    ["a country in small letters", claim({ country: "de" }), { country: "de" }],
    ["a height that is text", claim({ maxHeight: "720" })],
    ["a height below nothing", claim({ maxHeight: -1 })],
    ["no secret here", good, { secrets: {} }],
    ["an empty secret here", good, { secrets: { TOKEN_SECRET: "", TOKEN_SECRET_PREVIOUS: "" } }],
  ];

  it.each(cases)("%s", async (...[, make, where]) => {
    const token = await make();
    // Before and after tokens are remembered.
    for (let i = 0; i < 2; i += 1)
      expect(await read(token, where)).toEqual({ ok: false, error: "forbidden" });
  });

  it("has an answer that says nothing", async () => {
    const answer = forbidden();
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    const body = await answer.clone().text();
    expect(JSON.parse(body)).toEqual({
      type: "urn:millrace:problem:forbidden",
      status: 403,
      title: "This address may not be watched.",
    });
    expect(await seen(forbidden())).toEqual(await seen(answer));
  });
});

describe("a token that was verified before", () => {
  it("ends all the same", async () => {
    const token = await mint(CLAIMS);
    expect(await read(token)).toHaveProperty("ok", true);
    expect(await read(token, { nowSeconds: NOW + 59 })).toHaveProperty("ok", true);
    expect(await read(token, { nowSeconds: NOW + 60 })).toHaveProperty("ok", false);
  });

  it("is good only from its addresses and its country", async () => {
    const token = await mint({ ...CLAIMS, ip: ["192.0.2.1"], country: "DE" });
    const here = { address: "192.0.2.1", country: "DE" };
    expect(await read(token, here)).toHaveProperty("ok", true);
    expect(await read(token, { ...here, address: "192.0.2.2" })).toHaveProperty("ok", false);
    expect(await read(token, { ...here, country: "FR" })).toHaveProperty("ok", false);
    expect(await read(token)).toHaveProperty("ok", false);
    expect(await read(token, here)).toHaveProperty("ok", true);
  });
});

describe("a secret that changes", () => {
  const both: TokenSecrets = { TOKEN_SECRET: SECRET, TOKEN_SECRET_PREVIOUS: OLD_SECRET };

  it.each([
    ["new", SECRET],
    ["old", OLD_SECRET],
  ])("leaves tokens of the %s one good while both are there", async (_what, secret) => {
    const token = await signWatchToken(CLAIMS, secret);
    for (let i = 0; i < 2; i += 1) expect(await read(token, { secrets: both })).toHaveProperty("ok", true);
  });

  it("ends those of the old one with it, also where they were good a moment ago", async () => {
    const [old, fresh] = [await signWatchToken(CLAIMS, OLD_SECRET), await signWatchToken(CLAIMS, SECRET)];
    expect(await read(old, { secrets: both })).toHaveProperty("ok", true);
    expect(await read(old)).toHaveProperty("ok", false);
    expect(await read(fresh)).toHaveProperty("ok", true);
    // And it comes back with it.
    expect(await read(old, { secrets: both })).toHaveProperty("ok", true);
  });

  it("names each by its own kid", async () => {
    const kid = async (secret: string) => {
      const [head = ""] = (await signWatchToken(CLAIMS, secret)).split(".");
      return JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(head, { alphabet: "base64url" })));
    };
    expect(await kid(SECRET)).toEqual({ alg: "HS256", typ: "JWT", kid: await kidOf(SECRET) });
    expect(await kidOf(SECRET)).toMatch(/^[0-9a-f]{16}$/);
    expect(await kidOf(SECRET)).not.toBe(await kidOf(OLD_SECRET));
  });
});
