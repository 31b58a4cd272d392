/** What is checked before anything starts: ports, disk, FFmpeg. Each failure is one line. */
import { execFile } from "node:child_process";
import { mkdir, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { messageOf, StartFailure } from "./failure.ts";
import type { StartOptions } from "./options.ts";

const HOST = "127.0.0.1";
const LEAST_FREE_MEGABYTES = 500;

/** Throw a `StartFailure` unless the machine can run what these options ask for. */
export async function preflight({ port, rtmpPort, data }: StartOptions): Promise<void> {
  if (port === rtmpPort) throw new StartFailure(`Port ${port} is given twice. Use --port or --rtmp-port.`);
  await checkPort(port, "--port");
  await checkPort(rtmpPort, "--rtmp-port");
  await checkFolder(data);
  await checkFfmpeg();
}

async function checkPort(port: number, option: string): Promise<void> {
  try {
    await listenOnce(port);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") throw new StartFailure(`Port ${port} is taken. Use ${option}.`);
    if (code === "EACCES") throw new StartFailure(`Port ${port} is not allowed to this user. Use ${option}.`);
    throw new StartFailure(`Port ${port} cannot be used: ${messageOf(error)}. Use ${option}.`);
  }
}

/** Listen for a moment. Answers the port: with 0, one that was free. */
export function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, host: HOST, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : port));
    });
  });
}

async function checkFolder(data: string): Promise<void> {
  let freeMegabytes: number;
  try {
    await mkdir(data, { recursive: true });
    const { bavail, bsize } = await statfs(data);
    freeMegabytes = (bavail * bsize) / 1_000_000;
  } catch (error) {
    throw new StartFailure(`${data} cannot be used: ${messageOf(error)}. Use --data.`);
  }
  if (freeMegabytes < LEAST_FREE_MEGABYTES)
    throw new StartFailure(
      `The disk of ${data} has ${Math.floor(freeMegabytes)} MB left; Millrace needs ${LEAST_FREE_MEGABYTES}. Use --data.`,
    );
}

async function checkFfmpeg(): Promise<void> {
  const found = await new Promise<boolean>((resolve) => {
    execFile("ffmpeg", ["-version"], (error) => resolve(error === null));
  });
  if (!found) throw new StartFailure("FFmpeg is missing: install ffmpeg 5.1 or newer.");
}
