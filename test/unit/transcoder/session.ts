/** Test support: a source made by FFmpeg, and a whole session over it: probe, plan, FFmpeg, boxes, cutter. Not a test. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planLadder } from "../../../media/ladder.ts";
import type { ProfileName } from "../../../media/profile.ts";
import { BoxReader } from "../../../transcoder/cmaf/boxes.ts";
import { type Cut, Cutter } from "../../../transcoder/cmaf/cutter.ts";
import { Backlog } from "../../../transcoder/core/backlog.ts";
import { ffmpegCommand, ffmpegVersion } from "../../../transcoder/core/ffmpeg-args.ts";
import type { MediaMessage } from "../../../transcoder/core/flv.ts";
import { FlvFeed } from "../../../transcoder/core/flv-feed.ts";
import { type ProbeState, SourceProbe } from "../../../transcoder/core/source-probe.ts";
import { Ffmpeg, type FfmpegExit, readFfmpegVersionText } from "../../../transcoder/ffmpeg.ts";
import type { SessionPlan, Source } from "../../../wire/ingest.ts";

export const FOLDER = mkdtempSync(join(tmpdir(), "millrace-cut-"));

/** The FFmpeg that tests run. */
export const VERSION = ffmpegVersion((await readFfmpegVersionText("ffmpeg")) ?? "") ?? { major: 5, minor: 1 };

/** Make an FLV file with FFmpeg and take it apart again. */
export function makeSource(name: string, args: readonly string[]): { messages: MediaMessage[] } {
  const path = join(FOLDER, `${name}.flv`);
  if (!existsSync(path))
    execFileSync("ffmpeg", ["-nostdin", "-v", "error", "-y", ...args, "-f", "flv", path]);
  return { messages: readFlv(readFileSync(path)) };
}

/** Messages of an FLV file. */
export function readFlv(file: Uint8Array): MediaMessage[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const kinds = new Map<number, MediaMessage["kind"]>([
    [8, "audio"],
    [9, "video"],
    [18, "data"],
  ]);
  const messages: MediaMessage[] = [];
  for (let at = 13; at + 11 <= file.length; ) {
    const size = view.getUint32(at) & 0xffffff;
    const timestamp = (view.getUint32(at + 4) >>> 8) + (file[at + 7] ?? 0) * 0x1000000;
    const kind = kinds.get(file[at] ?? 0);
    if (kind) messages.push({ kind, timestamp, payload: file.subarray(at + 11, at + 11 + size) });
    at += 11 + size + 4;
  }
  return messages;
}

export function probe(messages: readonly MediaMessage[]): ProbeState {
  const probe = new SourceProbe(0);
  let state = probe.check(0);
  for (const message of messages) {
    state = probe.push(message, message.timestamp);
    if (state.state !== "undecided") return state;
  }
  return state;
}

export interface Session {
  readonly source: Source;
  readonly plan: SessionPlan;
  readonly cuts: readonly Cut[];
  readonly exit: FfmpegExit;
}

/** Run messages through everything, as fast as it goes. */
export async function runSession(
  messages: readonly MediaMessage[],
  profile: ProfileName,
  allowCopy = true,
): Promise<Session> {
  const sourceProbe = new SourceProbe(0);
  const backlog = new Backlog();
  let at = 0;
  let state = sourceProbe.check(0);
  for (; at < messages.length && state.state === "undecided"; at += 1) {
    const message = messages[at];
    if (!message) break;
    state = sourceProbe.push(message, message.timestamp);
    backlog.push(message);
  }
  if (state.state !== "ready") throw new Error(`not ready: ${JSON.stringify(state)}`);
  const plan: SessionPlan = { ...planLadder(state.source, profile, undefined, allowCopy).plan, nextMsn: 7 };
  const command = ffmpegCommand(plan, VERSION);
  // As fast as it goes what is copied runs away from what is encoded, on a busy machine by any number of seconds.
  const cutter = new Cutter(plan, messages.length);
  const readers = new Map(command.outputs.map(({ track }) => [track, new BoxReader()]));
  const cuts: Cut[] = [];
  const ffmpeg = new Ffmpeg(command, {
    program: "ffmpeg",
    onChunk(track, chunk) {
      const events = readers.get(track)?.push(chunk);
      if (!events?.ok) throw new Error(JSON.stringify(events));
      for (const event of events.value) {
        const made =
          event.type === "init" ? cutter.describe(track, event.init) : cutter.push(track, event.frame);
        cuts.push(...made);
      }
    },
  });
  const feed = new FlvFeed({
    audio: state.source.audio !== undefined,
    video: state.source.video !== undefined,
  });
  await ffmpeg.write(feed.header());
  for (const message of [...backlog.drain(), ...messages.slice(at)]) {
    const fed = feed.push(message);
    if (fed.type === "break") throw new Error(JSON.stringify(fed.why));
    if (fed.type === "tag") await ffmpeg.write(fed.bytes);
  }
  const exit = await ffmpeg.end();
  cuts.push(...cutter.flush());
  return { source: state.source, plan, cuts, exit };
}
