/** The keys that sign what viewers carry: made of TOKEN_SECRET, held by an isolate. What is signed with them stands elsewhere. */
import { remember } from "./remember.ts";

/** The secrets of `EdgeEnv`: what either of them signed is good. */
export interface TokenSecrets {
  readonly TOKEN_SECRET?: string;
  readonly TOKEN_SECRET_PREVIOUS?: string;
}

/** HMAC with SHA-256. */
export interface SigningKey {
  /** Names the secret in a token's header, so that nobody has to name it in a configuration. */
  readonly kid: string;
  readonly key: CryptoKey;
  readonly secret: string;
}

/** Bytes of a kid; its hexadecimal digits are twice as many. */
const KID_BYTES = 8;
/** Secrets whose keys an isolate holds: two, and those before them until it ends. */
const MAX_KEYS = 4;

const encoder = new TextEncoder();
const keys = new Map<string, SigningKey>();

/** The key of a secret, made once an isolate. The key is kept and not the promise of it, which would be one request's. */
export async function keyOf(secret: string): Promise<SigningKey> {
  const known = keys.get(secret);
  if (known) return known;
  const [digest, key] = await Promise.all([
    crypto.subtle.digest("SHA-256", encoder.encode(`millrace kid${secret}`)),
    crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
      "verify",
    ]),
  ]);
  const made = { kid: new Uint8Array(digest, 0, KID_BYTES).toHex(), key, secret };
  remember(keys, secret, made, MAX_KEYS);
  return made;
}

/** The keys of the secrets that are set, the one that signs first. */
export const keysOf = ({ TOKEN_SECRET, TOKEN_SECRET_PREVIOUS }: TokenSecrets): Promise<SigningKey[]> =>
  Promise.all(
    [TOKEN_SECRET, TOKEN_SECRET_PREVIOUS].filter((secret) => !!secret).map((secret = "") => keyOf(secret)),
  );
