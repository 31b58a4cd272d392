/** From what a cache found to what one visitor is answered: conditions, ranges, compression, and headers for clients. */
import { problem } from "../../wire/problem.ts";
import { internal, respond } from "../problems.ts";
import { cacheStatus, type Story } from "./core/cache-status.ts";
import {
  isNotModified,
  isSameForRange,
  type Range,
  type RangeWish,
  readRange,
  resolveRange,
} from "./core/conditional.ts";
import { CORS } from "./core/headers.ts";
import { clientCacheControl, lifetimeOf } from "./core/lifetimes.ts";
import { COPY, type Found } from "./found.ts";

/** What of an answer depends on who asks. */
export interface Audience {
  /** It asked for the newest playlist, whatever that is. */
  readonly isPlain?: boolean;
  /** The client takes gzip, and this is text. */
  readonly gzip?: boolean;
  /** Request headers that the answer was chosen by. */
  readonly vary?: readonly string[];
  /** Media: bytes can be asked for. */
  readonly ranges?: boolean;
}

/** The range that may be asked of a cache: with If-Range the whole is looked at first. */
export function rangeWish(request: Request): RangeWish | undefined {
  return request.method === "GET" && !request.headers.has("if-range")
    ? readRange(request.headers.get("range"))
    : undefined;
}

/** The answer. */
export async function answerWith(request: Request, found: Found, audience: Audience): Promise<Response> {
  const headers = headersFor(found, audience);
  const { etag = null, "last-modified": lastModified = null } = headers;
  const validators = { etag, lastModified };
  const isWhole = found.status === 200;
  if ((isWhole || found.status === 206) && isNotModified(conditionsOf(request), validators)) {
    await found.body?.cancel();
    for (const name of OF_A_BODY) delete headers[name];
    return new Response(null, { status: 304, headers });
  }
  if (!isWhole || !audience.ranges || request.method !== "GET")
    return whole(request, found, headers, audience);
  const wish = readRange(request.headers.get("range"));
  if (!wish || !isSameForRange(request.headers.get("if-range"), validators))
    return whole(request, found, headers, audience);
  const range = resolveRange(wish, found.size);
  if (range !== "unsatisfiable") return slice(found, range, headers);
  await found.body?.cancel();
  return respond(problem(416, "range", "The object does not have those bytes.", { size: found.size }), {
    ...CORS,
    "accept-ranges": "bytes",
    "cache-status": cacheStatus(found.story),
    "content-range": `bytes */${found.size}`,
  });
}

const conditionsOf = ({ headers }: Request) => ({
  ifNoneMatch: headers.get("if-none-match"),
  ifModifiedSince: headers.get("if-modified-since"),
});

/** The headers of a copy, as clients see them. A plain object: the runtime takes it at once, and this is the hot path. */
function headersFor({ headers: copy, ageSeconds, story, status }: Found, audience: Audience): HeaderFields {
  const { gzip, isPlain, ranges, vary } = audience;
  const said = (own: string, plain: string) =>
    (isPlain ? copy.get(plain) : null) ?? copy.get(own) ?? "no-store";
  const isOld = story.how === "stale" && story.why === "error";
  const headers: HeaderFields = {
    ...CORS,
    // What is served for want of better is not to be kept for as long as what is right.
    "cache-control": isOld ? STAND_IN : said(COPY.client, COPY.plainClient),
    "cdn-cache-control": isOld ? "no-store" : said(COPY.edge, COPY.plainEdge),
    age: String(Math.floor(ageSeconds)),
    "cache-status": cacheStatus(story),
    ...(ranges && status < 300 && { "accept-ranges": "bytes" }),
    ...(vary && vary.length > 0 && { vary: vary.join(", ") }),
  };
  for (const name of PASSED_ON) {
    const value = copy.get(name);
    if (value !== null) headers[name] = value;
  }
  if (!gzip) return headers;
  delete headers["content-length"];
  headers["content-encoding"] = "gzip";
  // Other bytes have another strong tag (RFC 9110 8.8.3.3).
  if (headers.etag !== undefined) headers.etag = headers.etag.replace(/"$/, '-gzip"');
  return headers;
}

type HeaderFields = Record<string, string>;

const OF_A_BODY = ["content-length", "content-range", "content-encoding"];
const PASSED_ON = ["content-type", "content-length", "content-range", "etag", "last-modified", "retry-after"];
const STAND_IN = clientCacheControl(lifetimeOf({ kind: "stand-in" }));

async function whole(
  request: Request,
  found: Found,
  headers: HeaderFields,
  { gzip }: Audience,
): Promise<Response> {
  const { status, size, body, knowsLength } = found;
  if (request.method === "HEAD") {
    await body?.cancel();
    return new Response(null, { status, headers });
  }
  return new Response(gzip || knowsLength ? body : withLength(body, size), { status, headers });
}

/** One range of what came whole. */
function slice(found: Found, { first, last }: Range, headers: HeaderFields): Response {
  const length = last - first + 1;
  headers["content-length"] = String(length);
  headers["content-range"] = `bytes ${first}-${last}/${found.size}`;
  const body = found.body && withLength(cut(found.body, first, length), length);
  return new Response(body, { status: 206, headers });
}

/** Bytes of a stream from `first` on; the rest of it is not read. */
function cut(body: ReadableStream<Uint8Array>, first: number, length: number): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let [skip, left] = [first, length];
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) throw new Error("a stream was shorter than its object");
        const bytes = value.subarray(Math.min(skip, value.byteLength), skip + left);
        skip = Math.max(0, skip - value.byteLength);
        if (bytes.byteLength === 0) continue;
        left -= bytes.byteLength;
        controller.enqueue(bytes);
        if (left > 0) return;
        controller.close();
        await reader.cancel();
        return;
      }
    },
    cancel: () => reader.cancel(),
  });
}

/** The runtime states the length only of streams that it knows to have one. */
const withLength = (
  body: ReadableStream<Uint8Array> | null,
  size: number,
): ReadableStream<Uint8Array> | null => body?.pipeThrough(new FixedLengthStream(size)) ?? null;

/** The answer when neither the object nor a copy could be had. */
export function unavailable(): Response {
  return respond(problem(503, "unavailable", "This cannot be had just now. Try again in a moment."), {
    ...CORS,
    "retry-after": "2",
    "cache-status": cacheStatus({ how: "failed" }),
  });
}

/** Headers of an answer that the edge gives by itself. */
export const localHeaders = (detail: string): Record<string, string> => ({
  ...CORS,
  "cache-status": cacheStatus({ how: "local", detail } satisfies Story),
});

/** Something failed that is no client's fault. */
export const failed = (): Response => respond(internal(), localHeaders("internal"));
