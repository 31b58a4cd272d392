/** Real conversations and real inboxes: what is said in a room is in its members' inboxes, what one asks of an inbox its room does. */
import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { REACHED, type Reach } from "../../durable-objects/core/inbox/reaching.ts";
import { CHAT_ERROR } from "../../wire/chat.ts";
import { MAX_ROOMS, type RoomState } from "../../wire/conversations.ts";
import type { InboxState } from "../../wire/inbox.ts";
import { conversation, Device as Member, newUlid } from "./conversation-people.ts";
import { Device, inboxOf } from "./inbox-bench.ts";
import { until } from "./viewer-set-client.ts";

const TOO_FAST = { error: CHAT_ERROR.tooFast };
let users = 0;
/** Names that no other test has. */
function names(): readonly [string, string] {
  users += 1;
  return [`alice-${users}`, `bob-${users}`];
}

/** Wait until somebody is not heard in a room any more. */
async function isRefused(member: Member, room: string): Promise<void> {
  await until(async () =>
    expect(await member.say(room, `why? ${newUlid()}`)).toMatchObject({ error: { code: 468 } }),
  );
}

it("messages, cursors and departures of a group come to the inbox, whatever is evicted", async () => {
  const [alice, bob] = names();
  const [phone, laptop] = [await Device.open(alice), await Device.open(alice, "~people/any/2")];
  const friend = await Member.of(bob);
  const room = newUlid();
  await friend.get("room.create", { room, title: "Friends", users: [alice] });
  expect(await phone.event("room")).toMatchObject({ summary: { room, kind: "group", title: "Friends" } });
  const texts = Array.from({ length: 12 }, (_, n) => `m${n}`);
  for (const [n, text] of texts.entries()) {
    expect(await friend.say(room, text)).toMatchObject({ publish: {} });
    if (n % 5 === 2) await evictDurableObject(inboxOf(alice));
    if (n % 5 === 4) await evictDurableObject(conversation(room));
  }
  for (const device of [phone, laptop]) await until(() => expect(device.texts).toEqual(texts));
  const state = () => laptop.told<InboxState>("inbox.state");
  expect((await state()).rooms).toMatchObject([{ room, unread: 12, last: { text: "m11" } }]);
  const { newest } = await phone.told<RoomState>("room.state", { room });
  await phone.act("room.read", { room, seq: newest });
  await until(async () => expect((await state()).rooms).toMatchObject([{ unread: 0, read: newest }]));
  await until(() => expect(laptop.events.at(-1)).toMatchObject({ type: "room", summary: { unread: 0 } }));
  await phone.act("room.leave", { room });
  expect(await laptop.event("left")).toEqual({ type: "left", room });
  expect((await state()).rooms).toEqual([]);
  await friend.get("room.invite", { room, users: [alice] });
  await until(async () => expect((await state()).rooms).toMatchObject([{ room }]));
});

it("nothing is lost when everything ends in the middle of it", async () => {
  const [alice, bob] = names();
  const friend = await Member.of(bob);
  const room = newUlid();
  await friend.get("room.create", { room, title: "Friends", users: [alice] });
  await Promise.all(["a", "b", "c"].map((text) => friend.say(room, text)));
  await abortAllDurableObjects();
  const device = await Device.open(alice);
  const again = await Member.of(bob);
  await again.say(room, "d");
  await until(async () => {
    const { rooms } = await device.told<InboxState>("inbox.state");
    expect(rooms).toMatchObject([{ unread: 4, last: { text: "d" } }]);
  });
  const { publications } = await inboxOf(alice).since(undefined);
  const said = publications.flatMap(({ data }) => {
    const event = JSON.parse(data);
    return event.type === "message" ? [event.message.text] : [];
  });
  expect(said).toEqual(["a", "b", "c", "d"]);
});

it("whoever is blocked cannot write to one", async () => {
  const [alice, bob] = names();
  const device = await Device.open(alice);
  const friend = await Member.of(bob);
  const { room } = await friend.get<RoomState>("room.direct", { user: alice });
  await friend.say(room, "hello");
  await until(() => expect(device.texts).toEqual(["hello"]));
  const block = (blocked: boolean) => device.act("inbox.block", { user: bob, blocked });
  await block(true);
  await isRefused(friend, room);
  await block(false);
  await until(async () => expect(await friend.say(room, "thanks")).toMatchObject({ publish: {} }));
});

it("whoever is blocked before they said anything does not begin with it", async () => {
  const [alice, bob] = names();
  const device = await Device.open(alice);
  const stranger = await Member.of(bob);
  const { room } = await stranger.get<RoomState>("room.direct", { user: alice });
  await device.act("inbox.block", { user: bob, blocked: true });
  expect(await stranger.say(room, "hello")).toMatchObject({ error: { code: 468 } });
  expect((await device.told<InboxState>("inbox.state")).rooms).toEqual([]);
  await device.act("inbox.block", { user: bob, blocked: false });
  expect(await stranger.say(room, "hello")).toMatchObject({ publish: {} });
  await until(() => expect(device.texts).toEqual(["hello"]));
});

