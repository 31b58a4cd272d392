/**
 * `npm run bench`: what is promised, measured on this machine with the real thing, next to a peer in the same run.
 * Not a test: a slow machine prints larger figures and fails nothing.
 */
import { Command } from "commander";
import { startBrowser } from "../test/support/browser.ts";
import { Stack } from "../test/support/stack.ts";
import { measureProfile } from "./latency.ts";
import { ensurePeer, measurePeer } from "./peer-nginx.ts";
import { measurePublish } from "./publish.ts";
import { type Figure, report } from "./report.ts";
import { measureStartup } from "./startup.ts";

const PARTS = ["low", "ultra", "standard", "peer", "startup", "publish"] as const;

const program = new Command("npm run bench --")
  .description("Measure the live path; a whole run is written to bench/results/live.{json,md}.")
  .option("--only <names>", `comma-separated: ${PARTS.join(", ")}`, PARTS.join(","))
  .option("--seconds <n>", "how long each latency is watched", Number, 60)
  .parse();
const { only, seconds } = program.opts<{ only: string; seconds: number }>();
const wanted = new Set(only.split(","));

const figures: Figure[] = [];
const stack = await Stack.start();
const browser = await startBrowser();
try {
  for (const part of PARTS.filter((name) => wanted.has(name))) {
    process.stdout.write(`${part} ...\n`);
    figures.push(...(await measure(part)));
  }
} finally {
  await browser.close();
  await stack.stop();
}
// A part of the figures is for looking at; only all of them together replace what is kept.
report(wanted.size === PARTS.length ? "live" : undefined, figures, new Date());

async function measure(part: (typeof PARTS)[number]): Promise<readonly Figure[]> {
  switch (part) {
    case "low":
    case "ultra":
    case "standard":
      return measureProfile(stack, browser, part, seconds);
    case "peer":
      if (ensurePeer()) return measurePeer(stack, browser, seconds);
      process.stdout.write("The peer is not installed: apt-get install nginx libnginx-mod-rtmp\n");
      return [];
    case "startup":
      return measureStartup(stack, browser, 10);
    case "publish":
      return measurePublish(stack, Math.min(seconds, 30));
  }
}
