/** The ingest API: who may write, what is refused, and with which words. */
import { describe, expect, it } from "vitest";
import type { StreamHealth } from "../../wire/admin.ts";
import type { SessionGrant } from "../../wire/ingest.ts";
import {
  ADMIN,
  bytesOf,
  createStream,
  Encoder,
  fresh,
  get,
  json,
  origin,
  SOURCE,
  textOf,
} from "./encoder.ts";

/** Status and name of a problem. */
async function problemOf(answer: Response | Promise<Response>): Promise<readonly [number, string]> {
  const response = await answer;
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const { type, status } = await response.json<{ type: string; status: number }>();
  expect(status).toBe(response.status);
  return [response.status, type.replace("urn:millrace:problem:", "")];
}

describe("opening a session", () => {
  it("grants a lease, ids and a ladder", async () => {
    const key = await createStream("open-grants");
    const answer = await origin("/ingest/sessions", json("POST", { key, source: SOURCE }));
    expect(answer.status).toBe(201);
    const grant = await answer.json<SessionGrant>();
    expect(grant.broadcast).toMatch(/^open-grants-[0-9a-z]{26}$/);
    expect(grant.session).toBe(`${grant.broadcast}.1`);
    expect(grant.plan?.renditions.map(({ name, mode }) => `${name}:${mode}`)).toEqual([
      "v720:copy",
      "v480:encode",
      "v360:encode",
      "audio:copy",
    ]);
  });

  it("refuses an unknown key without saying more", async () => {
    expect(
      await problemOf(origin("/ingest/sessions", json("POST", { key: "mrk_nobody", source: SOURCE }))),
    ).toEqual([401, "unknown-key"]);
  });

  it("refuses a key that was rotated away, and takes the new one", async () => {
    const old = await createStream("rotated");
    const answer = await origin("/admin/streams/rotated/rotate-key", { method: "POST", headers: ADMIN });
    const { key } = await answer.json<{ key: string }>();
    expect(await problemOf(origin("/ingest/sessions", json("POST", { key: old })))).toEqual([
      401,
      "unknown-key",
    ]);
    expect((await origin("/ingest/sessions", json("POST", { key }))).status).toBe(201);
    const check = (id: string, given: string) =>
      origin(`/admin/streams/${id}/check-key`, json("POST", { key: given }, ADMIN)).then((answer) =>
        answer.json(),
      );
    expect(await check("rotated", old)).toEqual({ valid: false });
    expect(await check("rotated", key)).toEqual({ valid: true });
    expect(await check("another", key)).toEqual({ valid: false });
  });

  it("refuses a disabled stream, and ends the broadcast that was on it", async () => {
    const key = await createStream("disabled");
    const encoder = await Encoder.open(key);
    await encoder.pushSegment();
    await origin("/admin/streams/disabled/disable", { method: "POST", headers: ADMIN });
    expect(await problemOf(origin("/ingest/sessions", json("POST", { key })))).toEqual([
      403,
      "stream-disabled",
    ]);
    expect(await problemOf(encoder.append([encoder.nextPart()]))).toEqual([409, "closed"]);
    expect((await fresh("/live/disabled/v720/index.m3u8")).status).toBe(404);
    expect((await fresh("/api/streams/disabled")).status).toBe(404);
    await origin("/admin/streams/disabled/enable", { method: "POST", headers: ADMIN });
    expect((await origin("/ingest/sessions", json("POST", { key }))).status).toBe(201);
  });

  it("gives the same grant to a request that is repeated, and to a source that is described twice", async () => {
    const key = await createStream("repeated");
    const claimId = crypto.randomUUID();
    const opened = async () =>
      (await origin("/ingest/sessions", json("POST", { key, claimId }))).json<SessionGrant>();
    const grant = await opened();
    expect(await opened()).toEqual(grant);
    const describe = async (source: unknown) =>
      (
        await origin(
          `/ingest/${grant.session}/source`,
          json("POST", { source }, { authorization: `Bearer ${grant.lease}` }),
        )
      ).json<SessionGrant>();
    const planned = await describe(SOURCE);
    expect(planned.session).toBe(grant.session);
    expect(await describe(SOURCE)).toEqual(planned);
  });

  it("refuses a second encoder while the first is alive", async () => {
    const key = await createStream("second");
    await Encoder.open(key);
    expect(await problemOf(origin("/ingest/sessions", json("POST", { key, source: SOURCE })))).toEqual([
      409,
      "already-live",
    ]);
  });

  it.each([
    ["no key", { source: SOURCE }, 400],
    ["a key that is not text", { key: 7 }, 400],
    ["a picture of no size", { key: "k", source: { video: { ...SOURCE.video, width: 0 } } }, 400],
    [
      "a frame rate no screen has",
      { key: "k", source: { video: { ...SOURCE.video, frameRate: 100_000 } } },
      400,
    ],
    ["a list", [], 400],
  ])("refuses %s", async (_what, body, status) => {
    expect(await problemOf(origin("/ingest/sessions", json("POST", body)))).toEqual([status, "malformed"]);
  });

  it("refuses text that is not JSON, another type, and no length", async () => {
    const headers = { "content-type": "application/json", "content-length": "1" };
    expect(await problemOf(origin("/ingest/sessions", { method: "POST", body: "{", headers }))).toEqual([
      400,
      "malformed",
    ]);
    const text = { "content-type": "text/plain", "content-length": "2" };
    expect(
      await problemOf(origin("/ingest/sessions", { method: "POST", body: "{}", headers: text })),
    ).toEqual([415, "unsupported-media-type"]);
    const big = { "content-type": "application/json", "content-length": "9999999" };
    expect(await problemOf(origin("/ingest/sessions", { method: "POST", body: "{}", headers: big }))).toEqual(
      [413, "too-large"],
    );
  });
});

