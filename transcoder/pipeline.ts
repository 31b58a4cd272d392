/** FFmpeg and what reads its outputs: FLV in, the frames of every track out. What becomes of frames is decided by whoever listens. */
import type { SessionPlan } from "../wire/ingest.ts";
import { type BoxEvent, BoxReader } from "./cmaf/boxes.ts";
import { type FfmpegVersion, ffmpegCommand } from "./core/ffmpeg-args.ts";
import { Ffmpeg, type FfmpegExit } from "./ffmpeg.ts";

/** The FFmpeg that sessions run. */
export interface FfmpegProgram {
  readonly program: string;
  readonly version: FfmpegVersion;
}

/** Why nothing more will come out. */
export type PipelineTrouble =
  | { readonly reason: "ffmpeg"; readonly exit: FfmpegExit }
  | { readonly reason: "output"; readonly track: string; readonly detail: string };

/** Who hears what comes out. */
export interface PipelineListener {
  readonly onEvent: (track: string, event: BoxEvent) => void;
  /** Told once; no event follows. */
  readonly onTrouble: (trouble: PipelineTrouble) => void;
}

export class Pipeline {
  readonly #ffmpeg: Ffmpeg;
  readonly #readers: ReadonlyMap<string, BoxReader>;
  #listener: PipelineListener;
  #isOver = false;
  #ending = false;

  constructor(plan: SessionPlan, { program, version }: FfmpegProgram, listener: PipelineListener) {
    this.#listener = listener;
    const command = ffmpegCommand(plan, version);
    this.#readers = new Map(command.outputs.map(({ track }) => [track, new BoxReader()]));
    this.#ffmpeg = new Ffmpeg(command, { program, onChunk: (track, chunk) => this.#read(track, chunk) });
    void this.#ffmpeg.exited.then((exit) => {
      if (!this.#ending) this.#trouble({ reason: "ffmpeg", exit });
    });
  }

  /** Input that FFmpeg has not taken yet. */
  get queuedBytes(): number {
    return this.#ffmpeg.queuedBytes;
  }

  /** From now on somebody else listens. */
  handOver(listener: PipelineListener): void {
    this.#listener = listener;
  }

  /** Feed FLV; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#ffmpeg.write(bytes);
  }

  /** No more input: let FFmpeg write what it still holds. */
  end(): Promise<FfmpegExit> {
    this.#ending = true;
    return this.#ffmpeg.end();
  }

  /** End it at once; nothing comes out any more. */
  kill(): void {
    this.#ending = true;
    this.#isOver = true;
    this.#ffmpeg.kill();
  }

  #read(track: string, chunk: Uint8Array): void {
    if (this.#isOver) return;
    const read = this.#readers.get(track)?.push(chunk);
    if (read === undefined) return;
    if (!read.ok) {
      this.#trouble({ reason: "output", track, detail: `${read.error.reason}: ${read.error.box}` });
      return;
    }
    for (const event of read.value) this.#listener.onEvent(track, event);
  }

  #trouble(trouble: PipelineTrouble): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.onTrouble(trouble);
  }
}
