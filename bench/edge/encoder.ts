/** A transcoder that encodes nothing: it pushes made-up media in real time through the ingest API of a Worker. */
import { setTimeout } from "node:timers/promises";
import type { Entry, Tracks } from "../../media/timeline.ts";
import type { SessionGrant, SessionPlan, Source } from "../../wire/ingest.ts";
import { type Ask, Client } from "./client.ts";
import { createStream, json } from "./operator.ts";

/** One rung: of a source this small the ladder makes no other. */
const SOURCE: Source = {
  video: {
    codec: "h264",
    width: 640,
    height: 360,
    frameRate: 30,
    variableFrameRate: false,
    bitrate: 1_500_000,
    keyframeSeconds: 2,
    regularKeyframes: true,
    closedGops: true,
  },
  audio: { codec: "aac", sampleRate: 48_000, channels: 2, bitrate: 128_000 },
};
const PART_SECONDS = 0.5;
const PARTS = 4;
/** A Worker that is away is asked again this often, for so long. */
const RETRY_MS = 100;
const PATIENCE_MS = 60_000;
const INIT_BYTES = 900;
const BYTES_A_SECOND = { video: 187_500, audio: 16_000 };

/** Milliseconds since 1970 with fractions: the clock that processes of one machine share. */
export const sharedNow = (): number => performance.timeOrigin + performance.now();

/** A part's name in the figures. */
export const partKey = (msn: number, part: number): string => `${msn}.${part}`;

/** How every object begins: a viewer knows by it that it got what it asked for. */
export const markOf = (rendition: string, file: string): string => `${rendition}/${file};`;

/** A broadcast that goes on until it is stopped. */
export class LiveEncoder {
  /** When each part was published: its timeline entry was about to be sent. */
  readonly publishedAt = new Map<string, number>();
  /** Parts that were published later than the next one was due. */
  late = 0;
  readonly #client: Client;
  readonly #grant: SessionGrant;
  readonly #plan: SessionPlan;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  private constructor(client: Client, grant: SessionGrant, plan: SessionPlan) {
    this.#client = client;
    this.#grant = grant;
    this.#plan = plan;
  }

  /** Create the stream and go live on it; resolves when the first segments are out. */
  static async start(base: string, stream: string): Promise<LiveEncoder> {
    const client = new Client(base, 8);
    const key = await createStream(base, stream);
    const opened = await client.text("/_origin/ingest/sessions", json({ key, source: SOURCE }));
    if (opened.status !== 201) throw new Error(`opening a session: ${opened.status} ${opened.head}`);
    const grant: SessionGrant = JSON.parse(opened.head);
    if (!grant.plan) throw new Error("a grant for a described source has a plan");
    const encoder = new LiveEncoder(client, grant, grant.plan);
    await encoder.#begin();
    return encoder;
  }

  /** Where the part is that is published `parts` after the newest one. */
  ahead(parts: number): { readonly msn: number; readonly part: number } {
    const index = this.publishedAt.size - 1 + parts;
    return { msn: this.#plan.nextMsn + Math.floor(index / PARTS), part: index % PARTS };
  }

  /** End the broadcast. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    await this.#send(`/ingest/${this.#grant.session}?end=broadcast`, { method: "DELETE" });
    this.#client.close();
  }

  async #begin(): Promise<void> {
    const renditions = this.#plan.renditions.map(({ name, ...planned }) => ({
      name,
      kind: planned.kind,
      codecs: planned.kind === "video" ? "avc1.64001f" : "mp4a.40.2",
      bitrate: planned.bitrate,
      ...(planned.kind === "video"
        ? { width: planned.width, height: planned.height, frameRate: 30 }
        : { channels: planned.channels }),
    }));
    await this.#putAll("init.mp4", () => INIT_BYTES);
    await this.#append([{ type: "init", renditions }]);
    const first = Promise.withResolvers<void>();
    this.#running = this.#run(2, first.resolve);
    this.#running.catch(first.reject);
    await first.promise;
  }

  /** Segment after segment at the pace of the clock; tells when `ready` segments are out. */
  async #run(ready: number, tell: () => void): Promise<void> {
    const began = sharedNow();
    for (let index = 0; !this.#isStopped; index += 1) {
      const dueAt = began + (index + 1) * PART_SECONDS * 1000;
      await setTimeout(Math.max(0, dueAt - sharedNow()));
      const [msn, part] = [this.#plan.nextMsn + Math.floor(index / PARTS), index % PARTS];
      await this.#publish(msn, part, dueAt - PART_SECONDS * 1000);
      if (sharedNow() > dueAt + PART_SECONDS * 1000) this.late += 1;
      if (index + 1 === ready * PARTS) tell();
    }
  }

  /** The last part of a segment goes with the segment, as the transcoder's does. */
  async #publish(msn: number, part: number, at: number): Promise<void> {
    const isLast = part === PARTS - 1;
    const [partFile, segmentFile] = [`part-${msn}.${part}.m4s`, `seg-${msn}.m4s`];
    const [duration, whole] = [PART_SECONDS, PART_SECONDS * PARTS];
    await Promise.all([
      this.#putAll(partFile, (kind) => BYTES_A_SECOND[kind] * duration),
      isLast && this.#putAll(segmentFile, (kind) => BYTES_A_SECOND[kind] * whole),
    ]);
    const entries: Entry[] = [
      { type: "part", msn, part, at, duration, tracks: this.#tracks(duration, part === 0) },
    ];
    const from = at - part * PART_SECONDS * 1000;
    if (isLast)
      entries.push({ type: "segment", msn, at: from, duration: whole, tracks: this.#tracks(whole, true) });
    this.publishedAt.set(partKey(msn, part), sharedNow());
    await this.#append(entries);
  }

  #tracks(seconds: number, isKeyframe: boolean): Tracks {
    return Object.fromEntries(
      this.#plan.renditions.map(({ name, kind }) => [
        name,
        { bytes: BYTES_A_SECOND[kind] * seconds, independent: kind === "audio" || isKeyframe },
      ]),
    );
  }

  async #putAll(file: string, bytes: (kind: "video" | "audio") => number): Promise<void> {
    await Promise.all(
      this.#plan.renditions.map(({ name, kind }) => {
        const body = Buffer.alloc(bytes(kind));
        body.write(markOf(name, file));
        const type = file === "init.mp4" ? "video/mp4" : "video/iso.segment";
        return this.#send(`/ingest/${this.#grant.session}/objects/${name}/${file}`, {
          method: "PUT",
          body,
          headers: { "content-type": type },
        });
      }),
    );
  }

  async #append(entries: readonly Entry[]): Promise<void> {
    await this.#send(`/ingest/${this.#grant.session}/timeline`, json({ entries }));
  }

  /** Ask until there is an answer: whatever a transcoder says may be repeated without harm. */
  async #send(path: string, ask: Ask): Promise<void> {
    const headers = { authorization: `Bearer ${this.#grant.lease}`, ...ask.headers };
    const until = sharedNow() + PATIENCE_MS;
    for (;;) {
      const got = await this.#client
        .ask(`/_origin${path}`, { ...ask, headers, keep: 500 })
        .catch(() => undefined);
      if (got && got.status < 300) return;
      const isGone = got === undefined || got.status >= 500;
      if (!isGone || this.#isStopped || sharedNow() > until)
        throw new Error(`${path}: ${got ? `${got.status} ${got.head}` : "no answer"}`);
      await setTimeout(RETRY_MS);
    }
  }
}
