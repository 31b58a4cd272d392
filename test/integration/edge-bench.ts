/** The edge with an origin side that can be counted, held and made to fail: what viewers see then. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { edgeApp } from "../../workers/edge/app.ts";
import type { EdgeEnv } from "../../workers/env.ts";
import { bytesOf, createStream, Encoder } from "./encoder.ts";

/** How something behind the edge behaves. */
export type Behaviour = "well" | "fails" | "hangs";

/** The edge, in front of a bucket and streams that tests can spoil. */
export class EdgeBench {
  bucket: Behaviour = "well";
  streams: Behaviour = "well";
  origin: Behaviour = "well";
  purges: Behaviour = "well";
  /** Calls, by name and key. */
  readonly calls: string[] = [];
  /** Replaces what the bucket gives. */
  object: ((key: string) => Promise<R2ObjectBody | null>) | undefined;

  /** Bindings of the edge; `others` replaces some. */
  env(others: Partial<EdgeEnv> = {}): EdgeEnv {
    return {
      ...env,
      MEDIA: this.#watch(
        env.MEDIA,
        () => this.bucket,
        "bucket",
        (name, key) => (name === "get" && this.object ? this.object(String(key)) : undefined),
      ),
      LIVE_STREAM: { ...this.#namespace(env.LIVE_STREAM, () => this.streams, "stream") },
      PURGES: { ...this.#namespace(env.PURGES, () => this.purges, "purges") },
      ORIGIN: this.#watch(env.ORIGIN, () => this.origin, "origin"),
      ...others,
    } as unknown as EdgeEnv;
  }

  /** Ask the edge. */
  async get(path: string, init?: RequestInit, others: Partial<EdgeEnv> = {}): Promise<Response> {
    const request = new Request(`https://watch.example${path}`, init);
    return edgeApp.fetch(request, this.env(others), createExecutionContext());
  }

  /** Ask until the answer is cached. */
  async cache(path: string): Promise<void> {
    await expect
      .poll(async () => {
        const answer = await this.get(path);
        await answer.body?.cancel();
        return statusOf(answer).hit;
      })
      .toBe(true);
  }

  /** Calls whose name begins so. */
  count(beginning: string): number {
    return this.calls.filter((call) => call.startsWith(beginning)).length;
  }

  #namespace(
    namespace: { getByName(name: string): object },
    behaviour: () => Behaviour,
    what: string,
  ): { getByName: (name: string) => unknown } {
    return { getByName: (name) => this.#watch(namespace.getByName(name), behaviour, `${what} ${name}`) };
  }

  #watch(
    target: object,
    behaviour: () => Behaviour,
    what: string,
    instead: (name: string, argument: unknown) => unknown = () => undefined,
  ): unknown {
    return new Proxy(target, {
      get: (_target, name) => {
        if (typeof name !== "string" || name === "then") return Reflect.get(target, name);
        return (...args: unknown[]) => {
          this.calls.push(`${what} ${name}${typeof args[0] === "string" ? ` ${args[0]}` : ""}`);
          if (behaviour() === "fails") return Promise.reject(new Error("injected"));
          if (behaviour() === "hangs") return new Promise(() => {});
          const value = instead(name, args[0]);
          if (value !== undefined) return value;
          // A stub makes a function of every name: it has to be called on the stub itself.
          return (target as Record<string, (...all: unknown[]) => unknown>)[name]?.(...args);
        };
      },
    });
  }
}

/** The parameters of `Cache-Status`, by name; those without a value are true. */
export function statusOf(answer: Response): Record<string, string | true> {
  const [, ...parameters] = (answer.headers.get("cache-status") ?? "").split(";");
  return Object.fromEntries(
    parameters.map((parameter) => {
      const [name = "", value] = parameter.trim().split("=");
      return [name, value ?? true];
    }),
  );
}

/** A stream that is live, with one whole segment and one part more. */
export interface LiveStream {
  readonly id: string;
  readonly encoder: Encoder;
  /** Of its tallest rendition's playlist. */
  readonly path: string;
  /** What its objects' paths begin with. */
  readonly media: string;
}

let streams = 0;

/** A stream of its own, for tests that let time pass or that fail. */
export async function liveStream(settings: Record<string, unknown> = {}): Promise<LiveStream> {
  streams += 1;
  const id = `own-${streams}`;
  const encoder = await Encoder.open(await createStream(id, settings));
  await encoder.pushSegment();
  await encoder.pushPart();
  const media = `/media/${encoder.grant.broadcast}/1`;
  return { id, encoder, path: `/live/${id}/v720/index.m3u8`, media };
}

let objects = 1000;

/** The path of a segment that nothing has asked for yet: a cache forgets nothing between tests. */
export function freshPath(media: string): string {
  objects += 1;
  return `${media}/v720/seg-${objects}.m4s`;
}

/** An object that nothing has asked for yet. */
export async function freshObject(
  media: string,
  bytes: Uint8Array | string = bytesOf("v720", "fresh"),
): Promise<string> {
  const path = freshPath(media);
  await env.MEDIA.put(path.slice(1), bytes);
  return path;
}

const realNow = Date.now.bind(Date);
let aheadMs = 0;

/** The clock goes on by so many seconds. It never goes back: what was cached later would have been cached earlier. */
export function pass(seconds: number): void {
  aheadMs += 1000 * seconds;
  Date.now = () => realNow() + aheadMs;
}

/** An object whose bytes come when the test says so. */
export function slowObject(
  key: string,
  chunks: readonly Uint8Array[],
): { readonly object: R2ObjectBody; readonly next: () => Promise<void> } {
  const size = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const rest = [...chunks];
  const object = {
    key,
    size,
    body: readable,
    httpEtag: '"0123456789abcdef0123456789abcdef"',
    uploaded: new Date("2026-11-20T10:00:00Z"),
  };
  return {
    object: object as unknown as R2ObjectBody,
    next: async () => {
      const chunk = rest.shift();
      if (chunk) await writer.write(chunk);
      if (rest.length === 0) await writer.close();
    },
  };
}
