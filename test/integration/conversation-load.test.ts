/** A full group through an eviction in the middle, and a recovery of as much as there can be: all of it, in order, once; and how long it took. */
import { evictDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { chatChannel } from "../../wire/chat.ts";
import { MAX_MEMBERS } from "../../wire/conversations.ts";
import { conversation, Device, groupOf, newUlid } from "./conversation-people.ts";
import { passTime } from "./stream-object.ts";
import { until } from "./viewer-set-client.ts";

it("a group of 100 hears everything in order, nothing twice, through an eviction", {
  timeout: 120_000,
}, async () => {
  const room = newUlid();
  const names = Array.from({ length: MAX_MEMBERS }, (_, n) => `m${n}`);
  const devices: Device[] = [];
  for (const [n, name] of names.entries())
    devices.push(await Device.of(name, { shard: `any/${1 + (n % 4)}` }));
  const [owner, ...others] = devices;
  if (!owner) throw new Error("nobody");
  await owner.get("room.create", { room, title: "All of us", users: others.map(({ user }) => user) });
  for (const device of devices) expect(await device.subscribe(room)).toMatchObject({ subscribe: {} });
  const texts: string[] = [];
  const took: number[] = [];
  for (let n = 0; n < 60; n += 1) {
    const text = `message ${n}`;
    texts.push(text);
    const begun = performance.now();
    expect(await devices[n % 10]?.say(room, text)).toMatchObject({ publish: {} });
    took.push(performance.now() - begun);
    if (n === 30) await evictDurableObject(conversation(room));
  }
  for (const device of devices) await device.hears(room, ...texts);
  const offsets = owner.heard(room).flatMap(({ offset }) => offset ?? []);
  expect(offsets).toEqual(offsets.map((_, n) => (offsets[0] ?? 0) + n));
  const sorted = took.toSorted((one, other) => one - other);
  console.info(
    `group of 100: a message is taken in ${sorted[30]?.toFixed(1)} ms (median), ${sorted.at(-2)?.toFixed(1)} ms`,
  );
});

it("a recovery of 300 messages", { timeout: 120_000 }, async () => {
  const { room, alice, bob } = await groupOf(["alice", "bob"]);
  await alice.say(room, "first");
  await bob.hears(room, "first");
  const { epoch, offset } = (await conversation(room).since(undefined)).position;
  await bob.ask({ unsubscribe: { channel: chatChannel(room) } });
  const texts: string[] = [];
  for (let n = 0; n < 300; n += 1) {
    if (n % 35 === 34) passTime(11_000);
    texts.push(`message ${n} ${"and so on ".repeat(5)}`.trim());
    expect(await alice.say(room, texts.at(-1), `n${n}`)).toMatchObject({ publish: {} });
  }
  // From the room itself: the shard of who comes has nobody else.
  const far = await Device.of("bob", { shard: "oc/1" });
  const begun = performance.now();
  const answer = await far.subscribe(room, { recover: true, epoch, offset });
  console.info(`recovery of 300 messages: ${(performance.now() - begun).toFixed(1)} ms`);
  expect(answer).toMatchObject({ subscribe: { recovered: true } });
  expect(far.texts(room)).toEqual(texts);
  await alice.say(room, "one more");
  await until(() => expect(far.texts(room).at(-1)).toBe("one more"));
  // One more than is kept for that.
  const late = await Device.of("bob", { shard: "afr/1" });
  expect(await late.subscribe(room, { recover: true, epoch, offset })).toMatchObject({
    subscribe: { recovered: false },
  });
});
