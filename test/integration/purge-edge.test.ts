/** Purges as viewers see them: what was cached is gone everywhere within a second, and nothing else is. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { EdgeBench, pass, statusOf } from "./edge-bench.ts";
import { ADMIN, createStream, Encoder, json, origin, textOf } from "./encoder.ts";

let broadcast: string;
let other: string;
let encoder: Encoder;
const edge = new EdgeBench();

beforeAll(async () => {
  encoder = await Encoder.open(await createStream("show"));
  await encoder.pushSegment();
  broadcast = encoder.grant.broadcast;
  // Its id begins with the same letters.
  const second = await Encoder.open(await createStream("show-two"));
  await second.pushSegment();
  other = second.grant.broadcast;
});

/** Purge through origin; the answer's record. */
async function purge(
  body: Record<string, unknown>,
): Promise<{ readonly id: string; readonly generation: number }> {
  const answer = await origin("/purge", json("POST", body, ADMIN));
  expect(answer.status).toBe(202);
  return answer.json();
}

const detail = async (path: string) => {
  const answer = await edge.get(path);
  await answer.body?.cancel();
  return statusOf(answer).detail ?? "hit";
};

describe("a purge", () => {
  const at = (rendition: string, file: string) => `/media/${broadcast}/1/${rendition}/${file}`;
  const objects = () => [
    at("v720", "init.mp4"),
    at("v720", "seg-0.m4s"),
    at("v480", "seg-0.m4s"),
    at("audio", "seg-0.m4s"),
    `/media/${other}/1/v720/seg-0.m4s`,
  ];

  it.each<readonly [string, () => string, readonly boolean[]]>([
    ["an object", () => at("v720", "seg-0.m4s"), [false, true, false, false, false]],
    ["a rendition of a session", () => `/media/${broadcast}/1/v720/`, [true, true, false, false, false]],
    ["a session", () => `/media/${broadcast}/1/`, [true, true, true, true, false]],
    ["a broadcast", () => `/media/${broadcast}/`, [true, true, true, true, false]],
    ["a rendition of a stream", () => "/live/show/v720/", [true, true, false, false, false]],
    ["a stream", () => "/live/show/", [true, true, true, true, false]],
  ])("of %s takes that and no more", async (_what, prefix, purged) => {
    for (const path of objects()) await edge.cache(path);
    await purge({ prefixes: [prefix()] });
    pass(0.95);
    const details = await Promise.all(objects().map(detail));
    expect(details).toEqual(purged.map((is) => (is ? "purged" : "hit")));
  });

  it("of everything takes everything", async () => {
    for (const path of objects()) await edge.cache(path);
    await purge({ prefixes: ["/"], all: true });
    pass(0.95);
    expect(await Promise.all(objects().map(detail))).toEqual(objects().map(() => "purged"));
  });

  it("lets changed bytes be seen, and not before", async () => {
    const path = at("audio", "init.mp4");
    await env.MEDIA.put(path.slice(1), "old");
    await edge.cache(path);
    await env.MEDIA.put(path.slice(1), "new");
    expect(await textOf(edge.get(path))).toBe("old");
    await purge({ prefixes: [path] });
    pass(0.95);
    expect(await textOf(edge.get(path))).toBe("new");
  });

  it("that is soft leaves the old bytes to be served once more while the new ones are fetched", async () => {
    const path = at("v480", "init.mp4");
    await env.MEDIA.put(path.slice(1), "old");
    await edge.cache(path);
    await env.MEDIA.put(path.slice(1), "new");
    await purge({ prefixes: [path], soft: true });
    pass(0.95);
    const soft = await edge.get(path);
    expect(statusOf(soft)).toMatchObject({ hit: true, detail: "soft-purged" });
    expect(await soft.text()).toBe("old");
    await expect.poll(() => textOf(edge.get(path))).toBe("new");
  });

  it("that is soft leaves something when R2 fails, for as long as the directives allow", async () => {
    const path = at("v480", "seg-0.m4s");
    await edge.cache(path);
    await purge({ prefixes: [path], soft: true });
    edge.bucket = "fails";
    pass(3600);
    expect((await edge.get(path)).status).toBe(200);
    pass(86_400);
    expect((await edge.get(path)).status).toBe(503);
    edge.bucket = "well";
  });

  it("of a broadcast takes the playlists that name it", async () => {
    const live = await Encoder.open(await createStream("show-three"));
    await live.pushSegment();
    await edge.cache("/live/show-three/v720/index.m3u8");
    await purge({ prefixes: [`/media/${live.grant.broadcast}/`] });
    pass(0.95);
    expect(await detail("/live/show-three/v720/index.m3u8")).toBe("purged");
  });
});

describe("making a stream private", () => {
  it("shuts it to those who have no token within a second, cached or not", async () => {
    const live = await Encoder.open(await createStream("soon-private"));
    await live.pushSegment();
    const paths = [
      "/live/soon-private/v720/index.m3u8",
      `/media/${live.grant.broadcast}/1/v720/seg-0.m4s`,
      "/api/streams/soon-private",
    ];
    for (const path of paths) await edge.cache(path);
    const changed = await origin("/admin/streams/soon-private", json("PATCH", { access: "private" }, ADMIN));
    expect(changed.status).toBe(200);
    pass(0.95);
    for (const path of paths) expect((await edge.get(path)).status).toBe(404);
    const signed = await origin("/admin/streams/soon-private/sign", json("POST", {}, ADMIN));
    const { token } = await signed.json<{ token: string }>();
    for (const path of paths) expect((await edge.get(`/p/${token}${path}`)).status).toBe(200);
    for (const path of paths) expect((await edge.get(path)).status).toBe(404);
  });
});
