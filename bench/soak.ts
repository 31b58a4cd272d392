/** A show that goes on: whether memory stays flat and a viewer as close as at the beginning. */
import type { Browser } from "playwright-core";
import { median, watchPicture } from "../test/support/browser.ts";
import { workerHeapBytes } from "../test/support/inspector.ts";
import { sumOf } from "../test/support/processes.ts";
import { endChild, type Stack, until } from "../test/support/stack.ts";
import type { Figure } from "./report.ts";

const STREAM = "bench-soak";
const SAMPLE_SECONDS = 15;
const MINUTE_MS = 60_000;
const MEGABYTE = 1e6;
/** Caches fill and code is compiled in the first minutes; growth is what comes after. */
const WARM_UP_MINUTES = 3;
/** How much later a viewer may be at the end than at the beginning, seconds. */
const MAX_DRIFT_SECONDS = 0.25;

/** One look, `minute` after the beginning; memory in megabytes, latency in seconds. */
interface Look {
  readonly minute: number;
  readonly transcoder: number;
  readonly ffmpeg: number;
  readonly workerd: number;
  /** What the Worker's own JavaScript holds. */
  readonly heap: number;
  readonly latency: number;
  readonly stalls: number;
}

/** Watch one broadcast for some minutes, looking once in each. */
export async function measureSoak(
  stack: Stack,
  browser: Browser,
  minutes: number,
): Promise<readonly Figure[]> {
  const picture = stack.broadcast(await stack.createStream(STREAM));
  await stack.state(STREAM, "live");
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  await page.goto(`${stack.dev.edge}/watch/${STREAM}`);
  await until("the player to play", async () =>
    (await page.evaluate(() => document.documentElement.dataset.player)) === "playing" ? true : undefined,
  );
  const begun = Date.now();
  const looks: Look[] = [];
  for (let minute = 1; minute <= minutes; minute += 1) {
    // The whole minute is watched for stalls; what is spoken of is its end.
    await page.waitForTimeout(Math.max(0, begun + minute * MINUTE_MS - SAMPLE_SECONDS * 1000 - Date.now()));
    const { latencies, stalls } = await watchPicture(page, SAMPLE_SECONDS);
    const { node, ffmpegs } = stack.transcoder();
    const look: Look = {
      minute,
      transcoder: (node?.residentBytes ?? Number.NaN) / MEGABYTE,
      ffmpeg: sumOf(ffmpegs, "residentBytes") / MEGABYTE,
      workerd: sumOf(stack.workerds(), "residentBytes") / MEGABYTE,
      heap: (await workerHeapBytes(stack.workerds())) / MEGABYTE,
      latency: median(latencies) / 1000,
      stalls,
    };
    looks.push(look);
    process.stdout.write(`  ${JSON.stringify(look)}\n`);
  }
  await page.close();
  await endChild(picture);
  return figuresOf(looks);
}

function figuresOf(looks: readonly Look[]): readonly Figure[] {
  const steady = looks.filter(({ minute }) => minute > WARM_UP_MINUTES);
  const memory = (what: string, of: "transcoder" | "ffmpeg" | "workerd" | "heap"): Figure => ({
    what: `${what}: growth of memory`,
    value: 60 * slopeOf(steady.map((look) => [look.minute, look[of]])),
    unit: "MB/h",
    note: `${firstAndLast(looks.map((look) => look[of]))} MB, at most ${Math.max(...looks.map((look) => look[of])).toFixed(0)}; slope after minute ${WARM_UP_MINUTES}`,
  });
  const latencies = looks.map(({ latency }) => latency);
  return [
    memory("transcoder", "transcoder"),
    memory("its FFmpeg", "ffmpeg"),
    memory("workerd, both of wrangler dev", "workerd"),
    memory("the Worker's own heap in it", "heap"),
    {
      what: "latency, last minute against first",
      value: (latencies.at(-1) ?? Number.NaN) - (latencies[0] ?? Number.NaN),
      unit: "s",
      target: { atMost: MAX_DRIFT_SECONDS },
      note: `${latencies[0]?.toFixed(2)} to ${latencies.at(-1)?.toFixed(2)} s over ${looks.length} minutes; ${looks.reduce((sum, { stalls }) => sum + stalls, 0)} stalls`,
    },
  ];
}

const firstAndLast = (values: readonly number[]): string =>
  `${values[0]?.toFixed(0)} to ${values.at(-1)?.toFixed(0)}`;

/** Slope of the line through points that has the least squares; NaN of fewer than two. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const across = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const along = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return points.length < 2 ? Number.NaN : across / along;
}
