/**
 * Signing and verifying the socket's tokens (docs/wire.md, "The socket"): JWTs with HS256 and nothing else, by this server or by
 * the operator's own app. What their bearer may do is decided where the sockets are.
 */
import { CompactSign, compactVerify, decodeProtectedHeader } from "jose";
import { fail, ok, type Result } from "../media/result.ts";
import { parseJson } from "../wire/parse.ts";
import { type SocketClaims, SocketClaimsSchema } from "../wire/socket-token.ts";
import { keyOf, keysOf, type SigningKey, type TokenSecrets } from "./signing-keys.ts";

/** Longest token that is looked at, letters. */
export const MAX_SOCKET_TOKEN_LETTERS = 4096;
/** The signer's clock may be ahead of ours by this much. An end has no slack: who wants a longer life signs one. */
const NOT_BEFORE_SLACK_SECONDS = 30;
/** Header, claims, and the 32 bytes of an HMAC-SHA-256; a padding or another letter is in no token. */
const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Write a token. */
export async function signSocketToken(claims: SocketClaims, secret: string): Promise<string> {
  const { kid, key } = await keyOf(secret);
  const payload = encoder.encode(JSON.stringify(claims));
  return new CompactSign(payload).setProtectedHeader({ alg: "HS256", typ: "JWT", kid }).sign(key);
}

/** What a token says, when one of the secrets signed it and it is its time. `expired`: it was good, a new one will do. */
export async function verifySocketToken(
  token: string,
  secrets: TokenSecrets,
  nowMs: number,
): Promise<Result<SocketClaims, "expired" | "invalid">> {
  if (token.length > MAX_SOCKET_TOKEN_LETTERS || !TOKEN.test(token)) return fail("invalid");
  const payload = await payloadOf(token, await keysOf(secrets));
  const claims = payload && parseJson(SocketClaimsSchema, decoder.decode(payload));
  if (!claims?.ok) return fail("invalid");
  const { exp, nbf } = claims.value;
  const now = nowMs / 1000;
  if (nbf !== undefined && now + NOT_BEFORE_SLACK_SECONDS < nbf) return fail("invalid");
  // RFC 7519 4.1.4: "on or after which".
  if (exp !== undefined && now >= exp) return fail("expired");
  return ok(claims.value);
}

/** The bytes that one of these keys signed. */
async function payloadOf(token: string, keys: readonly SigningKey[]): Promise<Uint8Array | undefined> {
  for (const { key } of candidates(token, keys)) {
    try {
      // jose refuses another `alg`, and extensions that it does not know.
      return (await compactVerify(token, key, { algorithms: ["HS256"] })).payload;
    } catch {
      // Signed by the other key, or by nobody.
    }
  }
  return undefined;
}

/** A kid of ours chooses. An app's own library names none, or one that says nothing here: then any key will do. */
function candidates(token: string, keys: readonly SigningKey[]): readonly SigningKey[] {
  try {
    const { kid } = decodeProtectedHeader(token);
    const named = keys.filter((candidate) => candidate.kid === kid);
    return named.length > 0 ? named : keys;
  } catch {
    return [];
  }
}
