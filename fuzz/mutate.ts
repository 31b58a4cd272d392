/** Small damage to inputs that a grammar made: bytes and text, cut, doubled, flipped and filled with odd values. */
import { concat } from "../transcoder/rtmp/bytes.ts";
import { noise, type Random } from "./random.ts";

/** Values at which lengths and counts tend to go wrong. */
const ODD_BYTES = [0, 1, 2, 3, 7, 8, 0x7f, 0x80, 0xfe, 0xff] as const;
const ODD_WORDS = [0, 1, 7, 8, 9, 0x7fff, 0xffff, 0xffffff, 0x7fffffff, 0x80000000, 0xffffffff] as const;

type ByteMutation = (input: Uint8Array, at: number, random: Random) => Uint8Array;

const splice = (input: Uint8Array, at: number, gone: number, come: Uint8Array): Uint8Array =>
  concat([input.subarray(0, at), come, input.subarray(at + gone)]);

function changed(input: Uint8Array, at: number, value: number): Uint8Array {
  const copy = input.slice();
  if (at < copy.length) copy[at] = value;
  return copy;
}

const BYTE_MUTATIONS: readonly [ByteMutation, ...ByteMutation[]] = [
  (input, at, random) => changed(input, at, (input[at] ?? 0) ^ (1 << random.below(8))),
  (input, at, random) => changed(input, at, random.pick(ODD_BYTES)),
  (input, at) => input.slice(0, at),
  (input, at, random) => splice(input, at, 0, noise(random, 40)),
  (input, at, random) => splice(input, at, 1 + random.below(20), new Uint8Array(0)),
  (input, at, random) => splice(input, at, 0, input.slice(at, at + random.below(200))),
  function setWord(input, at, random) {
    const word = new Uint8Array(4);
    new DataView(word.buffer).setUint32(0, random.pick(ODD_WORDS));
    return splice(input, at, 4, word);
  },
  function swap(input, at, random) {
    const other = random.below(input.length + 1);
    return splice(input, at, 8, input.slice(other, other + 8));
  },
];

/** Damage bytes `times` times, nowhere before `from`. */
export function mutateBytes(input: Uint8Array, random: Random, times: number, from = 0): Uint8Array {
  let bytes = input;
  for (let left = times; left > 0; left -= 1) {
    const at = from + random.below(Math.max(1, bytes.length - from));
    bytes = random.pick(BYTE_MUTATIONS)(bytes, Math.min(at, bytes.length), random);
  }
  return bytes;
}

/** Text that tends to be read differently than it was meant. */
const ODD_TEXT = [
  ...["", "0", "-1", "1e999", "-0", "NaN", "null", "00", "9999999999", "99999999999", "0x10", "1.5"],
  ...["constructor", "__proto__", "prototype", "toString", "../", "%2e%2e", "\u0000", "\n", "\ud800", "é"],
  ...['"', "'", ",", "{", "}", "[", "]", "=", "&", "/", ".", "-", "+", " ", "*", "W/"],
] as const;

/** Damage text `times` times. */
export function mutateText(input: string, random: Random, times: number): string {
  let text = input;
  for (let left = times; left > 0; left -= 1) {
    const at = random.below(text.length + 1);
    const gone = random.pick([0, 0, 1, 1, 4]);
    const come = random.pick([random.pick(["", ...ODD_TEXT]), text.slice(at, at + random.below(12)), ""]);
    text = text.slice(0, at) + come + text.slice(at + gone);
  }
  return text;
}

/** Numbers that a JSON body may hold and no honest one does. */
const ODD_NUMBERS = [
  ...[0, -1, 1, 0.0005, 0.001, 0.0014999, 0.51, 0.5105, 1.5, 2, 2.4999997, 2.49999951, 2.5, 60, 240, 241],
  ...[4_294_967_295, 4_294_967_296, 1e12, 9_007_199_254_740_994, 253_402_300_799_999, 8.64e15, 8.7e15],
  ...[1e21, 1e300, -1e300, 5e-324],
] as const;

const ODD_VALUES: readonly [unknown, ...unknown[]] = [
  ...([null, true, "", "x", "constructor", {}, [], [[]], { constructor: 1 }] as const),
  ...ODD_NUMBERS,
];

/** A copy of a JSON value with one thing in it replaced, left out, doubled or made up. */
export function mutateJson(value: unknown, random: Random): unknown {
  if (value === null || typeof value !== "object" || random.once(12)) {
    if (typeof value === "number")
      return random.pick([0, ...ODD_NUMBERS, value + 1, value - 1, value * 1000]);
    return random.pick(ODD_VALUES);
  }
  if (Array.isArray(value)) {
    const items: unknown[] = [...value];
    const at = random.below(items.length + 1);
    const action = random.below(6);
    if (action === 0) items.splice(at, 1);
    else if (action === 1) items.splice(at, 0, items[random.below(items.length)]);
    else if (at < items.length) items[at] = mutateJson(items[at], random);
    return items;
  }
  const members: [string, unknown][] = Object.entries(value);
  const at = random.below(members.length);
  const [name, old] = members[at] ?? ["", undefined];
  const action = random.below(8);
  if (action === 0) members.splice(at, 1);
  else if (action === 1) members[at] = [random.pick(["constructor", "__proto__", "x", "audio"]), old];
  else if (members.length > 0) members[at] = [name, mutateJson(old, random)];
  return Object.fromEntries(members);
}
