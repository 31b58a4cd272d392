/** From the click on a card of the home page to the first frame on the watch page, each time in a browser that has seen neither. */
import type { Browser } from "playwright-core";
import { median } from "../test/support/browser.ts";
import { endChild, type Stack } from "../test/support/stack.ts";
import type { Figure } from "./report.ts";

const TARGET_MS = 700;

/** Measure `runs` clicks. */
export async function measureStartup(
  stack: Stack,
  browser: Browser,
  runs: number,
): Promise<readonly Figure[]> {
  const key = await stack.createStream("bench-startup");
  const picture = stack.broadcast(key);
  await stack.state("bench-startup", "live");
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) times.push(await clickToFirstFrame(stack, browser));
  await endChild(picture);
  const spread = `${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)} ms in ${runs} runs`;
  return [
    {
      what: "click to first frame: median",
      value: median(times),
      unit: "ms",
      target: { atMost: TARGET_MS },
      note: spread,
    },
  ];
}

async function clickToFirstFrame(stack: Stack, browser: Browser): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  const page = await context.newPage();
  await page.addInitScript(() => {
    addEventListener("click", () => sessionStorage.setItem("clicked-at", String(Date.now())), {
      capture: true,
    });
    addEventListener("DOMContentLoaded", () => {
      document.querySelector("video")?.requestVideoFrameCallback((_now, { presentationTime }) => {
        sessionStorage.setItem("shown-at", String(performance.timeOrigin + presentationTime));
      });
    });
  });
  await page.goto(`${stack.dev.edge}/`);
  const card = page.locator('a[href="/watch/bench-startup"]').first();
  await card.waitFor();
  // A person reads before they click.
  await page.waitForTimeout(500);
  await card.click();
  const handle = await page.waitForFunction(() => sessionStorage.getItem("shown-at"), undefined, {
    timeout: 20_000,
  });
  const shown = Number(await handle.jsonValue());
  const clicked = Number(await page.evaluate(() => sessionStorage.getItem("clicked-at")));
  await context.close();
  return shown - clicked;
}
