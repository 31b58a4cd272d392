/**
 * An event of the log as one line for a person at a terminal: time, gravity, stream, words. Words only; which events are shown
 * is decided elsewhere, and machines read the JSON form.
 */
import type { LogEvent } from "./log.ts";
import { factAt, type LogLevel, levelOf, reasonOf } from "./log-level.ts";
import { bitrateWords, bytesWords, isNumber, ratioWords, roundWords, secondsWords } from "./log-words.ts";

const MARKS: Record<LogLevel, string> = { info: " ", warning: "!", error: "X" };
const STREAM_LETTERS = 16;
/** FFmpeg's last words may be many lines; the JSON form has them all. */
const MAX_TEXT_LETTERS = 400;

/** One line, without its end. `leftOut` like events went unseen before it. */
export function formatHuman(event: LogEvent, at: Date, leftOut = 0): string {
  const stream = printable(String(event.stream ?? "-"));
  const say = Object.hasOwn(WORDS, event.event) ? WORDS[event.event] : undefined;
  const words = printable(say ? say(event) : plainWords(event));
  const text = words.length > MAX_TEXT_LETTERS ? `${words.slice(0, MAX_TEXT_LETTERS)}…` : words;
  const more = leftOut > 0 ? ` (${leftOut} more before it)` : "";
  const short = stream.length > STREAM_LETTERS ? `${stream.slice(0, STREAM_LETTERS - 1)}…` : stream;
  return `${timeOfDay(at)} ${MARKS[levelOf(event)]} ${short.padEnd(STREAM_LETTERS)}  ${text}${more}`;
}

/** What the common events say. */
const WORDS: Readonly<Record<string, (event: LogEvent) => string>> = {
  listening: (event) =>
    `ready for encoders on port ${event.rtmpPort}; origin ${event.origin}; FFmpeg ${factAt(event, ["ffmpeg", "major"])}.${factAt(event, ["ffmpeg", "minor"])}`,
  stopping: ({ signal, encoders }) => `stopping on ${signal}, ending ${encoders} encoder(s)`,
  "stopping-late": ({ encoders }) => `${encoders} encoder(s) have not ended in time, and are left`,
  stopped: () => "stopped",
  registered: ({ id }) => `registered at origin as ${id}`,
  unregistered: ({ id, reason, detail }) => `not registered at origin as ${id}: ${reason}, ${detail}`,
  "drain-begun": ({ sessions }) =>
    `origin wants this host drained: no new encoders, ${sessions} session(s) left`,
  "drain-ended": () => "no longer drained: encoders are taken again",
  "tls-certificate": ({ names, validUntil }) => `certificate of ${names}, valid until ${validUntil}`,
  "tls-certificate-refused": ({ error }) => `the new certificate is no good, the old one stays: ${error}`,
  "tls-handshake-failed": ({ remoteAddress, error }) => `TLS with ${remoteAddress} failed: ${error}`,
  "publish-accepted": ({ remoteAddress, encoder }) =>
    `encoder at ${remoteAddress} may publish${encoder ? ` (${encoder})` : ""}`,
  "publish-refused": ({ remoteAddress, reason, detail }) =>
    `encoder at ${remoteAddress} refused: ${reason}${detail ? `, ${detail}` : ""}`,
  "standby-accepted": ({ remoteAddress, encoder }) =>
    `encoder at ${remoteAddress} stands by${encoder ? ` (${encoder})` : ""}`,
  "warming-up": () => "FFmpeg runs for the encoder that stands by",
  "standby-takes-over": ({ session, warm }) =>
    `the encoder that stood by takes over as ${session}${warm ? ", warm" : ""}`,
  "standby-gone": () => "the encoder that stood by has gone",
  "session-started": (event) => `session started: ${sourceWords(event)} -> ${planWords(event)}`,
  published: publishedWords,
  input: inputWords,
  "too-slow": ({ speed, leavesOut }) =>
    `FFmpeg is slower than live${isNumber(speed) ? ` (${ratioWords(speed)})` : ""}${leavesOut ? `: ${leavesOut} is left out from now on` : ", and there is nothing to leave out"}`,
  spool: ({ bytes, segments, waiting }) =>
    `${segments} segment(s) on disk (${bytesWords(bytes)}), ${waiting} of them late`,
  "spool-handed-over": ({ session, msn, waitedMs }) =>
    `handed over ${msn === undefined ? "the description" : `segment ${msn}`} of ${session}, late by ${secondsWords(Number(waitedMs) / 1000)}`,
  "spool-checked": ({ session, missing, again }) =>
    `origin misses ${missing} segment(s) of ${session}; ${again} are sent again`,
  "spool-dropped": ({ session, msn, bytes }) =>
    `the spool is full: segment ${msn} of ${session} (${bytesWords(bytes)}) is lost`,
  "spool-refused": ({ session, msn, problem }) =>
    `origin does not take late segment ${msn} of ${session}: ${problem}`,
  "spool-failed": ({ session, error }) => `the disk did not take a segment of ${session}: ${error}`,
  "spool-unreadable": ({ session, item }) => `${item} of ${session} could not be read from disk`,
  retry: ({ path, name, attempt }) => `origin: try ${attempt} of ${path} failed (${name}), trying again`,
  "source-changed": (event) => `the source changed (${reasonOf(event)}): a new session follows`,
  "source-refused": (event) => `the source cannot be shown: ${reasonOf(event)}`,
  "session-trouble": (event) => `session in trouble: ${troubleWords(event)}`,
  "ffmpeg-exit": (event) => `FFmpeg ${event.how}: ${lastLine(event.stderr)}`,
  "tracks-missing": ({ tracks }) => `FFmpeg made no ${Array.isArray(tracks) ? tracks.join(", ") : tracks}`,
  "encoder-gone": (event) => `encoder gone: ${reasonOf(event)}`,
  "encoder-dropped": ({ code, description }) => `encoder dropped: ${description} (${code})`,
  "encoder-failed": ({ error }) => `this transcoder failed its encoder: ${String(error).split("\n")[0]}`,
  "session-ended": ({ scope, refused }) =>
    `${scope === "broadcast" ? "broadcast" : "session"} ended${refused ? `, but origin says ${refused}` : ""}`,
  "rtmp-connected": ({ connection, remoteAddress }) => `connection ${connection} from ${remoteAddress}`,
  "rtmp-listening": ({ port, tls }) => `port ${port} is open${tls ? " for RTMPS" : ""}`,
  "rtmp-server-error": ({ error }) => `the RTMP server: ${error}`,
  "rtmp-publish": ({ connection, app, flashVer }) =>
    `connection ${connection} asks to publish to ${app}${flashVer ? ` (${flashVer})` : ""}`,
  "rtmp-accepted": ({ connection }) => `connection ${connection} publishes`,
  "rtmp-closed": (event) =>
    `connection ${event.connection} closed: ${reasonOf(event)}, ${bytesWords(event.receivedBytes)} received`,
  "rtmp-turned-away": ({ remoteAddress, limit }) =>
    `connection from ${remoteAddress} turned away: limit of ${limit}`,
};

