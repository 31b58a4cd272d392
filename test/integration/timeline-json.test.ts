/** `timeline.json` at the edge: a playlist in all but its type, for whoever may have every rendition. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { mediaPlaylist } from "../../media/hls.ts";
import { parseJson } from "../../wire/parse.ts";
import { type TimelineSnapshot, TimelineSnapshotSchema } from "../../wire/timeline-snapshot.ts";
import { EdgeBench, liveStream, pass, statusOf } from "./edge-bench.ts";
import { ADMIN, createStream, Encoder, json, origin, sign, textOf } from "./encoder.ts";

let edge: EdgeBench;

beforeEach(() => {
  edge = new EdgeBench();
});

async function snapshotOf(answer: Promise<Response>): Promise<TimelineSnapshot> {
  const read = parseJson(TimelineSnapshotSchema, await textOf(answer));
  if (!read.ok) throw new Error(read.error.detail);
  return read.value;
}

/** What is said of keeping an answer. */
const kept = ({ headers }: Response) => [headers.get("cache-control"), headers.get("cdn-cache-control")];

describe("timeline.json", () => {
  it("is what playlists are drawn from, and where the channel's events go on", async () => {
    const { id, path, encoder } = await liveStream();
    const { epoch, offset, timeline } = await snapshotOf(edge.get(`/live/${id}/timeline.json`));
    expect(epoch).not.toBe("");
    expect(offset).toBeGreaterThan(0);
    expect(timeline).toMatchObject({ broadcast: encoder.grant.broadcast, stream: id, nextMsn: 1 });
    expect(timeline.open?.parts).toHaveLength(1);
    expect(mediaPlaylist(timeline, "v720")).toBe(await textOf(edge.get(path)));
  });

  it("has the headers of a plain playlist, but for its type", async () => {
    const { id, path } = await liveStream();
    const answer = await edge.get(`/live/${id}/timeline.json`);
    const plain = await edge.get(path);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(kept(answer)).toEqual(["public, max-age=1", expect.stringMatching(/^max-age=1, stale-while-/)]);
    expect(kept(answer)).toEqual(kept(plain));
    const names = ({ headers }: Response) => [...headers.keys()].toSorted();
    expect(names(answer)).toEqual(names(plain));
    const etag = answer.headers.get("etag") ?? "";
    const again = await edge.get(`/live/${id}/timeline.json`, { headers: { "if-none-match": etag } });
    expect([etag === "", again.status]).toEqual([false, 304]);
    const head = await edge.get(`/live/${id}/timeline.json`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it("is compressed for those who ask", async () => {
    const { id } = await liveStream();
    const zipped = await edge.get(`/live/${id}/timeline.json`, { headers: { "accept-encoding": "gzip" } });
    expect(zipped.headers.get("content-encoding")).toBe("gzip");
    expect(zipped.headers.get("vary")).toBe("Accept-Encoding");
    await zipped.body?.cancel();
  });

  it("is drawn once for all who come at the same time, whatever stands in their queries", async () => {
    const { id } = await liveStream();
    const asked = Array.from({ length: 20 }, (_, i) => edge.get(`/live/${id}/timeline.json?x=${i}`));
    const answers = await Promise.all(asked);
    expect(answers.filter((answer) => statusOf(answer).collapsed)).toHaveLength(19);
    expect(new Set(await Promise.all(answers.map((answer) => textOf(answer)))).size).toBe(1);
    await edge.cache(`/live/${id}/timeline.json?other`);
    expect(edge.count(`stream ${id} playlist`)).toBe(1);
  });

  it("is not waited for, and follows a broadcast that goes on", async () => {
    const { id, encoder, path } = await liveStream();
    const first = await snapshotOf(edge.get(`/live/${id}/timeline.json`));
    await encoder.pushPart();
    // Somebody waits at the live edge: what is known of it is no name of the timeline.
    await textOf(edge.get(`${path}?_HLS_msn=${encoder.msn}&_HLS_part=${encoder.part - 1}`));
    pass(3);
    await expect
      .poll(async () => (await snapshotOf(edge.get(`/live/${id}/timeline.json`))).offset)
      .toBeGreaterThan(first.offset);
    const next = await snapshotOf(edge.get(`/live/${id}/timeline.json`));
    expect(next.epoch).toBe(first.epoch);
    expect(next.timeline.open?.parts).toHaveLength(2);
  });

  it("says that a broadcast has ended, for no longer than a playlist does", async () => {
    const { id, encoder, path } = await liveStream();
    await encoder.close("broadcast");
    const answer = await edge.get(`/live/${id}/timeline.json`);
    expect(kept(answer)).toEqual(kept(await edge.get(path)));
    expect(await answer.json()).toMatchObject({ timeline: { ended: true } });
  });

  it.each(["_HLS_msn=x", "_HLS_part=1"])("refuses directives that no playlist takes: %s", async (query) => {
    const answer = await edge.get(`/live/nobody/timeline.json?${query}`);
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ type: expect.stringContaining("bad-directive") }),
    ]);
  });
});

