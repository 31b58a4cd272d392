/** Photos of conversations: announced, uploaded, said, seen, removed; and what is refused on each of these ways. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { CHAT_ERROR } from "../../wire/chat.ts";
import { MAX_PHOTO_BYTES, MAX_THUMBNAIL_BYTES, type PhotoTicket } from "../../wire/conversations.ts";
import { signPhotoToken, verifyPhotoToken } from "../../workers/photo-tokens.ts";
import { signSocketToken } from "../../workers/socket-tokens.ts";
import { conversation, Device, FakeInboxes, groupOf } from "./conversation-people.ts";
import { get } from "./encoder.ts";
import { passTime } from "./stream-object.ts";
import { until } from "./viewer-set-client.ts";

const errorOf = (name: keyof typeof CHAT_ERROR) => ({ error: CHAT_ERROR[name] });

/** A picture as far as its head goes; the rest is noise. */
function png(width: number, height: number, bytes = 200): Uint8Array {
  const image = new Uint8Array(bytes);
  image.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  const view = new DataView(image.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return image;
}
const jpeg = (width: number, height: number): Uint8Array => {
  const image = Uint8Array.from([0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  new DataView(image.buffer).setUint16(7, height);
  new DataView(image.buffer).setUint16(9, width);
  return image;
};

const put = (path: string, body: BodyInit | null, headers: Record<string, string> = {}) =>
  get(path, { method: "PUT", body, headers: { "content-type": "image/png", ...headers } });
const ticket = (device: Device, room: string, more: object = {}) =>
  device.get<PhotoTicket>("room.photo", {
    room,
    type: "image/png",
    bytes: 200,
    width: 40,
    height: 30,
    ...more,
  });
const nameOf = async (answer: Response) => {
  const { type } = await answer.json<{ type: string }>();
  return `${answer.status} ${type.replace("urn:millrace:problem:", "")}`;
};
const keysIn = async (room: string) =>
  (await env.MEDIA.list({ prefix: `chat/${room}/` })).objects.map(({ key }) => key);

/** A photo of alice's that has been uploaded. */
async function uploaded() {
  const group = await groupOf(["alice", "bob"]);
  const { room, alice } = group;
  const { id, upload, thumbnail } = await ticket(alice, room);
  expect((await put(upload, png(40, 30))).status).toBe(201);
  expect((await put(thumbnail, png(20, 15, 100))).status).toBe(201);
  return { ...group, id, upload, thumbnail };
}

describe("a photo", () => {
  it("is uploaded, said, seen by who knows its address, and gone with its message", async () => {
    const { room, alice, bob, id, upload } = await uploaded();
    expect(await alice.say(room, "", "p1", { photo: id })).toMatchObject({ publish: {} });
    const [message] = await until(() => {
      expect(bob.messages(room)).toHaveLength(1);
      return bob.messages(room);
    });
    expect(message).toMatchObject({
      text: "",
      photo: { id, type: "image/png", bytes: 200, width: 40, height: 30 },
    });
    const seen = await get(`/photos/${room}/${id}`);
    expect(new Uint8Array(await seen.arrayBuffer())).toEqual(png(40, 30));
    expect(Object.fromEntries(seen.headers)).toMatchObject({
      "content-type": "image/png",
      "content-length": "200",
      "cache-control": "private, max-age=31536000, immutable",
      "cdn-cache-control": "no-store",
      "content-security-policy": "default-src 'none'; sandbox",
      "content-disposition": "inline",
      "x-content-type-options": "nosniff",
      "access-control-allow-origin": "*",
    });
    const head = await get(`/photos/${room}/${id}/thumbnail`, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "100", ""]);
    await alice.get("room.delete", { room, id: message?.id });
    await until(async () => expect(await keysIn(room)).toEqual([]));
    expect((await get(`/photos/${room}/${id}`)).status).toBe(404);
    // Its ticket is still good for a while: what is uploaded once more goes once more.
    expect((await put(upload, png(40, 30))).status).toBe(201);
    passTime(3_600_000);
    await runDurableObjectAlarm(conversation(room));
    await until(async () => expect(await keysIn(room)).toEqual([]));
  });

  it("waits while others hold all the room that there is for uploads, and no longer", async () => {
    const { room, alice } = await groupOf(["alice", "bob"]);
    const large = await ticket(alice, room, { bytes: MAX_PHOTO_BYTES });
    const bodies = Array.from({ length: 4 }, () => new FixedLengthStream(MAX_PHOTO_BYTES));
    const answers = bodies.map(({ readable }) => put(large.upload, readable));
    const { upload } = await ticket(alice, room);
    await until(async () => expect((await put(upload, png(40, 30))).status).toBe(503));
    await Promise.allSettled(bodies.map(({ writable }) => writable.abort("no more")));
    await Promise.allSettled(answers);
    expect((await put(upload, png(40, 30))).status).toBe(201);
  });

  it("is said once, by who uploaded it, with a text or without", async () => {
    const { room, alice, bob, id } = await uploaded();
    expect(await bob.say(room, "mine!", "b1", { photo: id })).toMatchObject(errorOf("badPhoto"));
    expect(await alice.say(room, "look", "p1", { photo: id })).toMatchObject({ publish: {} });
    expect(await alice.say(room, "look", "p1", { photo: id })).toMatchObject({ publish: {} });
    expect(await alice.say(room, "look", "p1")).toMatchObject(errorOf("nonceReused"));
    expect(await alice.say(room, "again", "p2", { photo: id })).toMatchObject(errorOf("badPhoto"));
    const other = await ticket(alice, room);
    expect(await alice.say(room, "soon", "p3", { photo: other.id })).toMatchObject(errorOf("badPhoto"));
    expect(await alice.say(room, "", "p4")).toMatchObject(errorOf("empty"));
    const { room: another } = await groupOf(["alice", "bob"]);
    const elsewhere = await Device.of("alice");
    expect(await elsewhere.say(another, "here", "p5", { photo: id })).toMatchObject(errorOf("badPhoto"));
    await bob.hears(room, "look");
  });

  it("is not said by somebody who was put out while it was looked for", async () => {
    const { room, alice, bob } = await groupOf(["alice", "bob"]);
    const { id, upload } = await ticket(bob, room);
    expect((await put(upload, png(40, 30))).status).toBe(201);
    let isAsked = false;
    let isOpen = false;
    await runInDurableObject(conversation(room), (object) => {
      const holder = object as unknown as { env: Record<string, unknown> };
      const head = async (key: string) => {
        isAsked = true;
        while (!isOpen) await new Promise((resolve) => setTimeout(resolve, 5));
        return env.MEDIA.head(key);
      };
      holder.env = { ...holder.env, MEDIA: { head } };
    });
    const saying = bob.say(room, "look", "p1", { photo: id });
    await until(() => expect(isAsked).toBe(true));
    await alice.get("room.remove", { room, user: "bob" });
    isOpen = true;
    expect(await saying).toMatchObject({ error: { code: 103 } });
    expect(JSON.stringify((await conversation(room).since(undefined)).publications)).not.toContain("look");
  });

  it("that nobody was shown is removed after an hour", async () => {
    const { room, alice, id } = await uploaded();
    expect(await keysIn(room)).toHaveLength(2);
    await runDurableObjectAlarm(conversation(room));
    expect(await keysIn(room)).toHaveLength(2);
    passTime(3_600_001);
    await runDurableObjectAlarm(conversation(room));
    await until(async () => expect(await keysIn(room)).toEqual([]));
    expect(await alice.say(room, "late", "p1", { photo: id })).toMatchObject(errorOf("badPhoto"));
  });

  it("is removed in the end when R2 fails", async () => {
    const { room, alice, bob, id } = await uploaded();
    await alice.say(room, "oops", "p1", { photo: id });
    await bob.hears(room, "oops");
    const setBucket = (bucket: unknown) =>
      runInDurableObject(conversation(room), (object) => {
        const holder = object as unknown as { env: Record<string, unknown> };
        holder.env = { ...holder.env, MEDIA: bucket };
      });
    await setBucket({ delete: () => Promise.reject(new Error("injected")) });
    await alice.get("room.delete", { room, id: bob.messages(room)[0]?.id });
    await runDurableObjectAlarm(conversation(room));
    expect(await keysIn(room)).toHaveLength(2);
    await setBucket(env.MEDIA);
    passTime(60_000);
    await until(async () => {
      await runDurableObjectAlarm(conversation(room));
      expect(await keysIn(room)).toEqual([]);
    });
  });

  it("goes with the last member", async () => {
    const { room, alice, bob, id } = await uploaded();
    await alice.say(room, "bye", "p1", { photo: id });
    await bob.get("room.leave", { room });
    await alice.get("room.leave", { room });
    await until(async () => {
      await runDurableObjectAlarm(conversation(room));
      expect(await keysIn(room)).toEqual([]);
    });
  });
});

describe("an upload", () => {
  it.each([
    ["another type", { "content-type": "image/jpeg" }, png(40, 30), "415 unsupported-media-type"],
    ["a type that is no image", { "content-type": "text/html" }, png(40, 30), "415 unsupported-media-type"],
    ["more than announced", {}, png(40, 30, 201), "413 too-large"],
    ["another size in pixels", {}, png(41, 30), "422 wrong-size"],
    ["no image", {}, new TextEncoder().encode("<script>alert(1)</script>".padEnd(100)), "422 not-an-image"],
    ["an image of another type", {}, jpeg(40, 30), "422 not-an-image"],
    ["nothing", {}, new Uint8Array(), "422 not-an-image"],
  ])("is refused: %s", async (_name, headers, body, refusal) => {
    const { room, alice } = await groupOf(["alice"]);
    const { upload } = await ticket(alice, room);
    expect(await nameOf(await put(upload, body, headers))).toBe(refusal);
    expect(await keysIn(room)).toEqual([]);
  });

  it("has a length", async () => {
    const { room, alice } = await groupOf(["alice"]);
    const { upload } = await ticket(alice, room);
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(png(40, 30));
        controller.close();
      },
    });
    expect(await nameOf(await put(upload, body))).toBe("411 length-required");
    const lying = await put(upload, png(40, 30, 100), { "content-length": "150" }).catch(
      (error: Error) => error,
    );
    if (lying instanceof Response) expect(lying.status).not.toBe(201);
  });

  it("of a camera that was held upright may be turned", async () => {
    const { room, alice } = await groupOf(["alice"]);
    const { upload } = await ticket(alice, room, { type: "image/jpeg", width: 30, height: 40 });
    expect((await put(upload, jpeg(40, 30), { "content-type": "image/jpeg" })).status).toBe(201);
  });

  it("of a thumbnail is small, and no animation", async () => {
    const { room, alice } = await groupOf(["alice"]);
    const { thumbnail } = await ticket(alice, room);
    expect(await nameOf(await put(thumbnail, png(641, 30)))).toBe("422 wrong-size");
    expect(await nameOf(await put(thumbnail, png(64, 30, MAX_THUMBNAIL_BYTES + 1)))).toBe("413 too-large");
    const gif = new TextEncoder().encode("GIF89a".padEnd(50));
    expect(await nameOf(await put(thumbnail, gif, { "content-type": "image/gif" }))).toBe(
      "415 unsupported-media-type",
    );
    expect((await put(thumbnail, jpeg(64, 30), { "content-type": "image/jpeg" })).status).toBe(201);
  });

  it("is never another one: the same again is a success", async () => {
    const { upload } = await uploaded();
    expect((await put(upload, png(40, 30))).status).toBe(201);
    const other = png(40, 30);
    other[100] = 1;
    expect(await nameOf(await put(upload, other))).toBe("409 object-exists");
  });

  it("needs a ticket for this address, signed by us, of the last ten minutes", async () => {
    const { room, alice } = await groupOf(["alice"]);
    const mine = await ticket(alice, room);
    const other = await ticket(alice, room);
    const [path = "", token = ""] = mine.upload.split("?t=");
    const claims = await verifyPhotoToken(token, env, Date.now());
    if (!claims) throw new Error("a ticket that is none");
    expect(Date.parse(mine.expiresAt) - Date.now()).toBeLessThanOrEqual(600_000);
    const socketToken = await signSocketToken({ sub: "alice", role: "member" }, "test-token-secret");
    const forged = await signPhotoToken(claims, "another secret");
    for (const wrong of [
      `${path}?t=${other.upload.split("?t=")[1]}`,
      path,
      `${path}?t=${socketToken}`,
      `${path}?t=${forged}`,
      `${path}?t=a.b.c`,
      `${path}?t=${"x".repeat(2000)}`,
    ])
      expect(await nameOf(await put(wrong, png(40, 30)))).toBe("403 forbidden");
    passTime(600_001);
    expect(await nameOf(await put(mine.upload, png(40, 30)))).toBe("403 forbidden");
  });

  it("puts nothing off that is due before it", async () => {
    const { room, alice, bob } = await groupOf(["alice", "bob"]);
    const inboxes = new FakeInboxes();
    await inboxes.install(room);
    inboxes.of("bob").health = "failing";
    await alice.say(room, "hello");
    await bob.hears(room, "hello");
    await until(() => expect(inboxes.of("alice").texts).toEqual(["hello"]));
    await evictDurableObject(conversation(room));
    await ticket(alice, room);
    const alarm = await runInDurableObject(conversation(room), (_object, { storage }) => storage.getAlarm());
    expect((alarm ?? Number.POSITIVE_INFINITY) - Date.now()).toBeLessThan(60_000);
  });

  it("is not announced too large, nor by whoever is no member", async () => {
    const { room, alice } = await groupOf(["alice"]);
    const data = { room, type: "image/png", bytes: MAX_PHOTO_BYTES + 1, width: 4, height: 3 };
    expect(await alice.act("room.photo", data)).toMatchObject(errorOf("badPhoto"));
    for (const wrong of [{ type: "image/svg+xml" }, { width: 0 }, { width: 20_001 }, { bytes: 0 }])
      expect(await alice.act("room.photo", { ...data, bytes: 9, ...wrong })).toMatchObject({
        error: { code: 107 },
      });
    const eve = await Device.of("eve");
    expect(await eve.act("room.photo", { ...data, bytes: 9 })).toMatchObject({ error: { code: 103 } });
  });
});

