/** `npm start` itself: what it says, what it writes, how it fails and how it leaves. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import { endChild, freePort, Stack, until } from "../support/stack.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Run the start script until it ends by itself. */
async function startAndFail(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, ["scripts/start.ts", ...args], {
    cwd: ROOT,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const [code] = await once(child, "close");
  return { code, said };
}

it("says in one line which port is taken", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  for (const option of ["--port", "--rtmp-port"]) {
    const other = option === "--port" ? "--rtmp-port" : "--port";
    const { code, said } = await startAndFail([option, String(port), other, String(await freePort())]);
    expect(code).toBe(1);
    expect(said.trim().split("\n")).toEqual([expect.stringContaining(`Port ${port} is taken`)]);
  }
  server.close();
});

it("says in one line that FFmpeg is missing", async () => {
  const ports = ["--port", String(await freePort()), "--rtmp-port", String(await freePort())];
  const { code, said } = await startAndFail(ports, { ...process.env, PATH: "/nonexistent" });
  expect(code).toBe(1);
  expect(said.trim().split("\n")).toEqual([expect.stringContaining("FFmpeg")]);
});

it("shows the test picture, lets an encoder take its place and come back, and leaves nothing behind", async () => {
  const stack = await Stack.start([]);
  const { edge, rtmp, streams, adminToken } = stack.dev;
  expect(stack.dev).toMatchObject({ origin: `${edge}/_origin`, streams: [{ id: "demo" }] });
  expect(rtmp).toMatch(/^rtmp:\/\/127\.0\.0\.1:\d+\/live$/);
  expect(adminToken.length).toBeGreaterThan(20);
  await stack.state("demo", "live");

  const key = streams[0]?.key ?? "";
  const own = stack.broadcast(key);
  await stack.logged("session-started", (line) => String(line.session).endsWith(".2"));
  await endChild(own);
  await stack.logged("session-started", (line) => String(line.session).endsWith(".3"));

  await stack.stop();
  await until("its processes to be gone", () => (processesIn(stack.data).length === 0 ? true : undefined));
});

/** Command lines that name a folder. */
function processesIn(folder: string): readonly string[] {
  const all = execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" });
  return all.split("\n").filter((line) => line.includes(folder) && !line.includes("ps -eo"));
}
