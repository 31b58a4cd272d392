/** From the moment the cutter closes a part to the moment a waiting player has a playlist that names it. */
import { median, percentile } from "../test/support/browser.ts";
import { endChild, type LogLine, type Stack } from "../test/support/stack.ts";
import type { Figure } from "./report.ts";

const TARGET_MS = 60;

/** Measure `seconds` of parts with one waiting player. */
export async function measurePublish(stack: Stack, seconds: number): Promise<readonly Figure[]> {
  const key = await stack.createStream("bench-publish");
  const picture = stack.broadcast(key);
  await stack.state("bench-publish", "live");
  const seen = await followParts(stack, "/live/bench-publish/v360/index.m3u8", seconds);
  await endChild(picture);
  const delays = stack
    .transcoderLog()
    .filter((line) => line.event === "published" && line.stream === "bench-publish")
    .flatMap((line) => {
      const arrived = seen.get(partName(line));
      return arrived === undefined ? [] : [arrived - cutAt(line)];
    });
  const note = `p95 ${percentile(delays, 0.95).toFixed(0)} ms, ${delays.length} parts`;
  return [
    {
      what: "part closed to part in a playlist answer: median",
      value: median(delays),
      unit: "ms",
      target: { atMost: TARGET_MS },
      note,
    },
  ];
}

/** Ask for each next part before it is there, as a player does; when each first came, milliseconds since 1970. */
async function followParts(
  stack: Stack,
  path: string,
  seconds: number,
): Promise<ReadonlyMap<string, number>> {
  const seen = new Map<string, number>();
  const end = Date.now() + seconds * 1000;
  let query = "";
  while (Date.now() < end) {
    const text = await (await stack.get(path + query)).text();
    const now = Date.now();
    const next = /#EXT-X-PRELOAD-HINT:TYPE=PART,URI="[^"]*\/part-(\d+)\.(\d+)\.m4s"/.exec(text);
    if (!next) break;
    // The first answer names parts that were there before.
    for (const [, name = ""] of text.matchAll(/^#EXT-X-PART:.*\/(part-\d+\.\d+)\.m4s"/gm)) {
      if (!seen.has(name)) seen.set(name, query === "" ? Number.NaN : now);
    }
    query = `?_HLS_msn=${next[1]}&_HLS_part=${next[2]}`;
  }
  return new Map([...seen].filter(([, at]) => !Number.isNaN(at)));
}

/** The last part of a segment is published together with it. */
function partName(line: LogLine): string {
  return `part-${line.msn}.${line.lastPart}`;
}

const cutAt = (line: LogLine): number => Date.parse(line.at) - Number(line.waitedMs);
