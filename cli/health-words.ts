/** A stream's health in words: one line for a terminal that is watched, and a page for one that is asked. Pure text. */
import type { StreamHealth } from "../wire/admin.ts";
import { printable } from "./printable.ts";

type Sample = StreamHealth["samples"][number];

/** One line: how the stream does now, and what is worst. */
export function healthLine(health: StreamHealth): string {
  const figures = figuresOf(health.samples.at(-1) ?? {});
  const worst = health.advice[0];
  return [health.state.padEnd(11), ...figures, ...(worst ? [`! ${worst.text}`] : [])].join("  ");
}

/** Everything that is known, a line each. */
export function healthPage(health: StreamHealth): string {
  const { id, state, source, samples, advice } = health;
  const sent = source && [sourceWords(source)];
  const now = samples.length > 0 ? [`Now      ${figuresOf(samples.at(-1) ?? {}).join("  ")}`] : [];
  const told = advice.map(({ severity, text }) => `${severity.padEnd(8)} ${text}`);
  const nothing =
    advice.length === 0 && (state === "live" || state === "starting") ? ["Nothing to complain of."] : [];
  return [`Stream   ${id}: ${state}`, ...(sent ?? []), ...now, ...told, ...nothing].join("\n");
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

const megabits = (bitsPerSecond: number): string => `${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s`;
const round = (value: number): string => String(Math.round(value * 100) / 100);
