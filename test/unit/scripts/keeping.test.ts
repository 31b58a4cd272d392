/** Parts of `npm start` that end on their own: when they are started again, when not, and that nothing of them is left. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { killGroup } from "../../../scripts/process-group.ts";
import { type Child, startChild } from "../../../scripts/start/children.ts";
import { keepRunning, MAX_QUICK_ENDS, nextStart, STEADY_MS } from "../../../scripts/start/keeping.ts";
import { devArguments, endWhenStuck } from "../../../scripts/start/worker.ts";

it.each([
  ["the first end", 0, 100, { quickEnds: 1, delayMs: 250 }],
  ["the second soon after", 1, 100, { quickEnds: 2, delayMs: 500 }],
  ["the last that is borne", MAX_QUICK_ENDS - 1, 100, { quickEnds: MAX_QUICK_ENDS, delayMs: 8000 }],
  ["one more", MAX_QUICK_ENDS, 100, undefined],
  ["one more after a good while", MAX_QUICK_ENDS, STEADY_MS, { quickEnds: 1, delayMs: 250 }],
] as const)("decides after %s", (_what, quickEnds, ranMs, next) => {
  expect(nextStart(quickEnds, ranMs)).toEqual(next);
});

let data: string;
let children: Child[];
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "millrace-keeping-"));
  children = [];
});
afterEach(() => {
  for (const { group } of children) killGroup(group);
  rmSync(data, { recursive: true, force: true });
});

function begin(script: string, again = false): Child {
  const log = join(data, "part.log");
  const child = startChild(
    data,
    { name: "part", program: "sh", args: ["-c", script], env: {}, log, graceMs: 100 },
    again,
  );
  children.push(child);
  return child;
}

const lineOf = (child: Child): Promise<string> => new Promise((resolve) => child.onLine(resolve));
const isAlive = (pid: number): boolean =>
  /^[^Z\s]/.test(spawnSync("ps", ["-o", "stat=", "-p", `${pid}`], { encoding: "utf8" }).stdout);

it("starts a part that was killed again, without what the old one had started, and its log goes on", async () => {
  const script = "sleep 60 & echo $!; wait";
  const told: string[] = [];
  const watched: Child[] = [];
  let isStopping = false;
  const first = begin(script);
  const restarted = new Promise<Child>((resolve) => {
    void keepRunning(first, {
      again: () => {
        const next = begin(script, true);
        resolve(next);
        return next;
      },
      isStopping: () => isStopping,
      tell: (line) => told.push(line),
      watch: (child) => watched.push(child),
    });
  });
  const grandchild = Number(await lineOf(first));
  first.group.child.kill("SIGKILL");
  const second = await restarted;
  await lineOf(second);
  expect(isAlive(grandchild)).toBe(false);
  expect(watched).toEqual([first, second]);
  expect(told).toEqual([`The part ended (SIGKILL) and is started again. Its log: ${join(data, "part.log")}`]);
  await expect.poll(() => readFileSync(join(data, "part.log"), "utf8").split("\n")).toHaveLength(3);
  isStopping = true;
  killGroup(second.group);
  await second.group.exited;
  expect(children).toHaveLength(2);
});

it("gives up a part that never stays up, and says what it said", async () => {
  const kept = keepRunning(begin("echo no such thing; exit 3"), {
    again: () => begin("echo no such thing; exit 3", true),
    isStopping: () => false,
    tell: () => {},
    delay: async () => {},
  });
  await expect(kept).rejects.toMatchObject({
    message: expect.stringContaining("The part ended (code 3)."),
    lines: ["no such thing"],
  });
  expect(children).toHaveLength(MAX_QUICK_ENDS + 1);
});

/** What a wrangler says when a workerd of its two has died. */
const CRASH = "The Workers runtime crashed unexpectedly and is being restarted (crash #1).";

it.each<[string, RequestListener, boolean]>([
  ["ends a wrangler that hangs when its workerd has died", () => {}, true],
  ["leaves one that answers again alone", (_, answer) => answer.end("ok"), false],
])("%s", async (_what, listener, isEnded) => {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const asked = once(server, "request");
  const worker = begin(`sleep 0.2; echo "${CRASH}"; sleep 60`);
  endWhenStuck(worker, `http://127.0.0.1:${port}/healthz`, 300);
  await asked;
  if (isEnded) expect((await worker.group.exited).signal).toBe("SIGKILL");
  else {
    // Longer than it takes to be ended.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(worker.group.child.exitCode ?? worker.group.child.signalCode).toBeNull();
  }
  server.closeAllConnections();
  server.close();
});

it("gives wrangler another configuration when there is one", () => {
  const options = { port: 1, rtmpPort: 2, data, demo: true };
  expect(devArguments(options, 3, "secrets")).not.toContain("--config");
  expect(devArguments({ ...options, config: "/own.toml" }, 3, "secrets").join(" ")).toContain(
    "--config /own.toml",
  );
});
