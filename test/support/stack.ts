/**
 * The whole of Millrace for end-to-end tests and benchmarks: what `npm start` runs, on free ports and a folder of its own.
 * Ends what it started, by pid.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { familyOf, type ProcessFacts } from "./processes.ts";

const ROOT = join(import.meta.dirname, "../..");
const START_LIMIT_MS = 90_000;

/** What `npm start` writes for tools. */
export interface DevFile {
  readonly edge: string;
  readonly origin: string;
  readonly rtmp: string;
  readonly streams: readonly { readonly id: string; readonly key: string }[];
  readonly adminToken: string;
}

/** One line of the transcoder's log. */
export interface LogLine {
  readonly at: string;
  readonly event: string;
  readonly [fact: string]: unknown;
}

/** A port that nobody had a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Look again and again until there is an answer; the error says what was waited for. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  limitMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${limitMs / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Arguments of `npm start`; they may depend on the data folder. */
type StartArguments = readonly string[] | ((data: string) => readonly string[]);

export class Stack {
  readonly dev: DevFile;
  readonly data: string;
  /** Absent when somebody else started it. */
  readonly #child: ChildProcess | undefined;
  readonly #others = new Set<ChildProcess>();

  private constructor(child: ChildProcess | undefined, data: string, dev: DevFile) {
    this.#child = child;
    this.data = data;
    this.dev = dev;
  }

  /**
   * Start it; `--no-demo` unless other arguments are given. `env` is added to the environment of all its parts.
   */
  static async start(
    args: StartArguments = ["--no-demo"],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Stack> {
    const data = mkdtempSync(join(tmpdir(), "millrace-"));
    const ports = ["--port", String(await freePort()), "--rtmp-port", String(await freePort())];
    const own = typeof args === "function" ? args(data) : args;
    const child = spawn(process.execPath, ["scripts/start.ts", ...ports, "--data", data, ...own], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    }
    try {
      const dev = await until(
        "npm start to be ready",
        () => {
          if (child.exitCode !== null) throw new Error(`npm start ended: ${said}`);
          return /^Stop /m.test(said) ? readDevFile(data) : undefined;
        },
        START_LIMIT_MS,
      );
      return new Stack(child, data, dev);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  /** Use one that is running, by its folder. */
  static attach(data: string): Stack {
    const dev = readDevFile(data);
    if (!dev) throw new Error(`nothing runs in ${data}`);
    return new Stack(undefined, data, dev);
  }

  /** The processes it runs now; none for one that somebody else started. */
  processes(): readonly ProcessFacts[] {
    const pid = this.#child?.pid;
    return pid === undefined ? [] : familyOf(pid);
  }

  /** The transcoder, and the FFmpegs it runs. */
  transcoder(): { readonly node: ProcessFacts | undefined; readonly ffmpegs: readonly ProcessFacts[] } {
    const all = this.processes();
    const node = all.find(({ args }) => args.some((arg) => arg.endsWith("transcoder/main.ts")));
    return {
      node,
      ffmpegs: all.filter(({ program, parent }) => program === "ffmpeg" && parent === node?.pid),
    };
  }

  /** The workerds: the one of the Worker, and the one that `wrangler dev` puts in front of it. */
  workerds(): readonly ProcessFacts[] {
    return this.processes().filter(({ program }) => program === "workerd");
  }

  /** Fetch from origin as its operator. */
  admin(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.dev.adminToken}`, "content-type": "application/json" };
    return fetch(`${this.dev.origin}/admin${path}`, { ...init, headers });
  }

  /** Fetch from the edge. */
  get(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.dev.edge}${path}`, init);
  }

  /** Create a stream; its key comes back. */
  async createStream(id: string, settings: Record<string, unknown> = {}): Promise<string> {
    const answer = await this.admin("/streams", {
      method: "POST",
      body: JSON.stringify({ id, ...settings }),
    });
    if (answer.status !== 201) throw new Error(`creating ${id}: ${answer.status} ${await answer.text()}`);
    const { key }: { key: string } = JSON.parse(await answer.text());
    return key;
  }

  /** Broadcast the test picture to a key. */
  broadcast(key: string, args: readonly string[] = ["--size", "640x360", "--kbps", "800"]): ChildProcess {
    return this.run(process.execPath, ["demo/broadcast.ts", "--url", `${this.dev.rtmp}/${key}`, ...args]);
  }

  /** Run FFmpeg. */
  ffmpeg(args: readonly string[]): ChildProcess {
    return this.run("ffmpeg", ["-hide_banner", "-nostdin", "-loglevel", "error", ...args]);
  }

  /** Run a program that ends with this stack at the latest. */
  run(program: string, args: readonly string[]): ChildProcess {
    const child = spawn(program, args, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
    this.#others.add(child);
    child.once("close", () => this.#others.delete(child));
    return child;
  }

  /** What the transcoder has logged so far, lines that are not JSON left out. */
  transcoderLog(): readonly LogLine[] {
    const text = readFileSync(join(this.data, "logs/transcoder.log"), "utf8");
    return text.split("\n").flatMap((line) => {
      try {
        return [JSON.parse(line) as LogLine];
      } catch {
        return [];
      }
    });
  }

  /** Wait for a line of the transcoder's log. */
  logged(event: string, fits: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    return until(`the log to say "${event}"`, () =>
      this.transcoderLog().find((line) => line.event === event && fits(line)),
    );
  }

  /** Wait until a stream is in a state. */
  async state(stream: string, wanted: string): Promise<void> {
    await until(`${stream} to be ${wanted}`, async () => {
      const { state }: { state?: string } = JSON.parse(
        await (await this.get(`/api/streams/${stream}`)).text(),
      );
      return state === wanted ? true : undefined;
    });
  }

  /** End what was run here, and the stack itself if it was started here; resolves when it has ended. */
  async stop(): Promise<void> {
    await Promise.all([...this.#others].map(endChild));
    if (!this.#child) return;
    await endChild(this.#child);
    rmSync(this.data, { recursive: true, force: true });
  }
}

/** Ask a child to end, and wait for it. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await closed;
  clearTimeout(timer);
}

function readDevFile(data: string): DevFile | undefined {
  try {
    return JSON.parse(readFileSync(join(data, "dev.json"), "utf8")) as DevFile;
  } catch {
    return undefined;
  }
}
