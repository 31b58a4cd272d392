/** Delays by the millisecond: what share of them is how long. */
import { expect, it } from "vitest";
import { Delays } from "../../../bench/chat/delays.ts";

it("tells shares as a sorted list would", () => {
  const delays = new Delays();
  expect(delays.at(0.5)).toBeNaN();
  for (let ms = 100; ms > 0; ms -= 1) delays.add(ms);
  expect([0.01, 0.5, 0.99, 1].map((share) => delays.at(share))).toEqual([1, 50, 99, 100]);
});

it("keeps what is out of bounds at its edges", () => {
  const delays = new Delays();
  for (const ms of [-3, 1e9]) delays.add(ms);
  expect([delays.count, delays.at(0.5), delays.at(1)]).toEqual([2, 0, 20_000]);
});