describe("putting objects", () => {
  it("stores an object once, takes a repeat, and refuses other bytes", async () => {
    const encoder = await Encoder.open(await createStream("put-once"));
    expect((await encoder.put("v720", "seg-0.m4s")).status).toBe(201);
    expect((await encoder.put("v720", "seg-0.m4s")).status).toBe(200);
    expect(await problemOf(encoder.put("v720", "seg-0.m4s", "other bytes"))).toEqual([409, "object-exists"]);
    const served = await get(`/media/${encoder.grant.broadcast}/1/v720/seg-0.m4s`);
    expect(new Uint8Array(await served.arrayBuffer())).toEqual(bytesOf("v720", "seg-0.m4s"));
  });

  it("refuses a body that is shorter or longer than declared, and keeps nothing of it", async () => {
    const encoder = await Encoder.open(await createStream("put-length"));
    const path = `/ingest/${encoder.grant.session}/objects/v720/seg-0.m4s`;
    const headers = { ...encoder.auth, "content-type": "video/iso.segment" };
    for (const declared of ["5", "500"]) {
      const put = origin(path, {
        method: "PUT",
        body: "0123456789",
        headers: { ...headers, "content-length": declared },
      });
      expect(await problemOf(put)).toEqual([400, "wrong-length"]);
    }
    expect((await get(`/media/${encoder.grant.broadcast}/1/v720/seg-0.m4s`)).status).toBe(404);
  });

  it.each([
    ["a parent folder", "/objects/..%2f..%2fv720/seg-0.m4s"],
    ["a dotted file", "/objects/v720/..%2fseg-0.m4s"],
    ["a leading zero", "/objects/v720/seg-00.m4s"],
    ["another ending", "/objects/v720/seg-0.mp4"],
    ["a playlist", "/objects/v720/index.m3u8"],
    ["capitals", "/objects/V720/seg-0.m4s"],
  ])("refuses the name with %s", async (_what, path) => {
    const encoder = await Encoder.open(await createStream(`put-name-${crypto.randomUUID().slice(0, 8)}`));
    const answer = await origin(`/ingest/${encoder.grant.session}${path}`, {
      method: "PUT",
      body: "x",
      headers: { ...encoder.auth, "content-type": "video/iso.segment", "content-length": "1" },
    });
    expect(await problemOf(answer)).toEqual([400, "bad-name"]);
  });

  it("refuses a path that climbs out of the session", async () => {
    const encoder = await Encoder.open(await createStream("put-climb"));
    const answer = await origin(`/ingest/${encoder.grant.session}/objects/../../x/seg-0.m4s`, {
      method: "PUT",
      body: "x",
      headers: { ...encoder.auth, "content-type": "video/iso.segment", "content-length": "1" },
    });
    expect(answer.status).toBe(404);
  });

  it("refuses a size over the limit, a wrong type, an unknown length and nothing at all", async () => {
    const encoder = await Encoder.open(await createStream("put-bounds"));
    const path = `/ingest/${encoder.grant.session}/objects/v720/seg-0.m4s`;
    const put = (headers: Record<string, string>, body: BodyInit = "x") =>
      origin(path, { method: "PUT", body, headers: { ...encoder.auth, ...headers } });
    const type = { "content-type": "video/iso.segment" };
    expect(await problemOf(put({ ...type, "content-length": "99999999" }))).toEqual([413, "too-large"]);
    expect(await problemOf(put({ "content-type": "text/html", "content-length": "1" }))).toEqual([
      415,
      "unsupported-media-type",
    ]);
    expect(await problemOf(put({ ...type, "content-length": "0" }, ""))).toEqual([400, "empty"]);
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("x"));
        controller.close();
      },
    });
    expect(await problemOf(put(type, stream))).toEqual([411, "length-required"]);
  });

  it("refuses a wrong lease, no lease, and a session that never was", async () => {
    const encoder = await Encoder.open(await createStream("put-lease"));
    const path = `/ingest/${encoder.grant.session}/objects/v720/seg-0.m4s`;
    const put = (at: string, headers: Record<string, string>) =>
      origin(at, {
        method: "PUT",
        body: "x",
        headers: { "content-type": "video/iso.segment", "content-length": "1", ...headers },
      });
    expect(await problemOf(put(path, {}))).toEqual([401, "unknown-lease"]);
    expect(await problemOf(put(path, { authorization: "Bearer nonsense" }))).toEqual([401, "unknown-lease"]);
    expect(await problemOf(put(path.replace(".1/", ".2/"), encoder.auth))).toEqual([401, "unknown-lease"]);
    expect(await problemOf(put("/ingest/nonsense/objects/v720/seg-0.m4s", encoder.auth))).toEqual([
      404,
      "not-found",
    ]);
  });
});

