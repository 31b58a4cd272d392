/** Real conversations and real inboxes: what is said in a room is in its members' inboxes, what one asks of an inbox its room does. */
import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { MAX_ROOMS, type RoomState } from "../../wire/conversations.ts";
import type { InboxState } from "../../wire/inbox.ts";
import { conversation, Device as Member, newUlid } from "./conversation-people.ts";
import { Device, inboxOf } from "./inbox-bench.ts";
import { until } from "./viewer-set-client.ts";

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

it("whoever was blocked between opening a one-to-one room and saying something there cannot say it", async () => {
  const [alice, bob] = names();
  const device = await Device.open(alice);
  const stranger = await Member.of(bob);
  const { room } = await stranger.get<RoomState>("room.direct", { user: alice });
  const block = (blocked: boolean) => device.act("inbox.block", { user: bob, blocked });
  await block(true);
  expect(await stranger.say(room, "hello?")).toMatchObject({ error: { code: 468 } });
  await block(false);
  expect(await stranger.say(room, "hello")).toMatchObject({ publish: {} });
  await until(() => expect(device.texts).toEqual(["hello"]));
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
