/**
 * A device that is notified, by WebCrypto alone: its keys, and what a message to it says (RFC 8188, 8291) and who signed it (RFC 8292).
 * Shares no code with what sends.
 */

/** A message as a push service got it. */
export interface PushRequest {
  /** Path of the endpoint, or all of it. */
  readonly endpoint: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

type Bytes = Uint8Array<ArrayBuffer>;
const text = (words: string): Bytes => new TextEncoder().encode(words) as Bytes;
const join = (...parts: readonly Uint8Array[]): Bytes => Uint8Array.from(parts.flatMap((part) => [...part]));

export const toBase64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
export const fromBase64Url = (letters: string): Bytes =>
  Uint8Array.from(atob(letters.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

export class PushReceiver {
  readonly #privateKey: CryptoKey;
  readonly #point: Bytes;
  readonly #auth: Bytes;

  private constructor(privateKey: CryptoKey, point: Bytes, auth: Bytes) {
    this.#privateKey = privateKey;
    this.#point = point;
    this.#auth = auth;
  }

  static async make(): Promise<PushReceiver> {
    const curve = { name: "ECDH", namedCurve: "P-256" };
    const pair = (await crypto.subtle.generateKey(curve, true, ["deriveBits"])) as CryptoKeyPair;
    const raw = (await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer;
    return new PushReceiver(pair.privateKey, new Uint8Array(raw), crypto.getRandomValues(new Uint8Array(16)));
  }

  /** What a browser's `PushSubscription.toJSON()` would be. */
  subscription(endpoint: string) {
    return { endpoint, keys: { p256dh: toBase64Url(this.#point), auth: toBase64Url(this.#auth) } };
  }

  /** What a message says. */
  async decrypt({ headers, body }: PushRequest): Promise<string> {
    if (headers.get("content-encoding") !== "aes128gcm") throw new Error("another encoding");
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const [salt, recordSize, idLength] = [body.slice(0, 16), view.getUint32(16), view.getUint8(20)];
    const sender = body.slice(21, 21 + idLength) as Bytes;
    const record = body.slice(21 + idLength) as Bytes;
    if (record.length > recordSize) throw new Error("more than one record");
    const key = await crypto.subtle.importKey(
      "raw",
      sender,
      { name: "ECDH", namedCurve: "P-256" },
      false,
      [],
    );
    const algorithm = { name: "ECDH", public: key } as never;
    const secret = new Uint8Array(await crypto.subtle.deriveBits(algorithm, this.#privateKey, 256));
    const info = join(text("WebPush: info\0"), this.#point, sender);
    const ikm = await hkdf(this.#auth, secret, info, 32);
    const contentKey = await hkdf(salt as Bytes, ikm, text("Content-Encoding: aes128gcm\0"), 16);
    const nonce = await hkdf(salt as Bytes, ikm, text("Content-Encoding: nonce\0"), 12);
    const aes = await crypto.subtle.importKey("raw", contentKey, "AES-GCM", false, ["decrypt"]);
    const padded = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce }, aes, record));
    const end = padded.findLastIndex((byte) => byte !== 0);
    if (padded[end] !== 2) throw new Error("no end of the last record");
    return new TextDecoder().decode(padded.subarray(0, end));
  }
}

/** Claims of the token that a message is signed with, when it is signed with this key. */
export async function claimsOf(
  { headers }: PushRequest,
  publicKey: string,
): Promise<{ readonly aud: string; readonly exp: number; readonly sub: string }> {
  const [, token = "", named] = /^vapid t=([^,]+), ?k=(.+)$/.exec(headers.get("authorization") ?? "") ?? [];
  if (named !== publicKey) throw new Error(`signed by ${named}`);
  const [head = "", claims = "", signature = ""] = token.split(".");
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("raw", fromBase64Url(publicKey), curve, false, ["verify"]);
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const isGood = await crypto.subtle.verify(
    algorithm,
    key,
    fromBase64Url(signature),
    text(`${head}.${claims}`),
  );
  if (!isGood) throw new Error("a bad signature");
  const decode = (part: string) => JSON.parse(new TextDecoder().decode(fromBase64Url(part)));
  if (decode(head).alg !== "ES256") throw new Error("another algorithm");
  return decode(claims);
}

async function hkdf(salt: Bytes, secret: Bytes, info: Bytes, length: number): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt, info };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, 8 * length));
}
