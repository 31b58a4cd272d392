/** Signing and verifying the tokens of uploads (wire/photo-upload.ts): JWTs with HS256 and nothing else, signed by conversations only. */
import { CompactSign, compactVerify } from "jose";
import { parseJson } from "../wire/parse.ts";
import { type PhotoClaims, PhotoClaimsSchema } from "../wire/photo-upload.ts";
import { keyOf, keysOf, type TokenSecrets } from "./signing-keys.ts";

/** Longest token that is looked at, letters: twice what one has. */
const MAX_TOKEN_LETTERS = 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Write a token. */
export async function signPhotoToken(claims: PhotoClaims, secret: string): Promise<string> {
  const { kid, key } = await keyOf(secret);
  const payload = encoder.encode(JSON.stringify(claims));
  return new CompactSign(payload).setProtectedHeader({ alg: "HS256", typ: "JWT", kid }).sign(key);
}

/** What a token says, when one of the secrets signed it and it is its time. The platform compares signatures in constant time. */
export async function verifyPhotoToken(
  token: string,
  secrets: TokenSecrets,
  nowMs: number,
): Promise<PhotoClaims | undefined> {
  if (token.length > MAX_TOKEN_LETTERS) return undefined;
  const keys = await keysOf(secrets);
  try {
    const { payload } = await compactVerify(
      token,
      ({ kid }) => {
        const signed = keys.find((candidate) => candidate.kid === kid);
        if (!signed) throw new Error("no such key");
        return signed.key;
      },
      { algorithms: ["HS256"] },
    );
    const claims = parseJson(PhotoClaimsSchema, decoder.decode(payload));
    return claims.ok && nowMs < 1000 * claims.value.exp ? claims.value : undefined;
  } catch {
    // Forged, cut or not a token at all: which of them is nobody's business.
    return undefined;
  }
}
