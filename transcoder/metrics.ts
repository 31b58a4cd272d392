/**
 * The transcoder's Prometheus metrics, made of the events of its log: a subscriber, so that what is measured and what is logged
 * cannot differ. A stream's own figures go when its last encoder has gone.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { freeSlots, type Load } from "./core/capacity.ts";
import type { LogEvent } from "./log.ts";
import { levelOf, reasonOf } from "./log-level.ts";

export interface MetricsOptions {
  /** What the host carries, asked for at each scrape: the signal to scale by. */
  readonly load?: () => Load;
}

/** What is measured. */
export interface Metrics {
  readonly contentType: string;
  /** Take an event of the log. */
  observe(event: LogEvent): void;
  /** All of it in Prometheus' text format. */
  text(): Promise<string>;
}

/** From the cut to the timeline: a part of 0.2 s must be far quicker than that, a spooled segment takes as long as origin is away. */
const LATENCY_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2, 4, 8, 15, 30, 60];
/** Values that a label may take, however odd what others call their problems. */
const MAX_LABEL_VALUES = 100;
const PREFIX = "millrace_";

/** Figures of the `input` event, as gauges by stream. */
const INPUT_GAUGES = {
  inputBitrate: ["input_bits_per_second", "Bits a second that arrive from the encoder"],
  inputFrameRate: ["input_frames_per_second", "Video frames a second that arrive from the encoder"],
  keyframeSeconds: ["keyframe_interval_seconds", "Time between the last two keyframes of the encoder"],
  encodeSpeed: [
    "encode_speed_ratio",
    "Media seconds encoded per second; below 1 the transcoder falls behind",
  ],
  waitingBytes: ["waiting_bytes", "Media that is cut and not yet in the timeline"],
  queuedBytes: ["ffmpeg_queue_bytes", "Input that FFmpeg has not taken yet"],
} as const;

/** Figures of the `spool` event, as gauges of the whole transcoder. */
const SPOOL_GAUGES = {
  bytes: ["spool_bytes", "Media on disk that origin does not have yet"],
  segments: ["spool_segments", "Segments on disk that origin does not have yet"],
  waiting: [
    "spool_waiting_segments",
    "Those of them that the live edge has passed and that will be handed over late",
  ],
} as const;

/** Figures of the host's load, as gauges that are asked for. */
const LOAD_GAUGES = {
  slots_total: ["Encoders that are taken at a time", ({ slots }: Load) => slots],
  slots_free: ["Encoders that would still be taken: none while it is drained or stopping", freeSlots],
  draining: [
    "1 while no new encoders are taken",
    ({ draining, stopping }: Load) => Number(draining || stopping),
  ],
} as const;

