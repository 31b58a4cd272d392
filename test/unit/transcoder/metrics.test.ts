import { expect, it } from "vitest";
import type { Load } from "../../../transcoder/core/capacity.ts";
import type { LogEvent } from "../../../transcoder/log.ts";
import { createMetrics, type MetricsOptions } from "../../../transcoder/metrics.ts";

/** Metrics after some events, as a map from a line's name and labels to its value. */
async function after(events: readonly LogEvent[], options?: MetricsOptions) {
  const metrics = createMetrics(options);
  for (const event of events) metrics.observe(event);
  const lines = (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space).replace("millrace_", ""), Number(line.slice(space + 1))];
    }),
  );
}
const of = (all: ReadonlyMap<string, number>, name: string) =>
  Object.fromEntries([...all].filter(([key]) => key === name || key.startsWith(`${name}{`)));

const accepted = (stream: string) => ({ event: "publish-accepted", stream, remoteAddress: "192.0.2.7" });
const ended = (stream: string) => ({ event: "session-ended", stream, scope: "session" });
const input = (stream: string, facts: Record<string, unknown> = {}) => ({
  event: "input",
  stream,
  inputBitrate: 5_000_000,
  inputFrameRate: 29.97,
  keyframeSeconds: 2,
  encodeSpeed: 0.99,
  waitingBytes: 1234,
  queuedBytes: 0,
  ...facts,
});

it("counts the encoders that publish", async () => {
  const all = await after([
    accepted("a"),
    accepted("b"),
    { event: "publish-refused", reason: "unknown-key" },
    { event: "session-started", stream: "a" },
    { event: "session-started", stream: "a" },
    ended("b"),
  ]);
  expect(all.get("sessions")).toBe(1);
  expect(all.get("sessions_started_total")).toBe(2);
  expect(of(all, "publishes_total")).toEqual({
    'publishes_total{outcome="accepted"}': 2,
    'publishes_total{outcome="refused"}': 1,
  });
});

it("shows what arrives by stream", async () => {
  const all = await after([accepted("a"), input("a"), accepted("b"), input("b", { inputBitrate: 1 })]);
  expect(of(all, "input_bits_per_second")).toEqual({
    'input_bits_per_second{stream="a"}': 5_000_000,
    'input_bits_per_second{stream="b"}': 1,
  });
  expect(all.get('input_frames_per_second{stream="a"}')).toBe(29.97);
  expect(all.get('keyframe_interval_seconds{stream="a"}')).toBe(2);
  expect(all.get('encode_speed_ratio{stream="a"}')).toBe(0.99);
  expect(all.get('waiting_bytes{stream="a"}')).toBe(1234);
  expect(all.get('ffmpeg_queue_bytes{stream="a"}')).toBe(0);
});

it("forgets a stream with its last encoder", async () => {
  const takeover = [accepted("a"), input("a"), accepted("a"), ended("a")];
  const during = await after(takeover);
  expect(during.get("sessions")).toBe(1);
  expect(during.get('waiting_bytes{stream="a"}'), "while another one has taken over").toBe(1234);
  const over = await after([...takeover, ended("a"), input("a"), ended("a"), ended("never-seen")]);
  expect(over.get("sessions")).toBe(0);
  expect([...over.keys()].filter((key) => key.includes("stream="))).toEqual([]);
});

it("counts a standby from when it takes over", async () => {
  const takesOver = { event: "standby-takes-over", stream: "a", session: "a-x.2", warm: true };
  const during = await after([
    { event: "standby-accepted", stream: "a" },
    accepted("a"),
    takesOver,
    ended("a"),
    input("a"),
  ]);
  expect(during.get("sessions")).toBe(1);
  expect(during.get('input_bits_per_second{stream="a"}')).toBe(5_000_000);
  expect((await after([accepted("a"), takesOver, ended("a"), ended("a")])).get("sessions")).toBe(0);
});

it("leaves out figures that are none", async () => {
  const odd = { inputBitrate: Number.NaN, inputFrameRate: "30", keyframeSeconds: -1, encodeSpeed: undefined };
  const all = await after([
    accepted("a"),
    input("a", odd),
    { event: "published", waitedMs: null, tracks: 3 },
  ]);
  expect([...all.keys()].filter((key) => key.includes("stream="))).toEqual([
    'waiting_bytes{stream="a"}',
    'ffmpeg_queue_bytes{stream="a"}',
  ]);
  expect(all.get("published_seconds_total")).toBe(0);
});