describe("addresses of photos", () => {
  it.each([
    ["/photos/01ARYZ6S410000000000000000/AAAAAAAAAAAAAAAAAAAAAA", "404 not-found"],
    ["/photos/01ARYZ6S410000000000000000/AAAAAAAAAAAAAAAAAAAAAA/thumbnail", "404 not-found"],
    ["/photos/01ARYZ6S410000000000000000", "404 not-found"],
    ["/photos/../media/x", "404 not-found"],
    ["/photos/01ARYZ6S410000000000000000/AAAAAAAAAAAAAAAAAAAAAA/other", "404 not-found"],
  ])("%s", async (path, refusal) => {
    expect(await nameOf(await get(path))).toBe(refusal);
  });

  it("take GET, HEAD, PUT and a preflight, and nothing else", async () => {
    const path = "/photos/01ARYZ6S410000000000000000/AAAAAAAAAAAAAAAAAAAAAA";
    const refused = await get(path, { method: "DELETE" });
    expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD, PUT, OPTIONS"]);
    const { headers } = await get(path, { method: "OPTIONS" });
    expect(headers.get("access-control-allow-methods")).toBe("GET, HEAD, PUT, OPTIONS");
    expect(headers.get("access-control-allow-headers")).toBe("Content-Type");
    expect((await get("/api/streams", { method: "PUT" })).status).toBe(405);
  });
});