describe("the timeline", () => {
  it("refuses a gap and says where it goes on", async () => {
    const encoder = await Encoder.open(await createStream("gap"));
    await encoder.pushPart();
    const answer = await encoder.append([{ ...encoder.nextPart(), part: 2 }]);
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({
      type: "urn:millrace:problem:gap",
      expected: { msn: 0, part: 1 },
    });
    await encoder.pushPart();
  });

  it("takes everything twice without harm", async () => {
    const encoder = await Encoder.open(await createStream("twice"));
    const entry = encoder.nextPart();
    expect(await (await encoder.append([entry])).json()).toEqual({ next: { msn: 0, part: 1 } });
    expect(await (await encoder.append([entry])).json()).toEqual({ next: { msn: 0, part: 1 } });
  });

  it("refuses media before the tracks are described, and too much of it at once", async () => {
    const key = await createStream("no-init");
    const answer = await origin("/ingest/sessions", json("POST", { key, source: SOURCE }));
    const { session, lease } = await answer.json<SessionGrant>();
    const auth = { authorization: `Bearer ${lease}` };
    const part = { type: "part", msn: 0, part: 0, at: Date.now(), duration: 0.5, tracks: {} };
    const append = (entries: unknown) =>
      origin(`/ingest/${session}/timeline`, json("POST", { entries }, auth));
    expect(await problemOf(append([part]))).toEqual([409, "no-init"]);
    const init = {
      type: "init",
      renditions: [{ name: "v720", kind: "video", codecs: "avc1.64001f", bitrate: 1 }],
    };
    expect(await problemOf(append([init, { ...part, duration: 0.7 }]))).toEqual([422, "too-long"]);
    expect(await problemOf(append([]))).toEqual([400, "malformed"]);
    expect(await problemOf(append([{ ...part, msn: -1 }]))).toEqual([400, "malformed"]);
    expect(
      await problemOf(append([{ ...part, tracks: { "../x": { bytes: 1, independent: true } } }])),
    ).toEqual([400, "malformed"]);
  });

  it("starts a new broadcast when the kinds of track differ, and keeps the lease", async () => {
    const key = await createStream("kinds", { reconnectSeconds: 60 });
    const first = await Encoder.open(key);
    await first.pushSegment();
    await first.close();
    const second = await Encoder.open(key, { video: SOURCE.video });
    expect(second.grant.broadcast).not.toBe(first.grant.broadcast);
    expect(second.plan.nextMsn).toBe(1);
    await second.pushSegment();
    // The answer that named the new broadcast may have been lost: the old name is asked again, and understood.
    const again = await origin(
      `/ingest/${second.grant.session}/source`,
      json("POST", { source: { video: SOURCE.video } }, second.auth),
    );
    expect(await again.json()).toMatchObject({ session: second.grant.session });
    const playlist = await textOf(fresh("/live/kinds/index.m3u8"));
    expect(playlist).not.toContain("TYPE=AUDIO");
  });
});