/** Metrics in a registry of their own. */
export function createMetrics({ load }: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: PREFIX + name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name: PREFIX + name, help, labelNames, registers });

  const connections = gauge("rtmp_connections", "RTMP connections that are open", []);
  const sessions = gauge("sessions", "Encoders that publish now", []);
  const started = counter(
    "sessions_started_total",
    "Runs of FFmpeg that began; more than one per publish are restarts",
    [],
  );
  const publishes = counter("publishes_total", "Encoders that asked to publish", ["outcome"]);
  const inputs = Object.entries(INPUT_GAUGES).map(
    ([fact, [name, help]]) => [fact, gauge(name, help, ["stream"])] as const,
  );
  const latency = new Histogram({
    name: `${PREFIX}publish_latency_seconds`,
    help: "From the cut to the timeline",
    labelNames: ["type"],
    buckets: LATENCY_BUCKETS_SECONDS,
    registers,
  });
  const mediaSeconds = counter("published_seconds_total", "Media in whole segments that was published", []);
  const mediaBytes = counter(
    "published_bytes_total",
    "Bytes of whole segments, all renditions, that were published",
    [],
  );
  const retries = counter("retries_total", "Requests to origin that were tried again", [
    "request",
    "problem",
  ]);
  const errors = counter("errors_total", "Warnings and errors of the log, by event and reason", [
    "event",
    "reason",
  ]);
  const spool = Object.entries(SPOOL_GAUGES).map(
    ([fact, [name, help]]) => [fact, gauge(name, help, [])] as const,
  );
  if (load) {
    for (const [name, [help, figureOf]] of Object.entries(LOAD_GAUGES)) {
      new Gauge({
        name: PREFIX + name,
        help,
        registers,
        collect() {
          this.set(figureOf(load()));
        },
      });
    }
  }
  collectDefaultMetrics({ register: registry });

  /** Encoders by stream: for a moment two, when one takes over from another. */
  const live = new Map<string, number>();
  const problems = new LabelValues();
  const reasons = new LabelValues();

  function enter(stream: string): void {
    live.set(stream, (live.get(stream) ?? 0) + 1);
    sessions.inc();
  }

  function leave(stream: string): void {
    const encoders = live.get(stream);
    if (encoders === undefined) return;
    sessions.dec();
    if (encoders > 1) {
      live.set(stream, encoders - 1);
      return;
    }
    live.delete(stream);
    for (const [, figure] of inputs) figure.remove({ stream });
  }

  function observeInput(event: LogEvent, stream: string): void {
    // A sample that was on its way when its encoder left must not bring the stream back.
    if (!live.has(stream)) return;
    for (const [fact, figure] of inputs) {
      const value = event[fact];
      if (isAmount(value)) figure.set({ stream }, value);
    }
  }

  function observeSpool(event: LogEvent): void {
    for (const [fact, figure] of spool) {
      const value = event[fact];
      if (isAmount(value)) figure.set(value);
    }
  }

  function observePublished({ type, waitedMs, duration, tracks }: LogEvent): void {
    const isSegment = type === "segment";
    if (isAmount(waitedMs)) latency.observe({ type: isSegment ? "segment" : "part" }, waitedMs / 1000);
    if (!isSegment) return;
    if (isAmount(duration)) mediaSeconds.inc(duration);
    if (typeof tracks === "object" && tracks !== null)
      for (const bytes of Object.values(tracks)) if (isAmount(bytes)) mediaBytes.inc(bytes);
  }

  function observeRetry({ path, name }: LogEvent): void {
    retries.inc({ request: requestOf(path), problem: problems.bounded(String(name)) });
  }

  const handlers = new Map<string, (event: LogEvent, stream: string) => void>([
    [
      "publish-accepted",
      (_event, stream) => {
        publishes.inc({ outcome: "accepted" });
        enter(stream);
      },
    ],
    // It was let in to wait; from here on its figures and its end come as those of any other.
    ["standby-takes-over", (_event, stream) => enter(stream)],
    ["publish-refused", () => publishes.inc({ outcome: "refused" })],
    ["session-started", () => started.inc()],
    ["session-ended", (_event, stream) => leave(stream)],
    ["input", observeInput],
    ["published", observePublished],
    ["retry", observeRetry],
    ["spool", observeSpool],
    ["rtmp-connected", () => connections.inc()],
    ["rtmp-closed", () => connections.dec()],
  ]);

  function observe(event: LogEvent): void {
    if (event.event !== "retry" && levelOf(event) !== "info")
      errors.inc({ event: event.event, reason: reasons.bounded(reasonOf(event) ?? "none") });
    handlers.get(event.event)?.(event, typeof event.stream === "string" ? event.stream : "");
  }

  return { contentType: registry.contentType, observe, text: () => registry.metrics() };
}

/** Remembers the values a label has taken, so that there can only be so many. */
class LabelValues {
  readonly #seen = new Set<string>();

  bounded(value: string): string {
    if (!/^[A-Za-z][A-Za-z0-9.-]{0,63}$/.test(value)) return "other";
    if (!this.#seen.has(value) && this.#seen.size >= MAX_LABEL_VALUES) return "other";
    this.#seen.add(value);
    return value;
  }
}

/** Which request of the ingest API a path is: sessions and objects have far too many names for a label. */
function requestOf(path: unknown): string {
  const [, first, second] = /^(?:\/ingest)?\/([^/?]+)(?:\/([^/?]+))?/.exec(String(path)) ?? [];
  if (first === "sessions") return "open";
  if (second === undefined) return first === undefined ? "other" : "close";
  return ["source", "objects", "timeline", "late", "missing", "stats"].includes(second) ? second : "other";
}

const isAmount = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;
