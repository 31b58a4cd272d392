/**
 * Signing and verifying watch tokens (docs/edge.md, "Signed paths"): JWTs with HS256 and nothing else. Whether what one
 * says fits a visitor is decided in workers/edge/core/visitor.ts.
 */
import { CompactSign, compactVerify } from "jose";
import { parseJson } from "../wire/parse.ts";
import { MAX_TOKEN_LETTERS, type WatchClaims, WatchClaimsSchema } from "../wire/watch-token.ts";
import { remember } from "./remember.ts";
import { keyOf, keysOf, type TokenSecrets } from "./signing-keys.ts";

export type { TokenSecrets };

/** Header, claims, and the 32 bytes of an HMAC-SHA-256; a padding or another letter is in no token. */
const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/;
/** Verified tokens that an isolate remembers: 10 MB if all are as long as one may be. */
const MAX_VERIFIED = 5_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/**
 * A viewer brings the same token dozens of times a minute, and its signature does not change. Only tokens that were verified
 * get in, so nobody without the secret can fill it; how long a look takes says nothing of a token that is not in it.
 */
const verified = new Map<string, { readonly claims: WatchClaims; readonly secret: string }>();

/** Write a token. */
export async function signWatchToken(claims: WatchClaims, secret: string): Promise<string> {
  const { kid, key } = await keyOf(secret);
  const payload = encoder.encode(JSON.stringify(claims));
  return new CompactSign(payload).setProtectedHeader({ alg: "HS256", typ: "JWT", kid }).sign(key);
}

/** What a token says, when one of the secrets signed it; whether it is its time and its viewer is not asked here. */
export async function verifyWatchToken(
  token: string,
  secrets: TokenSecrets,
): Promise<WatchClaims | undefined> {
  if (token.length > MAX_TOKEN_LETTERS) return undefined;
  const known = verified.get(token);
  if (known && isCurrent(known.secret, secrets)) return known.claims;
  const found = TOKEN.test(token) ? await verifyAnew(token, secrets) : undefined;
  if (found) remember(verified, token, found, MAX_VERIFIED);
  return found?.claims;
}

/** Forget what was verified: for measurements of what verifying costs. */
export const forgetVerified = (): void => verified.clear();

const isCurrent = (secret: string, { TOKEN_SECRET, TOKEN_SECRET_PREVIOUS }: TokenSecrets): boolean =>
  secret === TOKEN_SECRET || secret === TOKEN_SECRET_PREVIOUS;

async function verifyAnew(token: string, secrets: TokenSecrets) {
  const current = await keysOf(secrets);
  let secret: string | undefined;
  try {
    // The kid chooses among our keys and nothing else; jose refuses another `alg` before it asks for one.
    const { payload } = await compactVerify(
      token,
      ({ kid }) => {
        const signed = current.find((candidate) => candidate.kid === kid);
        if (!signed) throw new Error("no such key");
        secret = signed.secret;
        return signed.key;
      },
      { algorithms: ["HS256"] },
    );
    const claims = parseJson(WatchClaimsSchema, decoder.decode(payload));
    return claims.ok && secret !== undefined ? { claims: claims.value, secret } : undefined;
  } catch {
    // Forged, cut or not a token at all: which of them is nobody's business.
    return undefined;
  }
}
