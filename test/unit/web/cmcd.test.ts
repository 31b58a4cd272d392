/** What the page adds to hls.js's CMCD, as the edge reads it. */
import { describe, expect, it } from "vitest";
import { cmcdConfig, StartDelay, sayMore } from "../../../web/player/cmcd.ts";
import { CMCD_PARAMETER, parseCmcd } from "../../../workers/edge/core/cmcd.ts";

const read = (url: string) => parseCmcd(new URL(url).searchParams.get(CMCD_PARAMETER) ?? "");
/** As hls.js 1.7 spells it. */
const URLS = [
  "https://edge.test/live/s/v720/index.m3u8?_HLS_msn=7&CMCD=bl%3D%281200%29%2Cbr%3D%282928%29%2Cot%3Dm%2Csu%2Cv%3D2",
  "https://edge.test/media/b/1/v720/part-7.1.m4s?CMCD=bl%3D%281200%29%2Cbr%3D%282928%29%2Cot%3Dv%2Cv%3D2&_HLS_part=1#x",
];

describe("sayMore", () => {
  it.each(URLS)("adds to %s", (url) => {
    const more = sayMore(url, { latencyMs: 1530.4, startDelayMs: 420.6 });
    expect(read(more)).toEqual({ ...read(url), ltc: 1530, msd: 421 });
    const [before, after] = [new URL(url), new URL(more)];
    for (const { searchParams } of [before, after]) searchParams.delete(CMCD_PARAMETER);
    expect(after.href).toBe(before.href);
  });

  it("changes nothing without anything to say, or without CMCD", () => {
    for (const url of URLS) expect(sayMore(url, {})).toBe(url);
    for (const url of [
      "https://edge.test/a",
      "https://edge.test/a?xCMCD=1&CMCD=",
      "https://edge.test/CMCD=1",
    ])
      expect(sayMore(url, { latencyMs: 1 })).toBe(url);
  });
});

it("has hls.js say only what is counted, and a session that is new with each page", () => {
  const { includeKeys, sessionId, version } = cmcdConfig();
  expect(version).toBe(2);
  expect(includeKeys).toEqual(["bl", "br", "bs", "mtp", "ot", "sf", "sid", "st", "su"]);
  expect(sessionId).toMatch(/^[0-9a-f]{32}$/);
  expect(cmcdConfig().sessionId).toBe(sessionId);
});

describe("the start delay", () => {
  it.each([
    ["is from play to picture, told once", ["play", 250, "playing"], [250, undefined]],
    ["is from the play that was not refused", ["play", 60_000, "play", 300, "playing"], [300, undefined]],
    ["is of the first start only", ["play", 250, "playing", 1000, "play", 50, "playing"], [250, undefined]],
    ["is not known before there is a picture", ["play", 250], [undefined, undefined]],
    ["is not known of what began by itself", ["playing", 10, "play", 10, "playing"], [undefined, undefined]],
  ] as const)("%s", (_name, steps, expected) => {
    let nowMs = 0;
    const media = new EventTarget();
    const delay = new StartDelay(media, () => nowMs);
    for (const step of steps) {
      if (typeof step === "number") nowMs += step;
      else media.dispatchEvent(new Event(step));
    }
    expect([delay.take(), delay.take()]).toEqual(expected);
    expect(delay.isStarted).toBe((steps as readonly unknown[]).includes("playing"));
  });
});
