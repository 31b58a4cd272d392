/** A group of 100, twenty messages a second, and the group's object dies in the middle: how late messages are, and what was lost. */
import { setTimeout } from "node:timers/promises";
import { MAX_MEMBERS } from "../../wire/conversations.ts";
import { ulid } from "../../wire/ulid.ts";
import { sharedNow } from "../edge/encoder.ts";
import { EdgeBench } from "../edge/harness.ts";
import type { Figure } from "../report.ts";
import { Delays } from "./delays.ts";
import { killObject } from "./killing.ts";
import { Member, type RoomLog } from "./member.ts";

const PER_SECOND = 20;
const SETTINGS = { SHARD_SOCKETS: "4000", ADDRESS_SOCKETS: "100000" };
const SETTLED_MS = 20_000;

/** Measure for so many seconds. */
export async function measureGroup(seconds: number): Promise<readonly Figure[]> {
  const bench = await EdgeBench.start([{ name: "edge", entry: "sockets" }], SETTINGS);
  const members: Member[] = [];
  try {
    const base = bench.url("edge");
    for (let number = 0; number < MAX_MEMBERS; number += 1) {
      members.push(await Member.connect(base, `user-${number}`));
    }
    const room = newRoom();
    const users = members.slice(1).map(({ user }) => user);
    await members[0]?.ask("room.create", { room, title: "A group of a hundred", users });
    await Promise.all(members.map((member) => member.hear(room)));
    const quiet = await talk(members, room, seconds / 2);
    const before = Delays.of(logsOf(members, room).flatMap(({ delays }) => delays));
    await killObject(base, "conversation", room);
    const loud = await talk(members, room, seconds / 2);
    const sent = quiet + loud;
    const logs = logsOf(members, room);
    const until = sharedNow() + SETTLED_MS;
    while (logs.some(({ messages }) => messages.length < sent) && sharedNow() < until) await setTimeout(20);
    const truth = (await members[0]?.history(room, 0)) ?? [];
    const same = logs.filter(({ messages }) => messages.join() === truth.join()).length;
    const all = logs.flatMap(({ delays }) => delays);
    const expected = sent * members.length;
    return [
      figure("p50, before the object dies", before.at(0.5)),
      figure("p99, before the object dies", before.at(0.99), 150),
      figure("p99 of all, with its death in the middle", Delays.of(all).at(0.99), 150),
      {
        what: `group of ${members.length}, ${PER_SECOND}/s: not delivered, twice, in another order than the room's`,
        value: expected - all.length + sum(logs, "doubled") + (members.length - same),
        unit: "",
        target: { atMost: 0 },
        note: `${all.length} of ${expected}; ${sum(logs, "unrecovered")} recoveries by the history`,
      },
    ];
  } finally {
    for (const member of members) member.close();
    await bench.stop();
  }

  function figure(what: string, value: number, atMost?: number): Figure {
    return {
      what: `group of ${MAX_MEMBERS}, ${PER_SECOND} messages a second: ${what}`,
      value,
      unit: "ms",
      ...(atMost !== undefined && { target: { atMost } }),
    };
  }
}

/** An id for a room. */
export const newRoom = (): string => ulid(Date.now(), crypto.getRandomValues(new Uint8Array(10)));

const logsOf = (members: readonly Member[], room: string): readonly RoomLog[] =>
  members.flatMap(({ logs }) => logs.get(room) ?? []);

const sum = (logs: readonly RoomLog[], of: "doubled" | "lost" | "unrecovered"): number =>
  logs.reduce((total, log) => total + log[of], 0);

/** Everybody in turn; answers how many messages that were. */
async function talk(members: readonly Member[], room: string, seconds: number): Promise<number> {
  const began = sharedNow();
  const saying: Promise<void>[] = [];
  for (let count = 0; count < seconds * PER_SECOND; count += 1) {
    await setTimeout(Math.max(0, began + (count * 1000) / PER_SECOND - sharedNow()));
    const member = members[count % members.length];
    if (member) saying.push(member.say(room, `message ${count} of ${member.user}`));
  }
  await Promise.all(saying);
  return saying.length;
}
