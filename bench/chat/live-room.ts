/** A live room with thousands of people on real workerd: all that is said to all of them, and a sample when it is too much to read. */
import { setTimeout } from "node:timers/promises";
import { SAMPLED_PER_SECOND } from "../../durable-objects/core/chat/sampling.ts";
import { EdgeBench } from "../edge/harness.ts";
import { createStream } from "../edge/operator.ts";
import type { Figure } from "../report.ts";
import { type Came, Crowd, type CrowdAnswer } from "./crowd.ts";
import { type Said, Talkers, talkersFor } from "./talkers.ts";

const STREAM = "bench-room";
/** Of all people together: they come from one address. */
const SETTINGS = { SHARD_SOCKETS: "4500", ADDRESS_SOCKETS: "100000" };
const MODERATORS = 5;
const FULL_PER_SECOND = 50;
const SAMPLED_ROOM_PER_SECOND = 200;
/** Shards say how many they are with each heartbeat (10 s). */
const HEARTBEAT_MS = 11_000;
/** What is on its way arrives meanwhile. */
const SETTLE_MS = 3_000;
/** Before it is counted, without a pause: code gets warm, and a huge room notices that it is fast. */
const WARM_SECONDS = 2;

/** What was said and what came of it. */
interface Show {
  readonly said: Said;
  readonly came: CrowdAnswer;
  readonly cores: number;
}

/** 50 messages a second to everybody. */
export async function measureFullRoom(members: number, seconds: number): Promise<readonly Figure[]> {
  const { said, came, cores } = await run(members, FULL_PER_SECOND, seconds);
  const name = `${members.toLocaleString("en")} in a live room, ${FULL_PER_SECOND} messages a second`;
  const expected = said.taken * (came.members.people + came.moderators.people);
  const delivered = came.members.messages + came.moderators.messages;
  return [
    {
      what: `${name}: not delivered`,
      value: expected - delivered,
      unit: "",
      target: { atMost: 0 },
      note: `${delivered.toLocaleString("en")} of ${expected.toLocaleString("en")}, ${came.members.doubled} twice; ${notTaken(said)}`,
    },
    ...delaysOf(name, came.members),
    cpuOf(name, cores),
  ];
}

/** 200 messages a second: a sample to most. */
export async function measureSampledRoom(members: number, seconds: number): Promise<readonly Figure[]> {
  const { said, came, cores } = await run(members, SAMPLED_ROOM_PER_SECOND, seconds);
  const name = `${members.toLocaleString("en")} in a live room, ${SAMPLED_ROOM_PER_SECOND} messages a second`;
  const { members: most, moderators } = came;
  return [
    ...delaysOf(`${name}, sampled lane`, most, 500),
    {
      what: `${name}: to each member`,
      value: most.messages / most.people / seconds,
      unit: "/s",
      // What is left in the bucket, and the last second that it takes.
      target: { atMost: SAMPLED_PER_SECOND * 1.1 },
      note: `moderators ${(moderators.messages / moderators.people / seconds).toFixed(1)}/s, p99 ${moderators.p99} ms`,
    },
    {
      what: `${name}: not delivered to moderators`,
      value: said.taken * moderators.people - moderators.messages,
      unit: "",
      target: { atMost: 0 },
      note: notTaken(said),
    },
    cpuOf(name, cores),
  ];
}

async function run(members: number, perSecond: number, seconds: number): Promise<Show> {
  const bench = await EdgeBench.start([{ name: "edge", entry: "product" }], SETTINGS);
  try {
    const base = bench.url("edge");
    await createStream(base, STREAM);
    const crowd = await Crowd.enter(base, STREAM, members, MODERATORS);
    const talkers = await Talkers.enter(base, STREAM, talkersFor(perSecond));
    await setTimeout(HEARTBEAT_MS);
    await talkers.talk(perSecond, WARM_SECONDS);
    await crowd.came();
    const before = bench.workerd()?.cpuSeconds ?? Number.NaN;
    const said = await talkers.talk(perSecond, seconds);
    const cores = ((bench.workerd()?.cpuSeconds ?? Number.NaN) - before) / said.seconds;
    await setTimeout(SETTLE_MS);
    const came = await crowd.came();
    talkers.leave();
    await crowd.leave();
    return { said, came, cores };
  } finally {
    await bench.stop();
  }
}

const delaysOf = (name: string, { p50, p99 }: Came, atMost?: number): readonly Figure[] => [
  { what: `${name}: p50`, value: p50, unit: "ms", note: "from the sender to each member" },
  { what: `${name}: p99`, value: p99, unit: "ms", ...(atMost !== undefined && { target: { atMost } }) },
];

const cpuOf = (name: string, cores: number): Figure => ({
  what: `${name}: processor time of workerd`,
  value: cores,
  unit: "cores",
  note: "with the sockets, on one machine with all clients",
});

const notTaken = ({ sent, taken, refusal, p99 }: Said): string =>
  `${sent - taken} of ${sent} not taken${refusal === undefined ? "" : ` (${refusal})`}, answers within ${p99} ms (p99)`;
