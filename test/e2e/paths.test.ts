/** Paths as no client library would send them, on a bare socket: each has its exact answer, and none reaches anything. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { signedPrefix } from "../../wire/watch-token.ts";
import { endChild, Stack, until } from "../support/stack.ts";

let stack: Stack;
let media: string;
/** What a token puts before a path. */
let base: string;
let picture: ReturnType<Stack["broadcast"]>;

beforeAll(async () => {
  stack = Stack.attach(inject("millrace"));
  picture = stack.broadcast(await stack.createStream("paths"));
  await stack.state("paths", "live");
  const signed = await stack.admin("/streams/paths/sign", { method: "POST", body: "{}" });
  base = signedPrefix(JSON.parse(await signed.text()).token);
  media = await until("a segment", async () => {
    const text = await (await stack.get("/live/paths/v360/index.m3u8")).text();
    return /\/(media\/[^"\n]*\/seg-\d+\.m4s)/.exec(text)?.[1];
  });
});
afterAll(async () => {
  await endChild(picture);
  await stack.stop();
});

/**
 * Send a request line as it is; the status, and the name of the problem if the answer is one. What is not the edge's own
 * answer has no `Cache-Status`: then it is the words of the runtime in front.
 */
async function ask(path: string, method = "GET"): Promise<readonly [number, string | undefined]> {
  const { hostname, port } = new URL(stack.dev.edge);
  const socket = connect(Number(port), hostname);
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => {});
  socket.write(
    `${method} ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`,
    "latin1",
  );
  await once(socket, "close");
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
  const [head = "", body] = text.split("\r\n\r\n", 2);
  // Origin says nothing of caches either, and names its problems.
  const isOurs = /^cache-status:/im.test(head) || body?.includes("urn:millrace:");
  return [status, isOurs ? /urn:millrace:problem:([a-z-]+)/.exec(body ?? "")?.[1] : body];
}

describe("a path", () => {
  it("that is right is answered", async () => {
    expect(await ask(`/${media}`)).toEqual([200, undefined]);
    // RFC 3986 6.2.2.2: the same path, written otherwise.
    expect(await ask(`/${media.replace("paths-", "%70aths-")}`)).toEqual([200, undefined]);
    // WHATWG URL 4.4: in a web address a backslash is a slash, and the runtime makes it one.
    expect(await ask(`/${media.replace("/1/", "\\1\\")}`)).toEqual([200, undefined]);
    expect(await ask(`${base}/${media}`)).toEqual([200, undefined]);
    expect(await ask(`${base}/${media.replace("/1/", "\\1\\")}`)).toEqual([200, undefined]);
  });

  // Bytes that no request line has (RFC 9112 3): the runtime in front answers, and the edge never hears of it.
  const BAD_URI = [400, "invalid URI"] as const;
  type Answer = readonly [number, string | undefined];
  /** Below a signed path the answer is the same, unless another is named. */
  const rows: readonly (readonly [string, () => string, Answer, Answer?])[] = [
    [
      "climbs out of media",
      () => `/${media}/../../../../../../_origin/admin/streams`,
      [401, "unauthorized"],
      [403, "forbidden"],
    ],
    ["climbs out of the root", () => "/../../../../etc/passwd", [404, "not-found"]],
    ["climbs in code", () => "/media/%2e%2e/%2e%2e/etc/passwd", [404, "not-found"], [403, "forbidden"]],
    ["climbs in half code", () => "/media/.%2e/.%2E/etc/passwd", [404, "not-found"], [403, "forbidden"]],
    ["climbs in double code", () => "/media/%252e%252e/%252e%252e/etc/passwd", [404, "not-found"]],
    ["has a slash in code", () => `/${media.replaceAll("/", "%2f")}`, [404, "not-found"]],
    ["has a slash in double code", () => `/${media.replace("/1/", "%252f1%252f")}`, [404, "not-found"]],
    ["climbs by backslashes", () => "/media\\..\\..\\etc\\passwd", [404, "not-found"], [403, "forbidden"]],
    ["has a backslash in code", () => `/${media.replace("/1/", "%5c1%5c")}`, [404, "not-found"]],
    ["has a NUL", () => `/${media}\0`, BAD_URI],
    ["has a NUL in front of its end", () => `/${media.replace(".m4s", "\0.m4s")}`, BAD_URI],
    ["has a NUL in code", () => `/${media}%00`, [404, "not-found"]],
    ["has a coded NUL in front of its end", () => `/${media.replace(".m4s", "%00.m4s")}`, [404, "not-found"]],
    ["has a line break in code", () => `/${media}%0d%0aX-Injected:%201`, [404, "not-found"]],
    ["has a space", () => `/${media} x`, [400, "invalid HTTP version parsed"]],
    ["has a tabulator", () => `/${media.replace("/1/", "/\t1/")}`, BAD_URI],
    ["has capitals", () => `/${media.toUpperCase()}`, [404, "not-found"]],
    ["has capitals in its root", () => `/${media.replace("media", "Media")}`, [404, "not-found"]],
    ["has empty names", () => `/${media.replaceAll("/", "//")}`, [404, "not-found"]],
    ["begins with two slashes", () => `//${media}`, [404, "not-found"]],
    ["ends in a slash", () => `/${media}/`, [404, "not-found"]],
    ["is not UTF-8", () => `/${media}\xff\xfe`, BAD_URI],
    ["is not UTF-8 in code", () => `/${media}%ff%fe`, [404, "not-found"]],
    ["is half a code", () => `/${media}%e`, [404, "not-found"]],
    ["has letters that look like others", () => "/live/p%D0%B0ths/index.m3u8", [404, "not-live"]],
    ["has a stream in capitals", () => "/live/PATHS/index.m3u8", [404, "not-live"]],
    ["has an empty stream", () => "/live//index.m3u8", [404, "not-found"]],
    ["has a rendition that climbs", () => "/live/paths/%2e%2e%2fv360/index.m3u8", [404, "no-rendition"]],
    ["names the generations", () => "/generations?since=0", [404, "not-found"]],
    ["names a policy", () => "/policies/paths", [404, "not-found"]],
    ["is below the messages page", () => "/messages/01ARYZ6S41TSV4RRFFQ69G5FAV", [404, "not-found"]],
    ["is a service worker of elsewhere", () => "/messages/notifications.js", [404, "not-found"]],
    ["names origin", () => "/_origin/admin/streams", [401, "unauthorized"], [404, "not-found"]],
    ["is longer than any", () => `/${media}?${"x".repeat(5000)}`, [414, "uri-too-long"]],
  ];

  it.each(rows.map(([what, path, answer]) => [what, path, answer] as const))(
    "that %s",
    async (_what, path, answer) => {
      expect(await ask(path())).toEqual(answer);
    },
  );

  it.each(rows.map(([what, path, answer, signed = answer]) => [what, path, signed] as const))(
    "below a signed path that %s",
    async (_what, path, answer) => {
      expect(await ask(`${base}${path()}`)).toEqual(answer);
    },
  );

  it.each<readonly [string, ...Answer]>([
    ["POST", 405, "method-not-allowed"],
    ["PUT", 405, "method-not-allowed"],
    ["DELETE", 405, "method-not-allowed"],
    ["PATCH", 405, "method-not-allowed"],
    ["PURGE", 405, "method-not-allowed"],
    ["PROPFIND", 405, "method-not-allowed"],
    ["TRACE", 405, "method-not-allowed"],
    // The runtime in front does not know these.
    ["get", 501, "ERROR: Unrecognized request method."],
    ["BREW", 501, "ERROR: Unrecognized request method."],
    // It is a request for a tunnel, and `wrangler dev` has none.
    ["CONNECT", 500, "Internal Server Error"],
    ["OPTIONS", 204, undefined],
    ["HEAD", 200, undefined],
  ])("asked with %s", async (method, ...answer) => {
    expect(await ask(`/${media}`, method)).toEqual(answer);
    expect(await ask(`${base}/${media}`, method)).toEqual(answer);
  });
});
