/** A stream's health in words: one line for a terminal that is watched, and a page for one that is asked. Pure text. */
import type { StreamHealth } from "../wire/admin.ts";
import { printable } from "./printable.ts";

type Sample = StreamHealth["samples"][number];

/** One line: how the stream does now, and what is worst. */
export function healthLine(health: StreamHealth): string {
  const figures = figuresOf(health.samples.at(-1) ?? {});
  const worst = health.advice[0];
  const watching = health.viewers > 0 ? [`${health.viewers} watching`] : [];
  return [health.state.padEnd(11), ...watching, ...figures, ...(worst ? [`! ${worst.text}`] : [])].join("  ");
}

/** Everything that is known, a line each. */
export function healthPage(health: StreamHealth): string {
  const { id, state, source, samples, advice } = health;
  const sent = source && [sourceWords(source)];
  const now = samples.length > 0 ? [`Now      ${figuresOf(samples.at(-1) ?? {}).join("  ")}`] : [];
  const told = advice.map(({ severity, text }) => `${severity.padEnd(8)} ${text}`);
  const nothing =
    advice.length === 0 && (state === "live" || state === "starting") ? ["Nothing to complain of."] : [];
  const watched = [...viewerWords(health), ...playerWords(health.qoe)];
  return [`Stream   ${id}: ${state}`, ...(sent ?? []), ...now, ...watched, ...told, ...nothing].join("\n");
}

/** Nothing when nobody is there. */
function viewerWords({ viewers, sockets, shards }: StreamHealth): readonly string[] {
  if (viewers === 0 && sockets === 0) return [];
  const on = sockets > 0 ? `, ${sockets} sockets on ${shards} shard${shards === 1 ? "" : "s"}` : "";
  return [`Viewers  ${viewers}${on}`];
}

/** What players said of the last five minutes; nothing when none did. */
function playerWords(qoe: StreamHealth["qoe"]): readonly string[] {
  if (qoe.reports === 0) return [];
  const { startupMs, latencyMs, stallRatio, droppedRatio } = qoe;
  const words = [
    startupMs && `first frame after ${spread(startupMs)}`,
    latencyMs && `behind by ${spread(latencyMs)}`,
    stallRatio !== undefined && `stalled ${percent(stallRatio)} of the time`,
    droppedRatio !== undefined && `${percent(droppedRatio)} of frames dropped`,
  ].filter((text) => typeof text === "string");
  return words.length === 0 ? [] : [`Players  ${words.join("  ")}`];
}

function sourceWords({ video, audio, encoder }: NonNullable<StreamHealth["source"]>): string {
  const parts = [
    video &&
      `${video.codec} ${video.width}x${video.height} ${round(video.frameRate)} fps ${megabits(video.bitrate)}`,
    audio && `${audio.codec} ${audio.sampleRate / 1000} kHz x${audio.channels}`,
    encoder,
  ];
  // The encoder names itself.
  return `Source   ${printable(parts.filter((part) => part !== undefined).join(", "))}`;
}

function figuresOf({
  inputBitrate,
  inputFrameRate,
  keyframeSeconds,
  encodeSpeed,
  waitingBytes,
}: Sample): string[] {
  return [
    inputBitrate !== undefined && `in ${megabits(inputBitrate)}`,
    inputFrameRate !== undefined && `${round(inputFrameRate)} fps`,
    keyframeSeconds !== undefined && `keyframe every ${round(keyframeSeconds)} s`,
    encodeSpeed !== undefined && `speed ${encodeSpeed.toFixed(2)}x`,
    waitingBytes !== undefined && `waiting ${Math.round(waitingBytes / 1024)} KiB`,
  ].filter((text) => text !== false);
}

const spread = ({ p50, p95 }: { readonly p50: number; readonly p95: number }): string =>
  `${seconds(p50)} (95 of 100 within ${seconds(p95)})`;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const megabits = (bitsPerSecond: number): string => `${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s`;
const round = (value: number): string => String(Math.round(value * 100) / 100);