it("nobody begins more rooms than they may have, nor leaves them to begin others", async () => {
  const [alice, bob] = names();
  const stranger = await Member.of(bob);
  const fill = (rooms: number, summary: string | null) =>
    runInDurableObject(inboxOf(bob), (_inbox, { storage: { sql } }) => {
      sql.exec("DELETE FROM room");
      for (let n = 0; n < rooms; n += 1)
        sql.exec(
          "INSERT INTO room (room, up_to, at, summary, left_at) VALUES (?, 1, '', ?, ?)",
          ...[newUlid(), summary, summary === null ? Date.now() : null],
        );
    });
  const begin = (room = newUlid()) => stranger.act("room.create", { room, title: "Mine" });
  const room = newUlid();
  expect(await begin(room)).toHaveProperty("rpc");
  await fill(MAX_ROOMS, JSON.stringify({ kind: "group", at: "", newest: 1, read: 0, unread: 0 }));
  expect(await begin()).toMatchObject({ error: { code: 470 } });
  expect(await stranger.act("room.invite", { room, users: [alice] })).toHaveProperty("rpc");
  expect(await stranger.act("room.direct", { user: alice })).toMatchObject({ error: { code: 470 } });
  await fill(2 * MAX_ROOMS, null);
  expect(await begin()).toMatchObject({ error: { code: 470 } });
});

it("nobody reaches out to people without end", async () => {
  const [alice, bob] = names();
  const device = await Device.open(bob);
  const room = newUlid();
  await device.told("room.create", { room, title: "Friends", users: [alice] });
  await runInDurableObject(inboxOf(bob), (_inbox, { storage: { kv } }) => {
    kv.put("reached", { ...kv.get<Reach>("reached"), people: REACHED - 1 });
  });
  const [one, other] = [`${bob}-1`, `${bob}-2`];
  expect(await device.act("room.invite", { room, users: [one, other] })).toMatchObject(TOO_FAST);
  expect(await device.act("room.invite", { room, users: [one] })).toHaveProperty("rpc");
  expect(await device.act("friends.follow", { user: other })).toMatchObject(TOO_FAST);
  expect(await device.act("friends.allow", { user: other, allowed: true })).toMatchObject(TOO_FAST);
  expect(await device.act("friends.allow", { user: other, allowed: false })).toHaveProperty("rpc");
  expect(await device.act("room.direct", { user: other })).toMatchObject(TOO_FAST);
  const trap = { room: newUlid(), title: "Others", users: [other] };
  expect(await device.act("room.create", trap)).toMatchObject(TOO_FAST);
  await runInDurableObject(inboxOf(other), (_inbox, { storage: { sql } }) => {
    expect(sql.exec("SELECT name FROM sqlite_master WHERE name = 'room'").toArray()).toEqual([]);
  });
  expect(await device.act("friends.follow", { user: one })).toMatchObject(TOO_FAST);
  expect(await device.act("room.create", { room: newUlid(), title: "Alone" })).toHaveProperty("rpc");
});

it("nobody is brought into a room by whom they have blocked, nor into more than they may have", async () => {
  const [alice, bob] = names();
  const device = await Device.open(alice);
  const stranger = await Member.of(bob);
  const room = newUlid();
  const everyWay = async () => [
    await stranger.act("room.direct", { user: alice }),
    await stranger.act("room.create", { room: newUlid(), title: "Come", users: [`${bob}-friend`, alice] }),
    await stranger.act("room.invite", { room, users: [alice] }),
  ];
  await stranger.get("room.create", { room, title: "Friends", users: [] });
  await device.act("inbox.block", { user: bob, blocked: true });
  for (const answer of await everyWay()) expect(answer).toMatchObject({ error: { code: 468 } });
  await device.act("inbox.block", { user: bob, blocked: false });
  await runInDurableObject(inboxOf(alice), (_inbox, { storage: { sql } }) => {
    for (let n = 0; n < MAX_ROOMS; n += 1) {
      const id = newUlid();
      const summary = JSON.stringify({ room: id, kind: "group", at: "", newest: 1, read: 0, unread: 0 });
      sql.exec("INSERT INTO room (room, up_to, at, summary) VALUES (?, 1, '', ?)", id, summary);
    }
  });
  for (const answer of await everyWay()) expect(answer).toMatchObject({ error: { code: 470 } });
  await runInDurableObject(inboxOf(alice), (_inbox, { storage: { sql } }) => sql.exec("DELETE FROM room"));
  for (const answer of await everyWay()) expect(answer).toHaveProperty("rpc");
  expect((await device.told<InboxState>("inbox.state")).blocked).toEqual([]);
});
