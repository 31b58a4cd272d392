/** Device classes, through the whole edge: what a device is shown, and who shares a playlist. */
import { beforeAll, describe, expect, it } from "vitest";
import { EdgeBench, liveStream } from "./edge-bench.ts";
import { createStream, Encoder, SOURCE, sign, textOf } from "./encoder.ts";

const edge = new EdgeBench();

const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1";
const ANDROID =
  "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36";
const DESKTOP =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
const ALL_HINTS = "Save-Data, Sec-CH-Viewport-Width, Viewport-Width, Sec-CH-UA-Mobile, User-Agent";
/** Variants of a picture of 1080 lines, as a multivariant playlist lists them. */
const FULL = ["v1080", "v720", "v480", "v360", "audio"];
const UP_TO_720 = ["v720", "v480", "v360", "audio"];
const UP_TO_480 = ["v480", "v360", "audio"];

/** The renditions of the variants that are listed. */
const variantsOf = async (answer: Response) =>
  [...(await textOf(answer)).matchAll(/^([^#/]+)\/index\.m3u8$/gm)].map(([, name]) => name);

describe("a device", () => {
  let path: string;

  beforeAll(async () => {
    const video = { ...SOURCE.video, width: 1920, height: 1080 };
    const encoder = await Encoder.open(await createStream("tall"), { ...SOURCE, video } as typeof SOURCE);
    await encoder.pushSegment();
    path = "/live/tall/index.m3u8";
  });

  it.each<readonly [string, string, Record<string, string>, readonly string[], string]>([
    ["a desktop", "", { "user-agent": DESKTOP }, FULL, `Accept-Encoding, ${ALL_HINTS}`],
    ["a phone", "", { "user-agent": IPHONE }, UP_TO_720, `Accept-Encoding, ${ALL_HINTS}`],
    [
      "a phone that saves data",
      "",
      { "user-agent": IPHONE, "save-data": "on" },
      UP_TO_480,
      "Accept-Encoding, Save-Data",
    ],
    ["a desktop and ?max=480", "?max=480", { "user-agent": DESKTOP }, UP_TO_480, "Accept-Encoding"],
    [
      "a phone and ?max=audio",
      "?max=audio",
      { "user-agent": IPHONE },
      ["audio", "v480", "v360"],
      "Accept-Encoding",
    ],
    [
      "?max= that is more than data saving allows",
      "?max=1080",
      { "save-data": "on" },
      FULL,
      "Accept-Encoding",
    ],
  ])("that is %s is shown what fits it", async (_what, query, headers, variants, vary) => {
    const answer = await edge.get(`${path}${query}`, { headers });
    expect(answer.headers.get("vary")).toBe(vary);
    expect(await variantsOf(answer)).toEqual(variants);
  });

  it("of one class shares a drawing with all others of it", async () => {
    const own = await liveStream();
    const ask = (agent: string) =>
      edge.get(`/live/${own.id}/index.m3u8`, { headers: { "user-agent": agent } });
    const phones = await Promise.all([ask(IPHONE), ask(ANDROID)]);
    const [first, second] = await Promise.all(phones.map((answer) => textOf(answer)));
    expect(second).toBe(first);
    expect(edge.count(`stream ${own.id} playlist`)).toBe(1);
    await textOf(ask(DESKTOP));
    expect(edge.count(`stream ${own.id} playlist`)).toBe(2);
  });

  it("is shown no more than a token allows, and keeps that from nobody else", async () => {
    const capped = `/p/${await sign("tall", { maxHeight: 720 })}${path}`;
    const headers = { "user-agent": DESKTOP };
    expect(await variantsOf(await edge.get(capped, { headers }))).toEqual(UP_TO_720);
    expect(await variantsOf(await edge.get(`${capped}?max=1080`, { headers }))).toEqual(UP_TO_720);
    expect(await variantsOf(await edge.get(`${capped}?max=480`, { headers }))).toEqual(UP_TO_480);
    expect(await variantsOf(await edge.get(path, { headers }))).toEqual(FULL);
  });
});
