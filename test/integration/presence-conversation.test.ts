/** The presence channel of a conversation: for its members, and for them only as long as they are members. */
import { expect, it } from "vitest";
import { type PresenceEvent, type PresenceState, presenceChannel } from "../../wire/presence.ts";
import { Device, groupOf } from "./conversation-people.ts";
import { until } from "./viewer-set-client.ts";

const FORBIDDEN = { error: { code: 103 } };
const enter = (device: Device, room: string) => device.ask({ subscribe: { channel: presenceChannel(room) } });
const present = async (device: Device, room: string): Promise<readonly string[]> => {
  const state = await device.get<PresenceState>("presence.state", { channel: presenceChannel(room) });
  return (state.present ?? []).map(({ user }) => user).sort();
};
/** Who came (`+`) and went (`-`), as a device heard it. */
const story = (device: Device, room: string): string =>
  device.client.heard
    .flatMap((line: { push?: { channel: string; pub?: { data: PresenceEvent } } }) => {
      const event = line.push?.channel === presenceChannel(room) ? line.push.pub?.data : undefined;
      if (event?.type !== "changes") return [];
      return [...event.came.map(({ user }) => `+${user}`), ...event.went.map((user) => `-${user}`)];
    })
    .join(" ");

it("is for its members, and ends with the membership", async () => {
  const { room, alice, bob } = await groupOf(["alice", "bob"]);
  const stranger = await Device.of("stranger");
  expect(await enter(stranger, room)).toMatchObject(FORBIDDEN);
  for (const method of ["presence", "presence_stats"]) {
    expect(await alice.ask({ [method]: { channel: presenceChannel(room) } })).toMatchObject(FORBIDDEN);
  }
  expect(await enter(alice, room)).toMatchObject({ subscribe: { recoverable: true } });
  await until(() => expect(story(alice, room)).toBe("+alice"));
  expect(await enter(bob, room)).toMatchObject({ subscribe: { recoverable: true } });
  await until(() => expect(story(alice, room)).toBe("+alice +bob"));
  expect(await present(bob, room)).toEqual(["alice", "bob"]);
  await alice.get("room.remove", { room, user: "bob" });
  await until(() => expect(story(alice, room)).toBe("+alice +bob -bob"));
  expect(await present(alice, room)).toEqual(["alice"]);
  await until(() =>
    expect(bob.client.heard).toContainEqual({
      push: { channel: presenceChannel(room), unsubscribe: { code: 2000, reason: "server unsubscribe" } },
    }),
  );
  expect(await enter(bob, room)).toMatchObject(FORBIDDEN);
  const asked = await bob.act("presence.state", { channel: presenceChannel(room) });
  expect(asked).toMatchObject(FORBIDDEN);
  expect(story(alice, room)).toBe("+alice +bob -bob");
});
