/** What is not let in, what the encoder and the log are told, and that the next broadcast works. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { endChild, freePort, type LogLine, Stack, until } from "../support/stack.ts";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");
const PICTURE = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30"];
const H264 = [
  "-c:v",
  "libx264",
  "-preset",
  "ultrafast",
  "-tune",
  "zerolatency",
  "-pix_fmt",
  "yuv420p",
  "-g",
  "60",
];

let stack: Stack;
beforeAll(() => {
  stack = Stack.attach(inject("millrace"));
});
afterAll(() => stack.stop());

/** Push with FFmpeg until it gives up; what it said, and its exit code. */
async function push(url: string, args: readonly string[]): Promise<{ code: number; said: string }> {
  const encoder = stack.ffmpeg([...PICTURE, ...args, "-t", "60", "-f", "flv", url]);
  let said = "";
  encoder.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const [code] = await once(encoder, "close");
  return { code, said };
}

const ofStream = (stream: string) => (line: LogLine) => line.stream === stream;

/** The stream takes a proper broadcast. */
async function expectWorks(stream: string, key: string): Promise<void> {
  const picture = stack.broadcast(key);
  await stack.state(stream, "live");
  await endChild(picture);
}

describe("an encoder is refused", () => {
  it("with a wrong key", async () => {
    const { code, said } = await push(`${stack.dev.rtmp}/mrk_wrong`, H264);
    expect(code).not.toBe(0);
    expect(said).toContain("No stream has this key.");
    const line = await stack.logged("publish-refused", ({ reason }) => reason === "unknown-key");
    expect(line).toMatchObject({ code: "NetStream.Publish.BadName" });
    expect(JSON.stringify(stack.transcoderLog())).not.toContain("mrk_wrong");
  });

  it("while another is live, which it does not disturb; one that yields gives way", async () => {
    const key = await stack.createStream("refuse-second");
    const yielding = stack.broadcast(`${key}?yield=1`);
    await stack.state("refuse-second", "live");
    const picture = stack.broadcast(key);
    await stack.logged("encoder-dropped", ofStream("refuse-second"));
    await once(yielding, "close");
    const { code, said } = await push(`${stack.dev.rtmp}/${key}`, H264);
    expect(code).not.toBe(0);
    expect(said).toContain("already live");
    expect(picture.exitCode).toBeNull();
    await stack.state("refuse-second", "live");
    await endChild(picture);
  });

  it("on a disabled stream; the broadcast that was on it ends", async () => {
    const key = await stack.createStream("refuse-disabled");
    const picture = stack.broadcast(key);
    await stack.state("refuse-disabled", "live");
    const cli = ["cli/main.ts", "--origin", stack.dev.origin, "--token", stack.dev.adminToken, "--json"];
    const { stdout } = await run(process.execPath, [...cli, "streams", "disable", "refuse-disabled"], {
      cwd: ROOT,
    });
    expect(JSON.parse(stdout)).toMatchObject({ id: "refuse-disabled", disabled: true });
    await once(picture, "close");
    const { said } = await push(`${stack.dev.rtmp}/${key}`, H264);
    expect(said).toContain("This stream is disabled.");
    await run(process.execPath, [...cli, "streams", "enable", "refuse-disabled"], { cwd: ROOT });
    await expectWorks("refuse-disabled", key);
  });

  it("with a codec that can be neither passed nor decoded", async () => {
    const key = await stack.createStream("refuse-codec");
    const { code } = await push(`${stack.dev.rtmp}/${key}`, ["-c:v", "flv"]);
    expect(code).not.toBe(0);
    const line = await stack.logged("source-refused", ofStream("refuse-codec"));
    expect(line).toMatchObject({ reason: "unsupported-codec", kind: "video", codec: "h263" });
    await expectWorks("refuse-codec", key);
  });

  it("whose source has no keyframes, with advice", async () => {
    const key = await stack.createStream("refuse-keyframes");
    const { code } = await push(`${stack.dev.rtmp}/${key}`, [...H264, "-bsf:v", "noise=amount=0:drop=key"]);
    expect(code).not.toBe(0);
    expect(await stack.logged("source-refused", ofStream("refuse-keyframes"))).toMatchObject({
      reason: "no-keyframe",
    });
    expect(await stack.logged("encoder-dropped", ofStream("refuse-keyframes"))).toMatchObject({
      description: "No keyframe in 10 seconds. Set the keyframe interval to 2 seconds.",
    });
    await expectWorks("refuse-keyframes", key);
  });
});

it("ends a connection that sends garbage, and nobody else notices", async () => {
  const key = await stack.createStream("garbage");
  const picture = stack.broadcast(key);
  await stack.state("garbage", "live");
  const { hostname, port } = new URL(stack.dev.rtmp.replace("rtmp:", "http:"));
  for (const garbage of ["GET / HTTP/1.1\r\n\r\n", "\x03".padEnd(4000, "\xff"), "\0".repeat(4000)]) {
    const socket = connect(Number(port), hostname);
    // What comes back is thrown away, so that the end of it is seen.
    socket.on("error", () => {}).resume();
    socket.write(garbage, "latin1");
    await once(socket, "close");
  }
  const before = await (await stack.get("/live/garbage/v360/index.m3u8")).text();
  await until("the show to go on", async () =>
    (await (await stack.get("/live/garbage/v360/index.m3u8")).text()) === before ? undefined : true,
  );
  expect(picture.exitCode).toBeNull();
  await endChild(picture);
});

it("tells the operator how a stream does, on the terminal and to Prometheus", async () => {
  const key = await stack.createStream("watched");
  const picture = stack.broadcast(key);
  await stack.logged("input", (line) => line.stream === "watched" && line.encodeSpeed !== undefined);
  const cli = ["cli/main.ts", "--origin", stack.dev.origin, "--token", stack.dev.adminToken];
  const { stdout } = await run(process.execPath, [...cli, "streams", "watch", "watched", "--count", "1"], {
    cwd: ROOT,
  });
  expect(stdout).toMatch(/live +in \d\.\d\d Mbit\/s +\d+(\.\d+)? fps +keyframe every 2 s/);
  const { healthPort } = await stack.logged("listening");
  const metrics = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
  expect(metrics).toMatch(/millrace_input_bits_per_second\{stream="watched"\} \d+/);
  expect((await fetch(`http://127.0.0.1:${healthPort}/readyz`)).status).toBe(200);
  await endChild(picture);
});

it("ends its broadcasts when it is told to stop", async () => {
  const key = await stack.createStream("sigterm");
  const port = await freePort();
  const transcoder: ChildProcess = spawn(process.execPath, ["transcoder/main.ts"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      MILLRACE_ORIGIN: stack.dev.origin,
      MILLRACE_RTMP_HOST: "127.0.0.1",
      MILLRACE_RTMP_PORT: String(port),
      MILLRACE_HEALTH_PORT: "0",
    },
  });
  let said = "";
  transcoder.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await until("the second transcoder to listen", () => (said.includes('"listening"') ? true : undefined));
  stack.run(process.execPath, [
    "demo/broadcast.ts",
    "--url",
    `rtmp://127.0.0.1:${port}/live/${key}`,
    "--size",
    "640x360",
  ]);
  await stack.state("sigterm", "live");
  transcoder.kill("SIGTERM");
  const [code] = await once(transcoder, "close");
  expect(code).toBe(0);
  expect(await (await stack.get("/live/sigterm/v360/index.m3u8")).text()).toContain("#EXT-X-ENDLIST");
  await stack.state("sigterm", "ended");
});
