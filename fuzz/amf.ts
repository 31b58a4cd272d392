/** Fuzz target: AMF0 values written and read back, then damaged and read again. */
import { isDeepStrictEqual } from "node:util";
import { type Amf0Members, type Amf0Value, MARKER } from "../transcoder/rtmp/amf0.ts";
import { decodeAmf0 } from "../transcoder/rtmp/amf0-decode.ts";
import { encodeAmf0 } from "../transcoder/rtmp/amf0-encode.ts";
import { concat, u32 } from "../transcoder/rtmp/bytes.ts";
import { DEFAULT_RTMP_LIMITS } from "../transcoder/rtmp/limits.ts";
import { mutateBytes } from "./mutate.ts";
import { noise, type Random, several } from "./random.ts";
import { asBytes, must, type Ran, type Target } from "./target.ts";

const NAMES = ["app", "width", "__proto__", "constructor", "encoder", "é", "\u{1f4fa}", "a b"] as const;
const NUMBERS = [0, -0, 1, 30, -1, 1e308, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53] as const;

/** Any value, at most `depth` objects deep. */
export function amfValue(random: Random, depth: number): Amf0Value {
  switch (random.below(depth > 0 ? 11 : 6)) {
    case 0:
      return random.pick(NUMBERS);
    case 1:
      return random.once(2);
    case 2:
      return null;
    case 3:
      return undefined;
    case 4:
      return random.once(2000) ? "x".repeat(70_000) : random.pick(["", ...NAMES, "onMetaData"]);
    case 5:
      return {
        type: "date",
        epochMs: random.pick(NUMBERS),
        timezoneMinutes: random.between(-0x8000, 0x7fff),
      };
    case 6:
      return { type: "typed-object", className: random.pick(NAMES), members: members(random, depth) };
    case 7:
      return { type: "ecma-array", members: members(random, depth) };
    case 8:
      return { type: "strict-array", items: several(random, 4, () => amfValue(random, depth - 1)) };
    default:
      return { type: "object", members: members(random, depth) };
  }
}

const members = (random: Random, depth: number): Amf0Members =>
  new Map(several(random, 4, () => [random.pick(NAMES), amfValue(random, depth - 1)]));

function make(random: Random): Uint8Array {
  const good = encodeAmf0(several(random, 4, () => amfValue(random, 3)));
  switch (random.below(8)) {
    case 0:
    case 1:
      return good;
    case 2:
      return nested(random);
    case 3:
      return concat([Uint8Array.of(MARKER.strictArray), u32(random.pick([5, 2000, 2 ** 32 - 1])), good]);
    case 4:
      return random.once(4) ? new Uint8Array(1030).fill(MARKER.null) : noise(random, 60);
    default:
      return mutateBytes(good, random, 1 + random.below(3));
  }
}

/** Arrays within each other, about as deep as is allowed. */
function nested(random: Random): Uint8Array {
  const depth = DEFAULT_RTMP_LIMITS.amfDepth + random.between(-2, 3);
  const opening = Uint8Array.of(MARKER.strictArray, 0, 0, 0, 1);
  return concat([...Array.from({ length: depth }, () => opening), Uint8Array.of(MARKER.null)]);
}

function run(bytes: Uint8Array): Ran {
  const decoded = decodeAmf0(bytes, DEFAULT_RTMP_LIMITS);
  if (!decoded.ok) {
    must(decoded.error.offset >= 0 && decoded.error.offset <= bytes.length, "the offset is in the message");
    return { outcome: decoded.error.reason, said: decoded };
  }
  let count = 0;
  for (const value of decoded.value) count += countOf(value, 0);
  must(count <= DEFAULT_RTMP_LIMITS.amfElements, "values are bounded in number", count);
  const again = decodeAmf0(encodeAmf0(decoded.value), DEFAULT_RTMP_LIMITS);
  must(isDeepStrictEqual(again, decoded), "what was read is written and read back", [decoded, again]);
  return { outcome: "read", said: decoded };
}

function countOf(value: Amf0Value, depth: number): number {
  must(depth <= DEFAULT_RTMP_LIMITS.amfDepth, "values are bounded in depth");
  if (typeof value !== "object" || value === null || value.type === "date") return 1;
  const inner = value.type === "strict-array" ? value.items : value.members.values();
  let count = 1;
  for (const one of inner) count += countOf(one, depth + 1);
  return count;
}

export const amf: Target = {
  name: "amf",
  thousands: 200,
  reaches: ["read", "truncated", "refused-marker", "no-object-end", "too-deep", "too-many-elements"],
  make,
  run: (input) => run(asBytes(input)),
};
