/** Signed paths through the gate: what a token opens, and that what it does not open all looks the same. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Signed } from "../../wire/watch-token.ts";
import { signWatchToken } from "../../workers/watch-tokens.ts";
import { ADMIN, createStream, Encoder, get, json, origin, textOf } from "./encoder.ts";

const SECRET = env.TOKEN_SECRET ?? "";
const soon = () => Math.ceil(Date.now() / 1000) + 600;
const mint = (stream: string, more = {}) =>
  signWatchToken({ aud: "watch", stream, exp: soon(), ...more }, SECRET);

let token: string;
let encoder: Encoder;
/** Every kind of path of a stream that can be watched, without what stands before it. */
let paths: readonly string[];

const pathsOf = (stream: string, broadcast: string): readonly string[] => [
  `/live/${stream}/index.m3u8`,
  `/live/${stream}/v720/index.m3u8`,
  `/live/${stream}/v720/index.m3u8?_HLS_msn=99999`,
  `/live/${stream}/v720/iframes.m3u8`,
  `/live/${stream}/none/index.m3u8`,
  `/media/${broadcast}/1/v720/init.mp4`,
  `/media/${broadcast}/1/v720/seg-0.m4s`,
  `/media/${broadcast}/1/v720/part-0.0.m4s`,
  `/media/${broadcast}/1/audio/part-999999.0.m4s`,
  `/api/streams/${stream}`,
];

beforeAll(async () => {
  encoder = await Encoder.open(await createStream("signed", { access: "private" }));
  await encoder.pushSegment();
  await encoder.pushSegment();
  const { session } = encoder.grant;
  paths = pathsOf("signed", session.slice(0, session.lastIndexOf(".")));
  const signed = await origin("/admin/streams/signed/sign", json("POST", {}, ADMIN));
  ({ token } = await signed.json<Signed>());
});

/** All that a client sees of an answer, except the time. */
async function seen(path: string, init?: RequestInit): Promise<unknown> {
  const answer = await get(path, init);
  const headers = [...answer.headers].filter(([name]) => name !== "date");
  return { status: answer.status, headers, body: await textOf(answer) };
}

/** The address of something that a playlist names. */
const resolve = (path: string, uri: string): string => new URL(uri, `http://edge.test${path}`).pathname;

describe("a private stream", () => {
  it("is watched below its signed path, from the page's answer to the last byte", async () => {
    const base = `/p/${token}`;
    const multivariant = `${base}/live/signed/index.m3u8`;
    const text = await textOf(get(multivariant));
    const media = resolve(multivariant, /^[^#].*m3u8$/m.exec(text)?.[0] ?? "");
    expect(media.startsWith(`${base}/live/signed/`)).toBe(true);
    const playlist = await textOf(get(media));
    const uris = [...playlist.matchAll(/URI="([^"]+)"|^([^#\s].*)$/gm)].map(([, a, b]) => a ?? b ?? "");
    const segments = uris.filter((uri) => uri.includes("seg-") || uri.includes("init"));
    expect(segments.length).toBeGreaterThan(1);
    for (const uri of segments) {
      const path = resolve(media, uri);
      expect(path.startsWith(`${base}/media/`)).toBe(true);
      expect((await get(path)).status).toBe(200);
      expect((await get(path, { headers: { range: "bytes=0-3" } })).status).toBe(206);
    }
  });

  it("is told of below its signed path", async () => {
    const status = await (await get(`/p/${token}/api/streams/signed`)).json();
    expect(status).toMatchObject({ id: "signed", playlist: `/p/${token}/live/signed/index.m3u8` });
  });

  it("shows no picture that is taller than the token allows", async () => {
    const base = `/p/${await mint("signed", { maxHeight: 480 })}`;
    const text = await textOf(get(`${base}/live/signed/index.m3u8`));
    expect(text).toContain("v480/index.m3u8");
    expect(text).toContain("audio/index.m3u8");
    expect(text).not.toContain("v720");
    const refused = await seen(`/p/x${paths[0]}`);
    for (const path of paths.filter((tall) => tall.includes("v720"))) {
      expect(await seen(`${base}${path}`)).toEqual(refused);
      expect((await get(`${base}${path.replace("v720", "v480")}`)).status).not.toBe(403);
    }
    expect((await get(`${base}/live/signed/audio/index.m3u8`)).status).toBe(200);
  });

  it("looks without a token as one that does not exist", async () => {
    const nobody = pathsOf("nobody", `nobody-${"0".repeat(26)}`);
    for (const [i, path] of paths.entries()) {
      const answer = await seen(path);
      expect(answer).toEqual(await seen(nobody[i] ?? ""));
      expect(answer).toMatchObject({ status: path.startsWith("/live") ? expect.any(Number) : 404 });
    }
    const { streams } = await (await get("/api/streams")).json<{ streams: { id: string }[] }>();
    expect(streams.map(({ id }) => id)).not.toContain("signed");
  });
});

describe("a path that a token does not open", () => {
  it("has one answer, whatever is wrong and whatever is behind it", async () => {
    await createStream("signed-other");
    const tokens = [
      "x",
      "a.b.c",
      "%00",
      "\u{1f511}",
      "A".repeat(3_000),
      `${token}A`,
      token.slice(0, -1),
      await signWatchToken({ aud: "watch", stream: "signed", exp: soon() }, "another secret"),
      await mint("signed", { exp: 1 }),
      await mint("signed", { nbf: soon() }),
      await mint("signed", { ip: ["192.0.2.1"] }),
      await mint("signed", { country: "DE" }),
      await mint("signed-other"),
      await mint("signed-nobody"),
    ];
    const first = await seen(`/p/x${paths[0]}`);
    expect(first).toMatchObject({
      status: 403,
      body: expect.stringContaining("urn:millrace:problem:forbidden"),
    });
    const nobody = pathsOf("nobody", `nobody-${"0".repeat(26)}`);
    for (const bad of tokens) {
      for (const path of [...paths, ...nobody])
        expect([bad.slice(0, 20), path, await seen(`/p/${encodeURI(bad)}${path}`)]).toEqual([
          bad.slice(0, 20),
          path,
          first,
        ]);
    }
    for (const path of nobody) expect(await seen(`/p/${token}${path}`)).toEqual(first);
  });
});
