/**
 * Photos of conversations: uploaded once with a ticket that the conversation signed, and seen by whoever knows the address, which nobody
 * can guess. What an upload must be stands in core/photo-upload.ts.
 */
import { MAX_PHOTO_BYTES } from "../../wire/conversations.ts";
import { type PhotoAddress, type PhotoClaims, photoKey, readPhotoPath } from "../../wire/photo-upload.ts";
import { type Problem, problem } from "../../wire/problem.ts";
import { declaredLength } from "../body.ts";
import { verifyPhotoToken } from "../photo-tokens.ts";
import { notFound, respond } from "../problems.ts";
import { localHeaders, unavailable } from "./answers.ts";
import { CORS } from "./core/headers.ts";
import { imageProblem, isFor, limitOf, typeProblem } from "./core/photo-upload.ts";
import { type EdgeContext, nothingHere } from "./gate.ts";
import { isTooMuch, tooManyRequests } from "./limits.ts";

/** Whatever the bytes are, they are an image and nothing that runs. */
const SECURITY = {
  "content-disposition": "inline",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "cross-origin",
  "x-content-type-options": "nosniff",
} as const;

/** Bytes of uploads that are held at once: an isolate has 128 MB for all that it does, and a ticket is good for many at a time. */
const MAX_HELD_BYTES = 4 * MAX_PHOTO_BYTES;
/** Who has not sent all of it by then is not waited for. */
const READ_MS = 100_000;
/** Longer than an upload takes, its way to R2 included: of who hangs up the platform says nothing. */
const HELD_MS = READ_MS + 60_000;
const holds = new Set<{ readonly bytes: number; readonly until: number }>();

/** `PUT /photos/<room>/<id>[/thumbnail]?t=<token>`. */
export async function putPhoto(c: EdgeContext): Promise<Response> {
  if (await isTooMuch(c.env.API_LIMIT, c.req.raw)) return tooManyRequests();
  const address = readPhotoPath(c.req.path);
  if (!address) return nothingHere(notFound());
  const claims = await verifyPhotoToken(c.req.query("t") ?? "", c.env, Date.now());
  if (!claims || !isFor(address, claims))
    return refused(problem(403, "forbidden", "This may not be uploaded, or not any more."));
  const type = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  const wrongType = typeProblem(address, claims, type);
  if (wrongType || type === undefined) return refused(wrongType ?? notFound());
  const length = declaredLength(c.req.raw, limitOf(address, claims));
  if (!length.ok) return refused(length.error);
  const held = hold(length.value, Date.now());
  if (!held) return unavailable();
  try {
    const bytes = await readBytes(c.req.raw.body, length.value);
    if (!bytes) return refused(problem(400, "wrong-length", "The body is not as long as was declared."));
    const wrong = imageProblem(address, claims, type, bytes);
    return wrong ? refused(wrong) : await store(c.env.MEDIA, address, claims, type, bytes);
  } finally {
    holds.delete(held);
  }
}

/** `GET` and `HEAD /photos/<room>/<id>[/thumbnail]`. */
export async function getPhoto(c: EdgeContext): Promise<Response> {
  if (await isTooMuch(c.env.MISS_LIMIT, c.req.raw)) return tooManyRequests();
  const address = readPhotoPath(c.req.path);
  if (!address) return nothingHere(notFound());
  const key = photoKey(address);
  try {
    const body = c.req.method === "HEAD" ? undefined : await c.env.MEDIA.get(key);
    const found = body === undefined ? await c.env.MEDIA.head(key) : body;
    if (!found) return respond(notFound(), localHeaders("photo"));
    const headers = {
      ...localHeaders("photo"),
      ...SECURITY,
      "cache-control": "private, max-age=31536000, immutable",
      "content-type": found.httpMetadata?.contentType ?? "application/octet-stream",
      "content-length": String(found.size),
      etag: found.httpEtag,
    };
    return new Response(body?.body ?? null, { headers });
  } catch (error) {
    console.error("a photo could not be read", error);
    return unavailable();
  }
}

/** Put the object where there is none. The same once more is a success; what somebody has seen is never another. */
async function store(
  bucket: R2Bucket,
  address: PhotoAddress,
  { photo }: PhotoClaims,
  contentType: string,
  bytes: Uint8Array,
): Promise<Response> {
  const key = photoKey(address);
  const md5 = new Uint8Array(await crypto.subtle.digest("MD5", bytes)).toHex();
  try {
    const stored = await bucket.put(key, bytes, {
      onlyIf: { etagDoesNotMatch: "*" },
      httpMetadata: { contentType },
      md5,
    });
    const there = stored ?? (await bucket.head(key));
    if (there?.etag !== md5)
      return refused(problem(409, "object-exists", "Another image has been uploaded to this address."));
    return Response.json(
      { id: photo.id },
      { status: 201, headers: { ...localHeaders("photo"), ...NEVER_KEPT } },
    );
  } catch (error) {
    console.error("a photo could not be stored", error);
    return unavailable();
  }
}

const NEVER_KEPT = { "cache-control": "no-store" } as const;

/** Room for so many bytes; `undefined`: there is none now. */
function hold(bytes: number, now: number) {
  for (const one of holds) if (one.until <= now) holds.delete(one);
  const sum = [...holds].reduce((all, one) => all + one.bytes, bytes);
  if (sum > MAX_HELD_BYTES) return undefined;
  const held = { bytes, until: now + HELD_MS };
  holds.add(held);
  return held;
}

/** Exactly so many bytes; `undefined`: there are more or less, or they do not come. */
async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  length: number,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(length);
  let at = 0;
  const reader = body?.getReader();
  const timer = setTimeout(() => reader?.cancel().catch(() => {}), READ_MS);
  try {
    for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
      if (at + read.value.byteLength > length) return undefined;
      bytes.set(read.value, at);
      at += read.value.byteLength;
    }
  } catch (error) {
    console.warn("a photo did not come", { error: String(error) });
    return undefined;
  } finally {
    clearTimeout(timer);
    void reader?.cancel().catch(() => {});
  }
  return at === length ? bytes : undefined;
}

const refused = (value: Problem): Response => respond(value, { ...CORS, ...localHeaders("refused") });