describe("timeline.json that is not to be had", () => {
  it.each([
    ["of a stream that does not exist", "timeline-nobody"],
    ["of a name that no stream can have", "Not_A_Stream"],
    ["of a stream that was never live", "timeline-idle"],
  ])("%s is the 404 of its playlist", async (_what, id) => {
    if (id === "timeline-idle") await createStream(id);
    const answer = await edge.get(`/live/${id}/timeline.json`);
    const plain = await edge.get(`/live/${id}/index.m3u8`);
    expect([answer.status, plain.status]).toEqual([404, 404]);
    expect(await answer.json()).toEqual(await plain.json());
    expect(kept(answer)).toEqual(kept(plain));
  });

  it("is the copy of before while its stream fails, and then a 503", async () => {
    const { id } = await liveStream();
    const path = `/live/${id}/timeline.json`;
    await edge.cache(path);
    edge.streams = "fails";
    pass(30);
    const old = await edge.get(path);
    expect([old.status, statusOf(old).detail]).toEqual([200, "stale-if-error"]);
    await old.body?.cancel();
    pass(60);
    expect((await edge.get(path)).status).toBe(503);
  });
});

describe("timeline.json of a private stream", () => {
  it("is there for a token, and without one as if there were none", async () => {
    const encoder = await Encoder.open(await createStream("timeline-private", { access: "private" }));
    await encoder.pushSegment();
    const hidden = await edge.get("/live/timeline-private/timeline.json");
    const nobody = await edge.get("/live/timeline-nobody/timeline.json");
    expect([hidden.status, await hidden.text()]).toEqual([404, await nobody.text()]);
    const opened = await edge.get(`/p/${await sign("timeline-private")}/live/timeline-private/timeline.json`);
    expect([opened.status, opened.headers.get("cache-control")]).toEqual([200, "private, max-age=1"]);
    expect(await opened.json()).toMatchObject({ timeline: { stream: "timeline-private" } });
    const other = await edge.get(`/p/${await sign("timeline-private")}/live/timeline-idle/timeline.json`);
    expect(other.status).toBe(403);
  });

  it("tells nobody of renditions that the token does not open: such a player asks for playlists", async () => {
    const { id } = await liveStream();
    await edge.cache(`/live/${id}/timeline.json`);
    const base = `/p/${await sign(id, { maxHeight: 480 })}/live/${id}`;
    const [refused, tall, low] = await Promise.all(
      ["timeline.json", "v720/index.m3u8", "v480/index.m3u8"].map((file) => edge.get(`${base}/${file}`)),
    );
    expect([refused?.status, low?.status]).toEqual([403, 200]);
    const text = await refused?.text();
    expect(text).not.toContain("v720");
    expect(text).toBe(await tall?.text());
    expect(refused && kept(refused)).toEqual(tall && kept(tall));
  });
});

describe("a purge", () => {
  it.each<readonly [string, boolean, (id: string, broadcast: string) => string]>([
    ["a stream", true, (id) => `/live/${id}/`],
    ["a stream's playlists", true, (id) => `/live/${id}/index.m3u8`],
    ["its broadcast", true, (_id, broadcast) => `/media/${broadcast}/`],
    ["another stream", false, () => "/live/timeline-other/"],
  ])("of %s takes its timeline.json: %s", async (_what, takes, prefixOf) => {
    const { id, encoder } = await liveStream();
    const path = `/live/${id}/timeline.json`;
    await edge.cache(path);
    const body = { prefixes: [prefixOf(id, encoder.grant.broadcast)] };
    expect((await origin("/purge", json("POST", body, ADMIN))).status).toBe(202);
    pass(0.95);
    const answer = await edge.get(path);
    await answer.body?.cancel();
    expect([answer.status, statusOf(answer).detail === "purged"]).toEqual([200, takes]);
  });
});

describe("the stream's object", () => {
  it("draws the same as the edge serves", async () => {
    const { id } = await liveStream();
    const drawn = await env.LIVE_STREAM.getByName(id).playlist({ kind: "timeline" }, undefined);
    const served = await textOf(edge.get(`/live/${id}/timeline.json`));
    expect(drawn).toMatchObject({ ok: true, value: { text: served, ended: false } });
  });
});
