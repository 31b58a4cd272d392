import { expect, it } from "vitest";
import { advanceTo, NEW_LINE } from "../../../transcoder/rtmp/timestamp.ts";

const U32 = 2 ** 32;
const U24 = 2 ** 24;

it.each<[string, number[], number[]]>([
  ["starts where the encoder starts", [5000, 5033], [5000, 5033]],
  ["lets jitter go back", [100, 60, 133], [100, 60, 133]],
  ["goes on at the end of 24 bits", [U24 - 2, U24 - 1, U24, U24 + 32], [U24 - 2, U24 - 1, U24, U24 + 32]],
  ["goes on past 2^31", [2 ** 31 - 10, 2 ** 31 + 10], [2 ** 31 - 10, 2 ** 31 + 10]],
  ["carries a wrap at 32 bits forward", [U32 - 10, 23], [U32 - 10, U32 + 23]],
  [
    "keeps the late track before a wrap",
    [U32 - 10, 23, U32 - 5, 40],
    [U32 - 10, U32 + 23, U32 - 5, U32 + 40],
  ],
  [
    "carries a second wrap",
    [U32 - 1, 2 ** 30, 2 ** 31, 2 ** 31 + 2 ** 30, U32 - 1, 0],
    [U32 - 1, U32 + 2 ** 30, U32 + 2 ** 31, U32 + 2 ** 31 + 2 ** 30, 2 * U32 - 1, 2 * U32],
  ],
  ["steps below a first 0", [0, U32 - 21, 12], [0, -21, 12]],
  ["lets an encoder start over", [9_000_000, 0, 33], [9_000_000, 0, 33]],
  ["carries an encoder that counts to 24 bits only", [U24 - 10, 23, 56], [U24 - 10, U24 + 23, U24 + 56]],
  [
    "keeps that encoder's late track before the wrap",
    [U24 - 10, 23, U24 - 5, 44],
    [U24 - 10, U24 + 23, U24 - 5, U24 + 44],
  ],
  ["jumps forward by 2^24 where the encoder did", [0, U24], [0, U24]],
])("%s", (_name, raw, expected) => {
  let line = NEW_LINE;
  const placed = raw.map((timestamp) => {
    line = advanceTo(line, timestamp);
    return line.timestampMs;
  });
  expect(placed).toEqual(expected);
});
