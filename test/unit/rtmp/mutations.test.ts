/** A hundred thousand broken sessions: none throws, none holds more memory than the limits say, none leaves the state machine lost. */
import { expect, it } from "vitest";
import { concat } from "../../../transcoder/rtmp/bytes.ts";
import type { RtmpEvent } from "../../../transcoder/rtmp/connection.ts";
import { be32, bytes, FAREWELL, HELLO, message, newConnection, play, SETUP, SHOW } from "./encoder.ts";

const RUNS = 100_000;
const SESSION = bytes(SETUP, SHOW, FAREWELL);
const UNBROKEN_RUNS = 5_000;
/** Of a broken session, in whole ones (it is 1.1): making it is in it, and handing it over in pieces of 64 bytes. */
const MOST_COST = 3;
/** What is in the handshake is hardly looked at, so most mutations come after it. */
const HANDSHAKE_BYTES = 2 * HELLO.length - 1;
const LIMITS = { unfinishedBytes: 256 * 1024, messageBytes: 200 * 1024, heldBytes: 64 * 1024 };
const MOST_BUFFERED_BYTES = LIMITS.unfinishedBytes + LIMITS.heldBytes;

/** Microseconds of this process, not of the wall: other tests may run beside it. */
function timeOf(what: () => void): number {
  const before = process.cpuUsage();
  what();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

type Random = (below: number) => number;

/** Mulberry32. */
function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const place = (input: Uint8Array, random: Random): number =>
  random(20) === 0
    ? random(input.length)
    : HANDSHAKE_BYTES + random(Math.max(1, input.length - HANDSHAKE_BYTES));
const noise = (random: Random): Uint8Array => Uint8Array.from({ length: 1 + random(40) }, () => random(256));
const insert = (input: Uint8Array, at: number, what: Uint8Array): Uint8Array =>
  concat([input.subarray(0, at), what, input.subarray(at)]);

const MUTATIONS: readonly ((input: Uint8Array, random: Random) => Uint8Array)[] = [
  function flipBit(input, random) {
    const at = Math.min(place(input, random), input.length - 1);
    const flipped = input.slice();
    flipped[at] = (flipped[at] ?? 0) ^ (1 << random(8));
    return flipped;
  },
  function setByte(input, random) {
    const changed = input.slice();
    changed[Math.min(place(input, random), input.length - 1)] =
      [0, 1, 2, 3, 0x7f, 0x80, 0xff][random(7)] ?? 0;
    return changed;
  },
  (input, random) => input.slice(0, Math.max(1, place(input, random))),
  (input, random) => insert(input, place(input, random), noise(random)),
  function leaveOut(input, random) {
    const at = place(input, random);
    return concat([input.subarray(0, at), input.subarray(at + 1 + random(20))]);
  },
  function repeat(input, random) {
    const at = place(input, random);
    return insert(input, at, input.slice(at, at + random(300)));
  },
  (input, random) =>
    insert(
      input,
      place(input, random),
      message(1, 0, bytes(be32([0, 1, 2, 100, 65_536, 0x7fffffff][random(6)] ?? 0))),
    ),
];

it(`survives ${RUNS} mutated sessions`, { timeout: 280_000 }, () => {
  const outcomes = new Map<string, number>();
  let mostBuffered = 0;
  let eventsAfterTheEnd = 0;
  const memoryBefore = memory();
  const unbroken = timeOf(() => {
    for (let run = 0; run < UNBROKEN_RUNS; run += 1) play(newConnection(LIMITS), SESSION);
  });
  const started = process.cpuUsage();
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const random = seeded(seed);
    let input = SESSION;
    for (let left = 1 + random(3); left > 0; left -= 1) {
      input = MUTATIONS[random(MUTATIONS.length)]?.(input, random) ?? input;
    }
    const connection = newConnection(LIMITS);
    const events: RtmpEvent[] = [];
    const size = [64, 1000, input.length][random(3)] ?? 64;
    for (let at = 0; at < input.length; at += size) {
      events.push(...play(connection, input.subarray(at, at + size)));
      mostBuffered = Math.max(mostBuffered, connection.bufferedBytes);
    }
    const end = events.findIndex(
      ({ type }) => type === "failed" || type === "unpublish" || type === "refused",
    );
    const last = events[end];
    if (last !== undefined) eventsAfterTheEnd += events.length - 1 - end;
    const outcome =
      last === undefined ? connection.phase : last.type === "failed" ? last.failure.reason : last.type;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  const { user, system } = process.cpuUsage(started);
  expect(mostBuffered).toBeLessThanOrEqual(MOST_BUFFERED_BYTES);
  expect(eventsAfterTheEnd).toBe(0);
  expect(memory() - memoryBefore).toBeLessThan(256 * 1024 * 1024);
  // A broken session costs little more than one that is whole, however slow this machine is.
  const broken = (user + system) / RUNS;
  expect(broken / (unbroken / UNBROKEN_RUNS)).toBeLessThan(MOST_COST);
  // The mutations reach everything: sessions that still end well, and failures of many kinds.
  expect(outcomes.get("unpublish")).toBeGreaterThan(RUNS / 20);
  expect([...outcomes.keys()].length).toBeGreaterThan(15);
});
