/** The transcoder's process: RTMP in, media to origin. Settings come from the environment (docs/operations.md). */
import { join } from "node:path";
import { readConfig } from "./config.ts";
import { ffmpegVersion, supportedCodecs } from "./core/ffmpeg-args.ts";
import type { Encoder } from "./encoder.ts";
import { readFfmpegVersionText } from "./ffmpeg.ts";
import { startHealthServer } from "./health-server.ts";
import { logToStdout, tee } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { createOriginClient } from "./origin-client.ts";
import { startRtmpServer } from "./rtmp-server.ts";
import { serveEncoder } from "./serve.ts";
import { Spool } from "./spool.ts";
import { startFlusher } from "./spool-flusher.ts";

/** FourCCs of Enhanced RTMP, by the codec that FFmpeg must be able to read. */
const FOUR_CCS: Record<string, string> = { hevc: "hvc1", av1: "av01", vp9: "vp09" };

const metrics = createMetrics();
const log = tee(logToStdout, metrics.observe);
const config = readConfig(process.env);
if (!config.ok) stopEarly(`The settings are not right: ${config.error.detail}`);
const { origin, rtmpHost, rtmpPort, healthHost, healthPort, ffmpeg: program, data } = config.value;
const version = ffmpegVersion((await readFfmpegVersionText(program)) ?? "");
if (!version) stopEarly(`FFmpeg could not be run as "${program}". Install it, or set MILLRACE_FFMPEG.`);

const client = createOriginClient(origin, { onRetry: (retry) => log({ event: "retry", ...retry }) });
const spool = await Spool.open({ folder: join(data, "spool"), limits: config.value.spool, log }).catch(
  (error: Error) =>
    stopEarly(`The folder for segments that wait cannot be used: ${error.message}. Set MILLRACE_DATA.`),
);
const flusher = startFlusher({ spool, client, log });
const encoders = new Set<Encoder>();
let stopping = false;

const server = await startRtmpServer({
  host: rtmpHost,
  port: rtmpPort,
  fourCcs: supportedCodecs(version).flatMap((codec) => FOUR_CCS[codec] ?? []),
  log,
  async onPublish(request) {
    if (stopping) return request.refuse("NetStream.Publish.Failed", "The server is shutting down.");
    const encoder = await serveEncoder(request, { client, ffmpeg: { program, version }, spool, log });
    if (!encoder) return;
    encoders.add(encoder);
    void encoder.done.then(() => encoders.delete(encoder));
    if (stopping) encoder.stop();
  },
}).catch((error: NodeJS.ErrnoException) => stopForPort("MILLRACE_RTMP_PORT", rtmpPort, error));
const health = await startHealthServer({
  host: healthHost,
  port: healthPort,
  metrics,
  ready: () => (stopping ? ["The transcoder is stopping."] : []),
}).catch((error: NodeJS.ErrnoException) => stopForPort("MILLRACE_HEALTH_PORT", healthPort, error));
log({ event: "listening", rtmpPort: server.port, healthPort: health.port, origin, ffmpeg: version });

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => void stop(signal));
}

/** End every broadcast, so that players are told; then go. */
async function stop(signal: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  log({ event: "stopping", signal, encoders: encoders.size });
  const all = [...encoders];
  for (const encoder of all) encoder.stop();
  await Promise.all([...all.map(({ done }) => done), server.close()]);
  await flusher.stop();
  await spool.settled();
  await health.close();
  log({ event: "stopped" });
  process.exit(0);
}

function stopForPort(variable: string, port: number, error: NodeJS.ErrnoException): never {
  return stopEarly(
    error.code === "EADDRINUSE" ? `Port ${port} is taken. Set ${variable}.` : `${variable}: ${error.message}`,
  );
}

function stopEarly(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
