/**
 * `npm run bench`: what is promised, measured on this machine with the real thing, next to a peer in the same run.
 * Not a test: a slow machine prints larger figures and fails nothing.
 */
import { Command, InvalidArgumentError } from "commander";
import type { Browser } from "playwright-core";
import { useScratch } from "../scripts/scratch.ts";
import { startBrowser } from "../test/support/browser.ts";
import { Stack } from "../test/support/stack.ts";
import { measureCommits } from "./chat/commits.ts";
import { measureGroup } from "./chat/group.ts";
import { measureFullRoom, measureSampledRoom } from "./chat/live-room.ts";
import { measurePresence } from "./chat/presence.ts";
import { measureRejoin } from "./chat/rejoin.ts";
import { measureRooms } from "./chat/rooms.ts";
import { measureCpu } from "./cpu.ts";
import { withDirectStack } from "./direct-stack.ts";
import { measurePurge } from "./edge/purge.ts";
import { measureSegment } from "./edge/segment.ts";
import { measureSwarm } from "./edge/swarm.ts";
import { measureToken } from "./edge/token.ts";
import { measureKills } from "./kill.ts";
import { measureProfile } from "./latency.ts";
import { measureMany } from "./many.ts";
import { ensurePeer, measurePeer } from "./peer-nginx.ts";
import { measurePublish } from "./publish.ts";
import { type Figure, report } from "./report.ts";
import { measureSoak } from "./soak.ts";
import { measureStartup } from "./startup.ts";
import { measureFanout } from "./viewers/fanout.ts";
import { measurePush } from "./viewers/push.ts";
import { measureRecovery } from "./viewers/recovery.ts";

/** Groups of parts: each is written to a file of its own when all of it was measured. */
const GROUPS = {
  live: ["low", "ultra", "standard", "peer", "startup", "publish"],
  endurance: ["cpu", "many", "kill", "soak"],
  edge: ["swarm", "segment", "purge", "token"],
  viewers: ["push", "fanout", "recovery"],
  chat: ["room", "sampled", "commits", "rejoin", "group", "presence", "rooms"],
} as const;
type Group = keyof typeof GROUPS;
type Part = (typeof GROUPS)[Group][number];

const groups: readonly Group[] = ["live", "endurance", "edge", "viewers", "chat"];
const allParts: readonly Part[] = groups.flatMap((group): readonly Part[] => GROUPS[group]);

function readParts(text: string): readonly Part[] {
  const names = text.split(",");
  const unknown = names.find((name) => ![...groups, ...allParts].some((known) => known === name));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no part "${unknown}".`);
  return groups.flatMap((group) =>
    GROUPS[group].filter((part) => names.includes(part) || names.includes(group)),
  );
}

const program = new Command("npm run bench --")
  .description("Measure what is promised; a whole group is written to bench/results/<group>.{json,md}.")
  .option(
    "--only <names>",
    `comma-separated: ${groups.map((group) => `${group} (${GROUPS[group].join(", ")})`).join("; ")}`,
    readParts,
    readParts("live"),
  )
  .option("--seconds <n>", "how long each figure is watched", Number, 60)
  .option("--soak-minutes <n>", "how long the soak goes on", Number, 20)
  .option("--purge-objects <n>", "objects under the largest prefix that is purged", Number, 100_000)
  .option("--sockets <n>", "sockets that one event goes to", Number, 10_000)
  .option("--rooms-minutes <n>", "how long fifty rooms are disturbed", Number, 10)
  .option("--members <n>", "people in a live room", Number, 2_000)
  .parse();
const { only, seconds, soakMinutes, roomsMinutes, purgeObjects, sockets, members } = program.opts<{
  only: readonly Part[];
  seconds: number;
  soakMinutes: number;
  roomsMinutes: number;
  purgeObjects: number;
  sockets: number;
  members: number;
}>();

// Eight broadcasts on this machine's disk would measure the disk: a part waits 370 ms there for the local R2, and 60 in memory.
useScratch("millrace-bench");
let stack: Stack | undefined;
let browser: Browser | undefined;
const figures = new Map<Part, readonly Figure[]>();
try {
  for (const part of only) {
    process.stdout.write(`${part} ...\n`);
    figures.set(part, await measure(part));
  }
} finally {
  await browser?.close();
  await stack?.stop();
}
// A part of the figures is for looking at; only all of a group together replace what is kept.
for (const group of groups) {
  const own = GROUPS[group].filter((part) => figures.has(part));
  if (own.length === 0) continue;
  const measured = own.flatMap((part) => figures.get(part) ?? []);
  report(own.length === GROUPS[group].length ? group : undefined, measured, new Date());
}

async function measure(part: Part): Promise<readonly Figure[]> {
  switch (part) {
    case "low":
    case "ultra":
    case "standard":
      return measureProfile(await sharedStack(), await sharedBrowser(), part, seconds);
    case "peer":
      if (ensurePeer()) return measurePeer(await sharedStack(), await sharedBrowser(), seconds);
      process.stdout.write("The peer is not installed: apt-get install nginx libnginx-mod-rtmp\n");
      return [];
    case "startup":
      return measureStartup(await sharedStack(), await sharedBrowser(), 10);
    case "publish":
      return measurePublish(await sharedStack(), Math.min(seconds, 30));
    case "cpu":
      return measureCpu(await sharedStack(), seconds);
    case "many":
      return alone(() => measureMany(seconds));
    case "kill":
      return alone(async () => measureKills(await sharedBrowser(), seconds));
    case "soak":
      return measureSoak(await sharedStack(), await sharedBrowser(), soakMinutes);
    case "swarm":
      return alone(() => measureSwarm(Math.min(seconds, 20)));
    case "segment":
      return alone(measureSegment);
    case "purge":
      return alone(() => measurePurge(purgeObjects));
    case "token":
      return alone(measureToken);
    case "push":
      return alone(async () => {
        const opened = await sharedBrowser();
        return withDirectStack((direct) => measurePush(direct, opened, seconds));
      });
    case "fanout":
      return alone(() => measureFanout(sockets));
    case "recovery":
      return alone(() => measureRecovery(Math.min(sockets, 2_000)));
    case "room":
      return alone(() => measureFullRoom(members, Math.min(seconds, 30)));
    case "sampled":
      return alone(() => measureSampledRoom(members, Math.min(seconds, 30)));
    case "commits":
      return alone(measureCommits);
    case "rejoin":
      return alone(measureRejoin);
    case "group":
      return alone(() => measureGroup(Math.min(seconds, 30)));
    case "presence":
      return alone(measurePresence);
    case "rooms":
      return alone(() => measureRooms(roomsMinutes));
  }
}

async function sharedStack(): Promise<Stack> {
  stack ??= await Stack.start();
  return stack;
}

async function sharedBrowser(): Promise<Browser> {
  browser ??= await startBrowser();
  return browser;
}

/** Measure something that starts a stack of its own: the shared one would only be in its way. */
async function alone(what: () => Promise<readonly Figure[]>): Promise<readonly Figure[]> {
  await stack?.stop();
  stack = undefined;
  return what();
}
