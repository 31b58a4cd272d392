/**
 * Who is who among viewers, as short keys: by cookie, else by a keyed hash. Nothing else of them leaves the edge. What goes into
 * a key is decided in core/viewer-key.ts.
 */
import { keyOf, keysOf, type TokenSecrets } from "../signing-keys.ts";
import { clientKey } from "./core/client-key.ts";
import {
  addressText,
  cookieText,
  readViewerCookie,
  strangerText,
  viewerKeyOf,
  writeViewerCookie,
} from "./core/viewer-key.ts";

const ID_BYTES = 16;
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;
const encoder = new TextEncoder();

/** Whom this request's viewer is counted as, at most 24 letters: `c:` and a cookie's id, or `s:` and a hash of the day. */
export async function viewerKey(env: TokenSecrets, request: Request): Promise<string> {
  const id = await cookieIdOf(env, request);
  if (id !== undefined) return viewerKeyOf("cookie", id);
  const { headers } = request;
  const text = strangerText({
    address: headers.get("cf-connecting-ip"),
    agent: headers.get("user-agent"),
    nowMs: Date.now(),
  });
  return viewerKeyOf("stranger", await hashOf(env, text));
}

/** What a client's address is counted as, 22 letters: an IPv4 address or an IPv6 /64, hashed for the day. */
export const addressKey = (env: TokenSecrets, request: Request): Promise<string> =>
  hashOf(env, addressText(clientKey(request.headers.get("cf-connecting-ip")), Date.now()));

/** `Set-Cookie` for a viewer who has none that is good; `undefined`: there is one, or nothing here can sign one. */
export async function newViewerCookie(env: TokenSecrets, request: Request): Promise<string | undefined> {
  if (!env.TOKEN_SECRET || (await cookieIdOf(env, request)) !== undefined) return undefined;
  const id = crypto.getRandomValues(new Uint8Array(ID_BYTES)).toBase64(BASE64URL);
  const { key } = await keyOf(env.TOKEN_SECRET);
  const mac = (await hmac(key, cookieText(id))).toBase64(BASE64URL);
  return writeViewerCookie({ id, mac }, new URL(request.url).protocol === "https:");
}

async function cookieIdOf(env: TokenSecrets, request: Request): Promise<string | undefined> {
  const cookie = readViewerCookie(request.headers.get("cookie"));
  if (!cookie) return undefined;
  const mac = Uint8Array.fromBase64(cookie.mac, { alphabet: "base64url" });
  const text = encoder.encode(cookieText(cookie.id));
  for (const { key } of await keysOf(env))
    if (await crypto.subtle.verify("HMAC", key, mac, text)) return cookie.id;
  return undefined;
}

/** Half of an HMAC: enough to tell people apart. */
async function hashOf({ TOKEN_SECRET }: TokenSecrets, text: string): Promise<string> {
  const { key } = await keyOf(TOKEN_SECRET || ownSecret());
  return (await hmac(key, text)).subarray(0, ID_BYTES).toBase64(BASE64URL);
}

const hmac = async (key: CryptoKey, text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));

let own: string | undefined;

/**
 * Stands in for a TOKEN_SECRET that is not set: a hash that anybody can make tells addresses, so each isolate makes its own, and
 * one viewer may be counted at two of them.
 */
function ownSecret(): string {
  own ??= crypto.randomUUID();
  return own;
}
