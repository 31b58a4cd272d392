/**
 * One FFmpeg process: FLV into its stdin, one mp4 track out of each pipe. Starts it, feeds it, reads it, ends it.
 * What goes in and what is made of what comes out is decided elsewhere.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { Readable, type Writable } from "node:stream";
import type { FfmpegCommand } from "./core/ffmpeg-args.ts";

/** How a process ended. */
export interface FfmpegExit {
  /** `ended`: it was asked to and did; `failed`: by itself; `killed`: it had to be. */
  readonly how: "ended" | "failed" | "killed";
  readonly code: number | undefined;
  /** The last lines it wrote. */
  readonly stderr: string;
}

export interface FfmpegOptions {
  /** Path of the program. */
  readonly program: string;
  readonly onChunk: (track: string, chunk: Uint8Array) => void;
  /** How long it may take to finish after its input ended. */
  readonly endTimeoutMs?: number;
}

const END_TIMEOUT_MS = 5000;
const STDERR_TAIL_LETTERS = 8192;
/** Input that FFmpeg does not take is held up to here; a writer that does not wait for `write` meets this end. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

export class Ffmpeg {
  /** Resolves when the process is gone and everything it wrote was handed over. Never rejects. */
  readonly exited: Promise<FfmpegExit>;
  readonly #child: ChildProcess;
  readonly #endTimeoutMs: number;
  #room: Promise<void> | undefined;
  #stderr = "";
  #ending = false;
  #killed = false;
  #gone = false;

  constructor(command: FfmpegCommand, options: FfmpegOptions) {
    this.#endTimeoutMs = options.endTimeoutMs ?? END_TIMEOUT_MS;
    const pipes = command.outputs.map(() => "pipe" as const);
    this.#child = spawn(options.program, command.args, {
      stdio: ["pipe", "ignore", "pipe", ...pipes],
      env: { PATH: process.env.PATH ?? "" },
    });
    // A pipe that breaks is how the end of the process looks from here; `exited` tells about that.
    this.#child.stdin?.on("error", () => {});
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL_LETTERS);
    });
    for (const { fd, track } of command.outputs) {
      const pipe = this.#child.stdio[fd];
      if (!(pipe instanceof Readable)) continue;
      pipe.on("error", () => {});
      pipe.on("data", (chunk: Uint8Array) => options.onChunk(track, chunk));
    }
    this.exited = this.#watch();
  }

  /** Bytes written that FFmpeg has not taken yet. */
  get queuedBytes(): number {
    return this.#child.stdin?.writableLength ?? 0;
  }

  /** Feed it; resolves when there is room for more. What is written after its end goes nowhere. */
  async write(bytes: Uint8Array): Promise<void> {
    const { stdin } = this.#child;
    if (this.#gone || this.#ending || !stdin || stdin.destroyed) return;
    if (stdin.write(bytes)) return;
    if (this.queuedBytes > MAX_QUEUED_BYTES) return this.kill();
    this.#room ??= roomIn(stdin).finally(() => {
      this.#room = undefined;
    });
    return this.#room;
  }

  /** End its input, so that it writes what it still holds; kill it when that takes too long. */
  async end(): Promise<FfmpegExit> {
    this.#ending = true;
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.kill(), this.#endTimeoutMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  /** End it at once. */
  kill(): void {
    if (this.#gone) return;
    this.#killed = true;
    this.#child.kill("SIGKILL");
  }

  #watch(): Promise<FfmpegExit> {
    return new Promise((resolve) => {
      const gone = (code: number | undefined, words = "") => {
        this.#gone = true;
        const how = this.#killed ? "killed" : this.#ending && code === 0 ? "ended" : "failed";
        resolve({ how, code, stderr: this.#stderr + words });
      };
      // No such program: there is an error and, depending on when, no `close`.
      this.#child.once("error", (error) => gone(undefined, error.message));
      this.#child.once("close", (code) => gone(code ?? undefined));
    });
  }
}

/** Resolves when a pipe takes more again, or never will. */
function roomIn(pipe: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      pipe.off("drain", done).off("close", done);
      resolve();
    };
    pipe.on("drain", done).on("close", done);
  });
}

/** What `<program> -version` says, or `undefined` when it cannot be run. */
export function readFfmpegVersionText(program: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, ["-version"], { stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      if (text.length < STDERR_TAIL_LETTERS) text += chunk;
    });
    child.once("error", () => resolve(undefined));
    child.once("close", (code) => resolve(code === 0 ? text : undefined));
  });
}
