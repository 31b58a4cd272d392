/**
 * Which shards a stream has, as this isolate remembers it: the stream is asked at most once a second by each location
 * (shard-copies.ts), however many sockets are opened. Which of them a viewer belongs to is decided in durable-objects/core/viewers/ring.ts.
 */
import { type Ring, ringOf, shardFor } from "../../durable-objects/core/viewers/ring.ts";
import type { ShardDirectory } from "../../durable-objects/core/viewers/viewer-messages.ts";
import { within } from "../../durable-objects/deadline.ts";
import type { Region } from "../../wire/regions.ts";
import type { EdgeEnv } from "../env.ts";
import { remember } from "../remember.ts";
import type { Background } from "./policies.ts";
import { throughCopies } from "./shard-copies.ts";
import { twice } from "./twice.ts";

/** What is remembered is good for so long. */
const FRESH_MS = 1_000;
/** And for so long while the stream does not answer: shards outlive its restarts. */
const TRUST_MS = 60_000;
/** Longest wait for the stream. One that was begun by a request which is no more never ends. */
const PATIENCE_MS = 3_000;
/** Streams that are remembered. */
const MAX_KNOWN = 1_000;
/** Rings that are kept: one of 250 shards has 400 KB. */
const MAX_RINGS = 50;
/** Questions under way. */
const MAX_ASKING = 1_000;

/** What a socket is for. */
export interface Wanted {
  readonly stream: string;
  readonly region: Region;
  readonly viewer: string;
}

interface Known {
  readonly directory: ShardDirectory;
  readonly learnedAtMs: number;
}

interface Question {
  readonly askedAtMs: number;
  readonly answer: Promise<ShardDirectory>;
}

type StreamEnv = Pick<EdgeEnv, "LIVE_STREAM">;

/** What an isolate remembers of shards. */
export class ShardDirectories {
  readonly #directories = new Map<string, Known>();
  readonly #rings = new Map<string, Ring>();
  readonly #questions = new Map<string, Question>();

  /**
   * The shard that a viewer belongs to. `undefined`: there is none that takes sockets. Throws when the stream does not answer,
   * and no shard of it was known a while ago.
   */
  async shardFor(env: StreamEnv, ctx: Background, wanted: Wanted): Promise<string | undefined> {
    const { stream, region } = wanted;
    const known = this.#choose(this.#known(stream, FRESH_MS), wanted, []);
    // A region that nobody has asked for yet has no shard.
    if (known !== undefined) return known;
    try {
      const what = `shards ${stream} ${region}`;
      const directory = await this.#ask(env, ctx, stream, what, (object) =>
        throughCopies(stream, region, () => object.shards(region)),
      );
      return this.#choose(directory, wanted, []);
    } catch (error) {
      const old = this.#choose(this.#known(stream, TRUST_MS), wanted, []);
      if (old === undefined) throw error;
      console.warn("edge: shards as they were", stream, error);
      return old;
    }
  }

  /** The shard instead of those that refused this socket, the last of them just now, because they are full. */
  async shardInstead(
    env: StreamEnv,
    ctx: Background,
    wanted: Wanted,
    refused: readonly string[],
  ): Promise<string | undefined> {
    const full = refused.at(-1) ?? "";
    const known = this.#known(wanted.stream, FRESH_MS);
    // Another socket that was refused there has told the stream already.
    const isTold = known && !known.regions[wanted.region]?.includes(full);
    const other = isTold ? this.#choose(known, wanted, refused) : undefined;
    if (other !== undefined) return other;
    const directory = await this.#ask(env, ctx, wanted.stream, `full ${full}`, (object) => object.full(full));
    return this.#choose(directory, wanted, refused);
  }

  /** Forget everything; for tests, which share an isolate. */
  forget(): void {
    for (const map of [this.#directories, this.#rings, this.#questions]) map.clear();
  }

  /** What is known of a stream, if it is younger than this. */
  #known(stream: string, limitMs: number): ShardDirectory | undefined {
    const known = this.#directories.get(stream);
    const ageMs = Date.now() - (known?.learnedAtMs ?? 0);
    return ageMs >= 0 && ageMs < limitMs ? known?.directory : undefined;
  }

  /** Ask the stream, or wait with those who ask it the same. The question goes on when the client that it began with goes away. */
  async #ask(
    env: StreamEnv,
    ctx: Background,
    stream: string,
    what: string,
    ask: (object: ReturnType<EdgeEnv["LIVE_STREAM"]["getByName"]>) => Promise<ShardDirectory>,
  ): Promise<ShardDirectory> {
    const now = Date.now();
    const before = this.#questions.get(what);
    if (before && Math.abs(now - before.askedAtMs) < PATIENCE_MS)
      return within(PATIENCE_MS, "the shards", before.answer);
    const answer = this.#learn(stream, what, () => twice(() => ask(env.LIVE_STREAM.getByName(stream))));
    remember(this.#questions, what, { askedAtMs: now, answer }, MAX_ASKING);
    ctx.waitUntil(answer.catch(() => undefined));
    return within(PATIENCE_MS, "the shards", answer);
  }

  async #learn(stream: string, what: string, ask: () => Promise<ShardDirectory>): Promise<ShardDirectory> {
    try {
      const { regions } = await ask();
      const known = { directory: { regions }, learnedAtMs: Date.now() };
      remember(this.#directories, stream, known, MAX_KNOWN);
      return known.directory;
    } finally {
      this.#questions.delete(what);
    }
  }

  #choose(
    directory: ShardDirectory | undefined,
    { region, viewer }: Wanted,
    refused: readonly string[],
  ): string | undefined {
    const shards = (directory?.regions[region] ?? []).filter((shard) => !refused.includes(shard));
    if (shards.length < 2) return shards[0];
    return shardFor(this.#ringOf(shards), viewer);
  }

  /** A ring is thousands of hashes: it is made when the shards change, not when they are asked for. */
  #ringOf(shards: readonly string[]): Ring {
    const name = shards.join("\n");
    const ring = this.#rings.get(name) ?? ringOf(shards);
    remember(this.#rings, name, ring, MAX_RINGS);
    return ring;
  }
}
