/**
 * Ten minutes of 500 users in 50 rooms, whose connections drop and whose objects die at random: in the end each client's log of each of
 * its rooms is the room's own.
 */
import { setTimeout } from "node:timers/promises";
import { sharedNow } from "../edge/encoder.ts";
import { EdgeBench } from "../edge/harness.ts";
import type { Figure } from "../report.ts";
import { Delays } from "./delays.ts";
import { newRoom } from "./group.ts";
import { killObject } from "./killing.ts";
import { Member } from "./member.ts";

const USERS = 500;
const ROOMS = 50;
/** Rooms of each user. */
const ROOMS_OF_A_USER = 2;
/** In all rooms together. */
const MESSAGES_PER_SECOND = 25;
const DROPS_PER_SECOND = 2;
/** Between deaths of objects. */
const DEATH_MS = 5_000;
const SETTLED_MS = 60_000;
const LOOK_MS = 250;
/** Connecting at once. */
const AT_ONCE = 20;
const SETTINGS = { SHARD_SOCKETS: "4000", ADDRESS_SOCKETS: "100000" };

interface Room {
  readonly id: string;
  readonly members: readonly Member[];
}

/** Measure for so many minutes. */
export async function measureRooms(minutes: number): Promise<readonly Figure[]> {
  const bench = await EdgeBench.start([{ name: "edge", entry: "sockets" }], SETTINGS);
  const members: Member[] = [];
  try {
    const base = bench.url("edge");
    while (members.length < USERS) {
      const numbers = Array.from({ length: AT_ONCE }, (_, index) => members.length + index);
      members.push(...(await Promise.all(numbers.map((number) => Member.connect(base, `user-${number}`)))));
    }
    const rooms = await makeRooms(members);
    const { said, drops, deaths } = await live(base, rooms, members, minutes);
    const { same, logs } = await compare(rooms);
    const all = rooms.flatMap(({ id, members: own }) => own.flatMap(({ logs: of }) => of.get(id) ?? []));
    const [doubled, unrecovered] = (["doubled", "unrecovered"] as const).map((of) =>
      all.reduce((sum, log) => sum + log[of], 0),
    );
    const delays = Delays.of(all.flatMap((log) => log.delays));
    return [
      {
        what: `soak, ${minutes} min, ${USERS} users, ${ROOMS} rooms: logs that are not the room's`,
        value: logs - same,
        unit: "",
        target: { atMost: 0 },
        note: `${same} of ${logs} the same; ${said} messages, ${drops} drops, ${deaths} deaths of objects, ${doubled} came twice, ${unrecovered} recoveries by the history`,
      },
      { what: "soak: from publish to arrival, p50", value: delays.at(0.5), unit: "ms" },
      { what: "soak: from publish to arrival, p99", value: delays.at(0.99), unit: "ms" },
    ];
  } finally {
    for (const member of members) member.close();
    await bench.stop();
  }
}

async function makeRooms(members: readonly Member[]): Promise<readonly Room[]> {
  const rooms: Room[] = [];
  for (let number = 0; number < ROOMS; number += 1) {
    const own = members.filter((_, index) =>
      Array.from({ length: ROOMS_OF_A_USER }, (_one, other) => (index + other * 7) % ROOMS).includes(number),
    );
    const [first, ...others] = own;
    const id = newRoom();
    await first?.ask("room.create", {
      room: id,
      title: `Room ${number}`,
      users: others.map(({ user }) => user),
    });
    await Promise.all(own.map((member) => member.hear(id)));
    rooms.push({ id, members: own });
  }
  return rooms;
}

/** People talk, connections drop, objects die. */
async function live(base: string, rooms: readonly Room[], members: readonly Member[], minutes: number) {
  const until = sharedNow() + minutes * 60_000;
  const saying: Promise<void>[] = [];
  let drops = 0;
  let deaths = 0;
  const every = async (ms: number, what: () => Promise<void> | void): Promise<void> => {
    while (sharedNow() < until) {
      await what();
      await setTimeout(ms * 2 * Math.random());
    }
  };
  await Promise.all([
    every(1000 / MESSAGES_PER_SECOND, () => {
      const room = oneOf(rooms);
      saying.push(oneOf(room.members).say(room.id, `something ${saying.length}`));
    }),
    every(1000 / DROPS_PER_SECOND, () => {
      oneOf(members).drop();
      drops += 1;
    }),
    every(DEATH_MS, async () => {
      const kind = oneOf(["conversation", "conversation", "inbox", "shard"] as const);
      await killObject(base, kind, kind === "inbox" ? oneOf(members).user : oneOf(rooms).id);
      deaths += 1;
    }),
  ]);
  await Promise.all(saying);
  return { said: saying.length, drops, deaths };
}

/** Each log against the room's own history, when everything has come or there is no hope. */
async function compare(rooms: readonly Room[]): Promise<{ readonly same: number; readonly logs: number }> {
  const until = sharedNow() + SETTLED_MS;
  let same = 0;
  let logs = 0;
  for (const { id, members } of rooms) {
    const truth = (await members[0]?.history(id, 0))?.join() ?? "";
    for (const member of members) {
      const isSame = () => member.logs.get(id)?.messages.join() === truth;
      while (!isSame() && sharedNow() < until) await setTimeout(LOOK_MS);
      logs += 1;
      if (isSame()) same += 1;
    }
  }
  return { same, logs };
}

function oneOf<T>(all: readonly [T, ...T[]] | readonly T[]): T {
  const one = all[Math.floor(Math.random() * all.length)];
  if (one === undefined) throw new Error("there is none");
  return one;
}
