/** A transcoder in a few lines: it opens sessions and pushes made-up media through the real ingest API. */
import { createExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import type { Entry, RenditionFacts, Tracks } from "../../media/timeline.ts";
import type { SessionGrant, SessionPlan, Source } from "../../wire/ingest.ts";
import type { Signed } from "../../wire/watch-token.ts";
import { edgeApp } from "../../workers/edge/app.ts";
import { forgetGenerations } from "../../workers/edge/generations.ts";
import type { EdgeEnv } from "../../workers/env.ts";

export const ADMIN = { authorization: "Bearer test-admin-token" };
const BASE = "http://millrace.test";

/** Fetch from the bare Worker. */
export const get = (path: string, init?: RequestInit): Promise<Response> =>
  exports.default.fetch(new Request(`${BASE}${path}`, init));

/** Numbers of purges that no other test has. */
let purges = 1e14;

/**
 * Ask the edge for what is true now: an edge that has just heard that everything was purged. For tests of what stands behind
 * the cache; the cache has tests of its own.
 */
export async function fresh(path: string, init?: RequestInit): Promise<Response> {
  purges += 1;
  const everything = ["/", { number: purges, soft: false, before: 0 }];
  const purged = { generations: async () => ({ newest: 0, whole: true, changes: [everything] }) };
  // What it hears is shared with other isolates of the location.
  const shared = "https://cache.millrace.invalid/generations?since=0";
  forgetGenerations();
  await caches.default.delete(shared);
  try {
    return await edgeApp.fetch(
      new Request(`${BASE}${path}`, init),
      { ...env, PURGES: { getByName: () => purged } as unknown as EdgeEnv["PURGES"] },
      createExecutionContext(),
    );
  } finally {
    await caches.default.delete(shared);
    forgetGenerations();
  }
}

/** Fetch from origin. */
export const origin = (path: string, init?: RequestInit): Promise<Response> => get(`/_origin${path}`, init);

/** Text of an answer whose type is not text's. */
export const textOf = async (answer: Response | Promise<Response>): Promise<string> =>
  new TextDecoder().decode(await (await answer).arrayBuffer());

/** Send JSON. */
export const json = (method: string, body: unknown, headers: Record<string, string> = {}): RequestInit => {
  const text = JSON.stringify(body);
  return {
    method,
    body: text,
    headers: { "content-type": "application/json", "content-length": String(text.length), ...headers },
  };
};

/** Create a stream; its key comes back. */
export async function createStream(id: string, settings: Record<string, unknown> = {}): Promise<string> {
  const answer = await origin("/admin/streams", json("POST", { id, ...settings }, ADMIN));
  if (answer.status !== 201) throw new Error(`creating ${id}: ${answer.status} ${await answer.text()}`);
  return (await answer.json<{ key: string }>()).key;
}

/** A token for a stream. */
export async function sign(stream: string, wish: Record<string, unknown> = {}): Promise<string> {
  const answer = await origin(`/admin/streams/${stream}/sign`, json("POST", wish, ADMIN));
  return (await answer.json<Signed>()).token;
}

/** 720p30 with a keyframe every two seconds, and stereo. */
export const SOURCE: Source = {
  video: {
    codec: "h264",
    width: 1280,
    height: 720,
    frameRate: 30,
    variableFrameRate: false,
    bitrate: 3_000_000,
    keyframeSeconds: 2,
    regularKeyframes: true,
    closedGops: true,
  },
  audio: { codec: "aac", sampleRate: 48_000, channels: 2, bitrate: 128_000 },
};

/** The bytes that this encoder publishes as an object: different for each, and a function of its name. */
export const bytesOf = (rendition: string, file: string): Uint8Array =>
  new TextEncoder().encode(`${rendition}/${file};`.repeat(20));

export class Encoder {
  readonly grant: SessionGrant;
  readonly plan: SessionPlan;
  /** Capture time of the next part, milliseconds since 1970. */
  at = Date.now();
  msn: number;
  part = 0;

  private constructor(grant: SessionGrant, plan: SessionPlan) {
    this.grant = grant;
    this.plan = plan;
    this.msn = plan.nextMsn;
  }

  /** Open a session and describe its tracks. */
  static async open(key: string, source: Source = SOURCE): Promise<Encoder> {
    const answer = await origin("/ingest/sessions", json("POST", { key, source }));
    if (answer.status !== 201) throw new Error(`opening: ${answer.status} ${await answer.text()}`);
    return Encoder.begin(await answer.json<SessionGrant>());
  }

  /** A session that was granted, and that has said nothing yet. */
  static of(grant: SessionGrant): Encoder {
    if (!grant.plan) throw new Error("a grant for a described source has a plan");
    return new Encoder(grant, grant.plan);
  }

  /** Go on with a session that was granted, and describe its tracks. */
  static async begin(grant: SessionGrant): Promise<Encoder> {
    const encoder = Encoder.of(grant);
    for (const rendition of encoder.renditions) await encoder.put(rendition, "init.mp4");
    await encoder.append([{ type: "init", renditions: encoder.facts }]);
    return encoder;
  }

  get renditions(): readonly string[] {
    return this.plan.renditions.flatMap(({ publishAs }) => publishAs);
  }

  get facts(): readonly RenditionFacts[] {
    return this.plan.renditions.map((planned) =>
      planned.kind === "video"
        ? {
            name: planned.name,
            kind: planned.kind,
            codecs: "avc1.64001f",
            bitrate: planned.bitrate,
            width: planned.width,
            height: planned.height,
            frameRate: 30,
          }
        : {
            name: planned.name,
            kind: planned.kind,
            codecs: "mp4a.40.2",
            bitrate: planned.bitrate,
            channels: 2,
          },
    );
  }

  get auth(): Record<string, string> {
    return { authorization: `Bearer ${this.grant.lease}` };
  }

  /** Put one object. */
  put(
    rendition: string,
    file: string,
    body: string | Uint8Array = bytesOf(rendition, file),
  ): Promise<Response> {
    const type = file === "init.mp4" ? "video/mp4" : "video/iso.segment";
    return origin(`/ingest/${this.grant.session}/objects/${rendition}/${file}`, {
      method: "PUT",
      body,
      headers: { ...this.auth, "content-type": type, "content-length": String(body.length) },
    });
  }

  /** Post entries; the answer is whatever origin says. */
  append(entries: readonly Entry[]): Promise<Response> {
    return origin(`/ingest/${this.grant.session}/timeline`, json("POST", { entries }, this.auth));
  }

  /** End the session or the broadcast. */
  close(scope: "session" | "broadcast" = "session"): Promise<Response> {
    return origin(`/ingest/${this.grant.session}?end=${scope}`, { method: "DELETE", headers: this.auth });
  }

  /** The entry of the next part. */
  nextPart(duration = 0.5): Entry & { type: "part" } {
    const { msn, part, at } = this;
    return {
      type: "part",
      msn,
      part,
      at,
      duration,
      tracks: this.tracks(`part-${msn}.${part}.m4s`, part === 0),
    };
  }

  /** Publish one part. */
  async pushPart(duration = 0.5): Promise<void> {
    const entry = this.nextPart(duration);
    for (const rendition of this.renditions) await this.put(rendition, `part-${entry.msn}.${entry.part}.m4s`);
    await this.mustAppend([entry]);
    this.part += 1;
    this.at += duration * 1000;
  }

  /** Publish a whole segment of `parts` parts. */
  async pushSegment(parts = 4, duration = 0.5): Promise<void> {
    const at = this.at;
    for (let i = 0; i < parts; i += 1) await this.pushPart(duration);
    const file = `seg-${this.msn}.m4s`;
    for (const rendition of this.renditions) await this.put(rendition, file);
    const tracks = this.segmentTracks(this.msn);
    await this.mustAppend([{ type: "segment", msn: this.msn, at, duration: parts * duration, tracks }]);
    this.next();
  }

  /** The objects of a segment, as its entry names them. */
  segmentTracks(msn: number): Tracks {
    return this.tracks(`seg-${msn}.m4s`, true);
  }

  /** The segment is closed: the next part begins another. */
  next(): void {
    this.msn += 1;
    this.part = 0;
  }

  private async mustAppend(entries: readonly Entry[]): Promise<void> {
    const answer = await this.append(entries);
    if (!answer.ok) throw new Error(`append: ${answer.status} ${await answer.text()}`);
    await answer.body?.cancel();
  }

  private tracks(file: string, keyframe: boolean): Tracks {
    return Object.fromEntries(
      this.renditions.map((name) => [
        name,
        {
          bytes: bytesOf(name, file).byteLength,
          independent: name === "audio" || keyframe,
          ...(name !== "audio" && file.startsWith("seg-") && { iframeBytes: 20 }),
        },
      ]),
    );
  }
}