function publishedWords({ type, msn, lastPart, duration, waitedMs, tracks, late }: LogEvent): string {
  const sizes = entriesOf(tracks).map(([name, bytes]) => `${name} ${bytesWords(bytes)}`);
  const part = type === "part" && lastPart !== undefined ? `.${lastPart}` : "";
  const what = `published ${type} ${msn}${part}, ${secondsWords(duration)}`;
  const gaps = late === undefined ? [] : [`${late} object(s) too late, shown as gaps`];
  return [what, `${roundWords(waitedMs, 0)} ms after its cut`, ...gaps, ...sizes].join(", ");
}

function inputWords(event: LogEvent): string {
  const { inputBitrate, inputFrameRate, keyframeSeconds, encodeSpeed, waitingBytes, queuedBytes } = event;
  return [
    ...(isNumber(inputBitrate) ? [`in ${bitrateWords(inputBitrate)}`] : []),
    ...(isNumber(inputFrameRate) ? [`${roundWords(inputFrameRate, 1)} frames/s`] : []),
    ...(isNumber(keyframeSeconds) ? [`keyframes every ${secondsWords(keyframeSeconds)}`] : []),
    ...(isNumber(encodeSpeed) ? [`encoded at ${ratioWords(encodeSpeed)}`] : []),
    ...(isNumber(waitingBytes) ? [`${bytesWords(waitingBytes)} wait for origin`] : []),
    ...(isNumber(queuedBytes) && queuedBytes > 0 ? [`${bytesWords(queuedBytes)} wait for FFmpeg`] : []),
  ].join(", ");
}

function troubleWords(event: LogEvent): string {
  const detail = factAt(event, ["refusal", "detail"]) ?? event.detail;
  const stderr = factAt(event, ["exit", "stderr"]);
  const what = event.reason === reasonOf(event) ? event.reason : `${event.reason}, ${reasonOf(event)}`;
  return [what, ...(detail ? [detail] : []), ...(stderr ? [lastLine(stderr)] : [])].join(": ");
}

function sourceWords(event: LogEvent): string {
  const video = (name: string) => factAt(event, ["source", "video", name]);
  const audio = (name: string) => factAt(event, ["source", "audio", name]);
  const gop = video("keyframeSeconds");
  const picture = [
    `${video("codec")} ${video("width")}x${video("height")}`,
    `${roundWords(video("frameRate"), 2)} frames/s`,
    bitrateWords(video("bitrate")),
    ...(isNumber(gop) ? [`keyframes every ${secondsWords(gop)}`] : []),
  ].join(" ");
  const sound = `${audio("codec")} ${audio("sampleRate")} Hz`;
  return [
    ...(video("codec") === undefined ? [] : [picture]),
    ...(audio("codec") === undefined ? [] : [sound]),
  ].join(", ");
}

function planWords(event: LogEvent): string {
  const renditions = factAt(event, ["plan", "renditions"]);
  if (!Array.isArray(renditions)) return "nothing";
  return renditions
    .map((rendition: unknown) => new Map(entriesOf(rendition)))
    .map((rendition) => `${rendition.get("name")}${rendition.get("mode") === "copy" ? " (copy)" : ""}`)
    .join(", ");
}

/** An event that has no words of its own: its name and its facts. */
function plainWords(event: LogEvent): string {
  const facts = entriesOf(event).filter(([name]) => !["event", "stream", "level"].includes(name));
  const say = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  return [event.event, ...facts.map(([name, value]) => `${name}=${say(value)}`)].join(" ");
}

const entriesOf = (value: unknown): readonly [string, unknown][] =>
  typeof value === "object" && value !== null ? Object.entries(value) : [];

const lastLine = (text: unknown): string =>
  String(text ?? "")
    .trim()
    .split("\n")
    .at(-1) ?? "";

/** What encoders say about themselves may hold escape sequences: a terminal must not obey them. */
const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ");

function timeOfDay(at: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