it("lets no lease begin another broadcast, by the name of the one before, on a stream that was disabled", async () => {
  const key = await createStream("revived");
  const first = await Encoder.open(key);
  await first.pushSegment();
  const describe = (source: unknown) =>
    origin(`/ingest/${first.grant.session}/source`, json("POST", { source }, first.auth));
  const second = await Encoder.begin(await (await describe({ video: SOURCE.video })).json());
  await second.pushSegment();
  await origin("/admin/streams/revived/disable", { method: "POST", headers: ADMIN });
  expect((await describe(SOURCE)).status).toBe(409);
  expect((await second.append([second.nextPart()])).status).toBe(409);
});

describe("health", () => {
  it("tells what the encoder sends, how it does, and what to change, in words", async () => {
    const source = { ...SOURCE, video: SOURCE.video && { ...SOURCE.video, keyframeSeconds: 8.3 } };
    const encoder = await Encoder.open(await createStream("health"), source);
    const stats = { inputBitrate: 3_000_000, inputFrameRate: 30, keyframeSeconds: 8.3, encodeSpeed: 1 };
    const sent = await origin(`/ingest/${encoder.grant.session}/stats`, json("POST", stats, encoder.auth));
    expect(await sent.json()).toEqual({ standby: false });
    const health = async () =>
      (await origin("/admin/streams/health/health", { headers: ADMIN })).json<StreamHealth>();
    expect(await health()).toMatchObject({ id: "health", state: "starting", source, samples: [stats] });
    expect((await health()).advice).toContainEqual(
      expect.objectContaining({ name: "keyframes-far-apart", text: expect.stringContaining("8.3 s") }),
    );
    await encoder.close("broadcast");
    expect((await health()).advice).toEqual([]);
    expect(await problemOf(origin("/admin/streams/nobody/health", { headers: ADMIN }))).toEqual([
      404,
      "unknown-stream",
    ]);
  });
});

describe("the admin API", () => {
  it.each(["/streams/x/broadcasts", "/broadcasts/x-0123456789abcdefghjkmnpqrs", "/transcoders", "/webhooks"])(
    "is closed without the token: %s",
    async (path) => {
      expect(await problemOf(origin(`/admin${path}`))).toEqual([401, "unauthorized"]);
    },
  );

  it("is closed without the token", async () => {
    expect(await problemOf(origin("/admin/streams"))).toEqual([401, "unauthorized"]);
    expect(await problemOf(origin("/admin/streams", { headers: { authorization: "Bearer guess" } }))).toEqual(
      [401, "unauthorized"],
    );
  });

  it("creates, lists, refuses doubles and bad ids, and never shows a key again", async () => {
    await createStream("admin-a", { title: "A show", profile: "ultra" });
    expect(await problemOf(origin("/admin/streams", json("POST", { id: "admin-a" }, ADMIN)))).toEqual([
      409,
      "stream-exists",
    ]);
    for (const id of ["", "UPPER", "-a", "a-", "a/b", "..", "a".repeat(64)]) {
      expect(await problemOf(origin("/admin/streams", json("POST", { id }, ADMIN)))).toEqual([
        400,
        "malformed",
      ]);
    }
    const listed = await (await origin("/admin/streams", { headers: ADMIN })).json<{
      streams: { id: string }[];
    }>();
    expect(listed.streams.find(({ id }) => id === "admin-a")).toMatchObject({
      title: "A show",
      profile: "ultra",
      disabled: false,
      live: false,
    });
    expect(JSON.stringify(listed)).not.toContain("mrk_");
    expect(
      await problemOf(origin("/admin/streams/nobody/rotate-key", { method: "POST", headers: ADMIN })),
    ).toEqual([404, "unknown-stream"]);
  });
});
