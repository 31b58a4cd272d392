/**
 * An encoder for tests, over a real socket: tags that FFmpeg made, sent as RTMP at the pace of the clock, with whatever is to
 * be wrong with them. The edits are pure; only `RtmpPush` does anything.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { amf0Object } from "../../transcoder/rtmp/amf0.ts";
import { C2, CONNECT_OBJECT, CREATE_STREAM, command, HELLO, message } from "../unit/rtmp/encoder.ts";
import { readFlv } from "../unit/transcoder/session.ts";

/** One FLV tag, and when it is sent: milliseconds from the start of the push. */
export interface TimedTag {
  readonly kind: "audio" | "video" | "data";
  readonly dueMs: number;
  /** Goes into 32 bits as it is sent. */
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

const TYPES = { audio: 8, video: 9, data: 18 } as const;
const CHUNK_STREAMS = { audio: 4, video: 6, data: 5 } as const;
const CHUNK_BYTES = 4096;
const UINT24 = 2 ** 24;
const UINT32 = 2 ** 32;
const made = new Map<string, readonly TimedTag[]>();

/** A picture that moves and a tone, as an encoder would send them; made once for the same words. */
export function clip({ seconds = 10, size = "320x180", rate = 25 } = {}): readonly TimedTag[] {
  // A keyframe a second: the source is known the sooner.
  const gop = String(rate);
  return recorded([
    ...["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${rate}`],
    ...["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", String(seconds)],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"],
    ...["-b:v", "300k", "-g", gop, "-keyint_min", gop, "-sc_threshold", "0"],
    ...["-c:a", "aac", "-b:a", "64k"],
  ]);
}

/** Whatever FFmpeg makes of these arguments. */
export function recorded(args: readonly string[]): readonly TimedTag[] {
  const key = args.join(" ");
  const known = made.get(key);
  if (known) return known;
  const folder = mkdtempSync(join(tmpdir(), "millrace-push-"));
  try {
    const path = join(folder, "clip.flv");
    execFileSync("ffmpeg", ["-nostdin", "-v", "error", ...args, "-f", "flv", path]);
    const tags = readFlv(readFileSync(path)).map((tag) => ({ ...tag, dueMs: tag.timestamp }));
    made.set(key, tags);
    return tags;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const isConfig = ({ kind, payload }: TimedTag): boolean => kind !== "data" && payload[1] === 0;

/** The encoder's clock shows something else from a moment on. */
export const jump = (tags: readonly TimedTag[], fromMs: number, byMs: number): TimedTag[] =>
  tags.map((tag) => (tag.dueMs < fromMs ? tag : { ...tag, timestamp: tag.timestamp + byMs }));

/** The encoder's clock shows this at the start, and counts to 2^`bits`. */
export const beginAt = (tags: readonly TimedTag[], startMs: number, bits: 24 | 32): TimedTag[] =>
  tags.map((tag) => ({ ...tag, timestamp: (tag.timestamp + startMs) % (bits === 24 ? UINT24 : UINT32) }));

/** One track sends nothing for a while. Its configuration has gone out unless it is left out by name. */
export const without = (
  tags: readonly TimedTag[],
  kind: "audio" | "video",
  fromMs: number,
  toMs = Number.POSITIVE_INFINITY,
  { config = false } = {},
): TimedTag[] => {
  const isLeftOut = (tag: TimedTag) =>
    tag.kind === kind && tag.dueMs >= fromMs && tag.dueMs < toMs && (config || !isConfig(tag));
  if (!config) return tags.filter((tag) => !isLeftOut(tag));
  // The configuration comes with the first frame that does.
  const late = tags.filter((tag) => isLeftOut(tag) && isConfig(tag));
  const kept = tags.filter((tag) => !isLeftOut(tag));
  const at = kept.findIndex((tag) => tag.kind === kind);
  const moved = late.map((tag) => ({ ...tag, dueMs: toMs, timestamp: toMs }));
  return at === -1 ? kept : kept.toSpliced(at, 0, ...moved);
};

/** Nothing gets through for a while; then everything does at once. */
export const stall = (tags: readonly TimedTag[], fromMs: number, forMs: number): TimedTag[] =>
  tags.map((tag) =>
    tag.dueMs >= fromMs && tag.dueMs < fromMs + forMs ? { ...tag, dueMs: fromMs + forMs } : tag,
  );

/** Another recording from a moment on, its clock going on where the first one's was. */
export const followedBy = (
  first: readonly TimedTag[],
  atMs: number,
  second: readonly TimedTag[],
): TimedTag[] => [
  ...first.filter(({ dueMs }) => dueMs < atMs),
  ...second.map((tag) => ({ ...tag, dueMs: tag.dueMs + atMs, timestamp: tag.timestamp + atMs })),
];

/** One connection that publishes. */
export class RtmpPush {
  readonly #socket: Socket;
  #over = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.once("close", () => {
      this.#over = true;
    });
  }

  /** Connect and publish; the answer is the server's status code. `url` is `rtmp://host:port/app`. */
  static async open(url: string, key: string): Promise<{ push: RtmpPush; code: string }> {
    const { hostname, port, pathname } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const push = new RtmpPush(socket);
    const code = new Promise<string>((resolve) => {
      let said = "";
      socket.on("data", (bytes: Buffer) => {
        said = (said + bytes.toString("latin1")).slice(-4096);
        const [, found] = /(NetStream\.Publish\.\w+)/.exec(said) ?? [];
        if (found !== undefined) resolve(found);
      });
      socket.once("close", () => resolve("closed"));
    });
    const app = { ...CONNECT_OBJECT, app: pathname.slice(1), tcUrl: url };
    socket.write(HELLO);
    socket.write(C2);
    socket.write(command(["connect", 1, amf0Object(app)]));
    socket.write(CREATE_STREAM);
    socket.write(command(["publish", 5, null, key, "live"], 1));
    socket.write(message(1, 0, Uint8Array.of(0, 0, CHUNK_BYTES >> 8, CHUNK_BYTES & 255), { csid: 2 }));
    return { push, code: await code };
  }

  /** Send tags when they are due, `factor` times as fast as the clock; resolves with the last, or when the connection is over. */
  async send(tags: readonly TimedTag[], { factor = 1 } = {}): Promise<void> {
    const startedAt = performance.now();
    for (const tag of tags) {
      const waitMs = tag.dueMs / factor - (performance.now() - startedAt);
      if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (this.#over) return;
      if (!this.#socket.write(encode(tag))) await this.#room();
    }
  }

  /** Cut the line, as a network does. */
  drop(): void {
    this.#socket.destroy();
  }

  get over(): boolean {
    return this.#over;
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off("drain", done).off("close", done);
        resolve();
      };
      this.#socket.on("drain", done).on("close", done);
    });
  }
}

/** A type 0 chunk and as many of type 3 as it takes, extended timestamps repeated in each (RTMP 1.0, 5.3.1.3). */
function encode({ kind, timestamp, payload }: TimedTag): Buffer {
  const time = timestamp % UINT32;
  const isExtended = time >= 0xffffff;
  const extended = Buffer.alloc(isExtended ? 4 : 0);
  if (isExtended) extended.writeUInt32BE(time);
  const header = Buffer.alloc(12);
  header[0] = CHUNK_STREAMS[kind];
  header.writeUIntBE(Math.min(time, 0xffffff), 1, 3);
  header.writeUIntBE(payload.length, 4, 3);
  header[7] = TYPES[kind];
  header.writeUInt32LE(1, 8);
  const pieces = [header, extended, payload.subarray(0, CHUNK_BYTES)];
  for (let at = CHUNK_BYTES; at < payload.length; at += CHUNK_BYTES)
    pieces.push(Buffer.of(0xc0 | CHUNK_STREAMS[kind]), extended, payload.subarray(at, at + CHUNK_BYTES));
  return Buffer.concat(pieces);
}
