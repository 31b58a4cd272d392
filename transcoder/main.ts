/** The transcoder's process: RTMP in, media to origin. Settings come from the environment (docs/operations.md). */
import { randomUUID } from "node:crypto";
import { availableParallelism, hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MAX_SLOTS } from "../wire/fleet.ts";
import { readConfig } from "./config.ts";
import { refusalOf, unreadiness } from "./core/admission.ts";
import { defaultSlots, type Load } from "./core/capacity.ts";
import { ffmpegVersion, supportedCodecs } from "./core/ffmpeg-args.ts";
import { idOfHost } from "./core/host-name.ts";
import { readFfmpegVersionText } from "./ffmpeg.ts";
import { startHealthServer } from "./health-server.ts";
import { logToStdout, tee } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { createOriginClient } from "./origin-client.ts";
import { createRegistration } from "./registration.ts";
import { startRtmpServer } from "./rtmp-server.ts";
import { type Served, serveEncoder } from "./serve.ts";
import { Spool } from "./spool.ts";
import { startChecker } from "./spool-checker.ts";
import { startFlusher } from "./spool-flusher.ts";
import { tlsListener } from "./tls.ts";
import { VERSION } from "./version.ts";

/** Whoever stops this process gives it a minute (docs/container.md); what hangs does not get all of it. */
const STOP_LIMIT_MS = 48_000;
const DISK_LIMIT_MS = 2_000;
const STOP_LOOK_MS = 20;
/** FourCCs of Enhanced RTMP, by the codec that FFmpeg must be able to read. */
const FOUR_CCS: Record<string, string> = { hevc: "hvc1", av1: "av01", vp9: "vp09" };

const metrics = createMetrics({ load: () => load() });
const log = tee(logToStdout, metrics.observe);
const settings = readConfig(process.env);
if (!settings.ok) stopEarly(`The settings are not right: ${settings.error.detail}`);
const config = settings.value;
const { origin, rtmpHost, rtmpPort, healthHost, healthPort, ffmpeg: program } = config;
const version = ffmpegVersion((await readFfmpegVersionText(program)) ?? "");
if (!version) stopEarly(`FFmpeg could not be run as "${program}". Install it, or set MILLRACE_FFMPEG.`);

const certified = config.rtmps && (await tlsListener({ ...config.rtmps, log }));
if (certified && !certified.ok) stopEarly(`The certificate for RTMPS cannot be used: ${certified.error}`);
const tls = certified?.value;

const client = createOriginClient(origin, { onRetry: (retry) => log({ event: "retry", ...retry }) });
const spool = await Spool.open({
  folder: join(config.data, "spool"),
  origin,
  limits: config.spool,
  log,
}).catch((error: Error) =>
  stopEarly(`The folder for segments that wait cannot be used: ${error.message}. Set MILLRACE_DATA.`),
);
const flusher = startFlusher({ spool, client, log });
const checker = startChecker({ spool, client, log });

const slots = config.slots ?? Math.min(MAX_SLOTS, defaultSlots(availableParallelism()));
/** This host, and this run of it. */
const transcoder = { id: config.id ?? idOfHost(hostname()), boot: randomUUID() };
const encoders = new Set<Served>();
/** Encoders that origin is being asked about. */
let knocking = 0;
let stopping = false;
const load = (): Load => ({
  slots,
  encoders: encoders.size + knocking,
  draining: registration.draining,
  stopping,
});
const url = config.publicRtmp;
const registration = createRegistration({
  origin,
  token: config.token,
  ...transcoder,
  log,
  describe: () => ({
    version: VERSION,
    ffmpeg: `${version.major}.${version.minor}`,
    slots,
    ...(url !== undefined && { url }),
    sessions: [...encoders].flatMap(({ session }) => session ?? []).slice(0, MAX_SLOTS),
  }),
});
// A host that is being drained hears of it before its first encoder.
await registration.start();

const server = await startRtmpServer({
  host: rtmpHost,
  port: rtmpPort,
  ...(tls && config.rtmps && { rtmps: { port: config.rtmps.port, secure: tls.secure } }),
  fourCcs: supportedCodecs(version).flatMap((codec) => FOUR_CCS[codec] ?? []),
  log,
  async onPublish(request) {
    const turned = refusalOf(load());
    if (turned) {
      log({
        event: "publish-refused",
        ...turned,
        detail: turned.description,
        remoteAddress: request.remoteAddress,
      });
      return request.refuse(turned.code, turned.description);
    }
    knocking += 1;
    const options = { client, ffmpeg: { program, version }, spool, transcoder, log };
    const encoder = await serveEncoder(request, options).finally(() => {
      knocking -= 1;
    });
    if (!encoder) return;
    encoders.add(encoder);
    void encoder.done.then(() => encoders.delete(encoder));
    if (stopping) encoder.stop();
  },
}).catch((error: NodeJS.ErrnoException & { readonly port?: number }) =>
  error.port !== undefined && error.port === config.rtmps?.port
    ? stopForPort("MILLRACE_RTMPS_PORT", error.port, error)
    : stopForPort("MILLRACE_RTMP_PORT", rtmpPort, error),
);
const health = await startHealthServer({
  host: healthHost,
  port: healthPort,
  metrics,
  ready: () => unreadiness(load()),
}).catch((error: NodeJS.ErrnoException) => stopForPort("MILLRACE_HEALTH_PORT", healthPort, error));
log({
  event: "listening",
  rtmpPort: server.port,
  ...(server.rtmpsPort !== undefined && { rtmpsPort: server.rtmpsPort }),
  healthPort: health.port,
  origin,
  ffmpeg: version,
  slots,
  id: transcoder.id,
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => void stop(signal));
}

// What renews certificates usually sends this signal; the files are also looked at every few seconds.
if (tls) process.on("SIGHUP", () => void tls.reload());

/** End every broadcast, so that players are told; then go. What origin has not taken by then stays on disk. */
async function stop(signal: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  log({ event: "stopping", signal, encoders: encoders.size });
  for (const encoder of encoders) encoder.stop();
  await Promise.race([Promise.all([emptied(), server.close()]), delay(STOP_LIMIT_MS)]);
  if (encoders.size + knocking > 0)
    log({ event: "stopping-late", level: "warning", encoders: encoders.size });
  await Promise.all([registration.stop(), flusher.stop(), checker.stop()]);
  await Promise.race([spool.settled(), delay(DISK_LIMIT_MS)]);
  tls?.close();
  await health.close();
  log({ event: "stopped" });
  process.exit(0);
}

/** Wait until all have ended, those as well whom origin is still being asked about: they may hold a session in a moment. */
async function emptied(): Promise<void> {
  while (encoders.size + knocking > 0) await delay(STOP_LOOK_MS);
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