it("puts publish latency into buckets, and counts whole segments once", async () => {
  const part = { event: "published", type: "part", msn: 1, duration: 0.5, waitedMs: 42, tracks: { v: 100 } };
  const all = await after([
    part,
    part,
    {
      event: "published",
      type: "segment",
      msn: 1,
      duration: 2,
      waitedMs: 9_000,
      tracks: { v: 400, audio: 50 },
    },
  ]);
  expect(all.get('publish_latency_seconds_bucket{le="0.025",type="part"}')).toBe(0);
  expect(all.get('publish_latency_seconds_bucket{le="0.05",type="part"}')).toBe(2);
  expect(all.get('publish_latency_seconds_bucket{le="8",type="segment"}')).toBe(0);
  expect(all.get('publish_latency_seconds_bucket{le="15",type="segment"}')).toBe(1);
  expect(all.get('publish_latency_seconds_sum{type="part"}')).toBeCloseTo(0.084);
  expect(all.get("published_seconds_total")).toBe(2);
  expect(all.get("published_bytes_total")).toBe(450);
});

it("counts retries by request, not by address", async () => {
  const paths = [
    "/sessions",
    "/s1/source",
    "/s1/objects/v720/part-1.2.m4s",
    "/s2/objects/audio/seg-1.m4s",
    "/ingest/s1/timeline",
    "/s1/stats",
    "/s1?end=session",
    "/s1/else",
    "",
  ];
  const all = await after(paths.map((path) => ({ event: "retry", path, name: "unreachable", attempt: 1 })));
  const line = (request: string) => `retries_total{request="${request}",problem="unreachable"}`;
  expect(of(all, "retries_total")).toEqual({
    [line("open")]: 1,
    [line("source")]: 1,
    [line("objects")]: 2,
    [line("timeline")]: 1,
    [line("stats")]: 1,
    [line("close")]: 1,
    [line("other")]: 2,
  });
});

it("counts what went wrong by kind, and nothing else", async () => {
  const all = await after([
    accepted("a"),
    { event: "session-trouble", stream: "a", reason: "ffmpeg" },
    { event: "session-trouble", stream: "a", reason: "refused", refusal: { name: "fenced" } },
    { event: "encoder-failed", stream: "a", error: "at line 3" },
    { event: "retry", path: "/sessions", name: "unreachable" },
    { event: "encoder-gone", stream: "a", reason: "unpublished" },
  ]);
  expect(of(all, "errors_total")).toEqual({
    'errors_total{event="session-trouble",reason="ffmpeg"}': 1,
    'errors_total{event="session-trouble",reason="fenced"}': 1,
    'errors_total{event="encoder-failed",reason="none"}': 1,
  });
});

it("keeps labels few, whatever others call their problems", async () => {
  const names = [...Array.from({ length: 500 }, (_, i) => `p${i}`), 'quote"', "new\nline", "x".repeat(100)];
  const all = await after([
    ...names.map((name) => ({ event: "retry", path: "/sessions", name })),
    ...names.map((reason) => ({ event: "publish-refused", reason })),
  ]);
  expect(Object.keys(of(all, "retries_total"))).toHaveLength(101);
  expect(all.get('retries_total{request="open",problem="other"}')).toBe(403);
  expect(all.get('errors_total{event="publish-refused",reason="other"}')).toBe(403);
});

it("counts connections, and those that were turned away only as errors", async () => {
  const all = await after([
    { event: "rtmp-connected", connection: 1 },
    { event: "rtmp-connected", connection: 2 },
    { event: "rtmp-turned-away", limit: "connections" },
    { event: "rtmp-closed", connection: 1, end: { reason: "disconnected" } },
  ]);
  expect(all.get("rtmp_connections")).toBe(1);
  expect(of(all, "errors_total")).toEqual({
    'errors_total{event="rtmp-turned-away",reason="connections"}': 1,
  });
});

it("shows how deep the spool is", async () => {
  const event = { event: "spool", bytes: 5_000, segments: 3, waiting: 2 };
  expect((await after([])).get("spool_bytes")).toBe(0);
  const all = await after([{ ...event, bytes: 1 }, event, { event: "spool", bytes: -1, segments: "3" }]);
  expect(of(all, "spool_bytes")).toEqual({ spool_bytes: 5_000 });
  expect(of(all, "spool_segments")).toEqual({ spool_segments: 3 });
  expect(of(all, "spool_waiting_segments")).toEqual({ spool_waiting_segments: 2 });
});

it("asks for the host's load at each scrape", async () => {
  expect((await after([])).has("slots_free")).toBe(false);
  let load: Load = { slots: 4, encoders: 1, draining: false, stopping: false };
  const metrics = createMetrics({ load: () => load });
  const figures = async () =>
    (await metrics.text()).split("\n").filter((line) => /^millrace_(slots|draining)/.test(line));
  expect(await figures()).toEqual(["millrace_slots_total 4", "millrace_slots_free 3", "millrace_draining 0"]);
  load = { ...load, draining: true };
  expect(await figures()).toEqual(["millrace_slots_total 4", "millrace_slots_free 0", "millrace_draining 1"]);
});

it("tells of the process itself, in Prometheus' format", async () => {
  const metrics = createMetrics();
  expect(metrics.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await metrics.text()).toMatch(/^# TYPE process_resident_memory_bytes gauge$/m);
});
