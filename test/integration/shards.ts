/** Shards and relays in a few lines: they take deliveries as a viewer set must, and can fail in every way. Not a viewer set. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type {
  Branch,
  Delivery,
  ReportAnswer,
  ShardReport,
} from "../../durable-objects/core/viewers/viewer-messages.ts";
import type { StreamPosition } from "../../wire/centrifugo.ts";
import type { LiveEvent } from "../../wire/live-events.ts";
import { createStream, Encoder } from "./encoder.ts";
import { liveStream } from "./stream-object.ts";

/** What an object does with a call. */
export type Health = "well" | "failing" | "hanging";

const suffer = async (health: Health): Promise<void> => {
  if (health === "failing") throw new Error("injected");
  if (health === "hanging") await new Promise(() => {});
};

/** One shard: keeps what its viewers would have seen. */
export class FakeShard {
  readonly name: string;
  health: Health = "well";
  sockets = 1;
  playing = 1;
  position: StreamPosition | undefined;
  readonly seen: { readonly offset: number; readonly event: LiveEvent }[] = [];
  /** Of publications without an offset. */
  readonly counts: number[] = [];
  deliveries = 0;
  /** Times that it lacked something. */
  gaps = 0;
  /** Publications that came although it had them. */
  repeats = 0;
  answer: ReportAnswer | undefined;
  readonly #stream: string;

  constructor(stream: string, name: string) {
    this.#stream = stream;
    this.name = name;
  }

  async deliver({ publications, position }: Delivery): Promise<void> {
    await suffer(this.health);
    this.deliveries += 1;
    for (const { offset, data } of publications) {
      if (offset === undefined) this.counts.push(JSON.parse(data).viewers);
      else this.#take(offset, data, position.epoch);
    }
    if (this.position && position.offset > this.position.offset) await this.catchUp();
  }

  /** Report to the stream, and ask for what the answer shows to be missing. */
  async report(more: Partial<ShardReport> = {}): Promise<ReportAnswer> {
    const { name, sockets, playing, position } = this;
    const report = { shard: name, sockets, playing, ...(position && { position }), ...more };
    this.answer = await liveStream(this.#stream).report([report]);
    const { position: now } = this.answer;
    if (now.epoch !== this.position?.epoch || now.offset > this.position.offset) await this.catchUp();
    return this.answer;
  }

  async catchUp(): Promise<void> {
    const { position, publications } = await liveStream(this.#stream).since(this.position);
    for (const { offset, data } of publications) this.#take(offset, data, position.epoch);
    if (!this.position || this.position.epoch !== position.epoch) this.position = position;
  }

  get offsets(): readonly number[] {
    return this.seen.map(({ offset }) => offset);
  }

  #take(offset: number, data: string, epoch: string): void {
    const before = this.position?.epoch === epoch ? this.position.offset : undefined;
    if (before !== undefined && offset <= before) {
      this.repeats += 1;
      return;
    }
    if (before !== undefined && offset > before + 1) {
      this.gaps += 1;
      return;
    }
    this.position = { epoch, offset };
    this.seen.push({ offset, event: JSON.parse(data) });
  }
}

/** The shards and relays of a stream, in place of the real ones. */
export class FakeTree {
  readonly stream: string;
  readonly shards = new Map<string, FakeShard>();
  /** Of relays by name; those that are not here are well. */
  readonly relays = new Map<string, Health>();
  /** Names of relays that were used. */
  readonly used: string[] = [];

  constructor(stream: string) {
    this.stream = stream;
  }

  shard(name: string): FakeShard {
    const known = this.shards.get(name) ?? new FakeShard(this.stream, name);
    this.shards.set(name, known);
    return known;
  }

  /** Put these in the place of the real ones; once more after each eviction. `realRelays`: only the shards. */
  async install({ realRelays = false } = {}): Promise<void> {
    const namespaces = { VIEWER_SET: this.#namespace((name) => this.shard(name)) };
    const relays = this.#namespace((name) => ({
      deliver: (delivery: Delivery, branches: readonly Branch[]) => this.#relay(name, delivery, branches),
    }));
    await replaceEnv(liveStream(this.stream) as unknown as DurableObjectStub, {
      ...namespaces,
      LIVE_RELAY: realRelays ? env.LIVE_RELAY : relays,
    });
  }

  /** Let a real relay reach these shards. */
  async installRelay(name: string): Promise<void> {
    await replaceEnv(env.LIVE_RELAY.getByName(name) as unknown as DurableObjectStub, {
      VIEWER_SET: this.#namespace((shard) => this.shard(shard)),
    });
  }

  async #relay(name: string, delivery: Delivery, branches: readonly Branch[]): Promise<readonly string[]> {
    this.used.push(name);
    await suffer(this.relays.get(name) ?? "well");
    const lost = await Promise.all(
      branches.map(async (branch) => {
        if ("relay" in branch) return this.#relay(branch.relay, delivery, branch.branches);
        try {
          await this.shard(branch.shard).deliver(delivery);
          return [];
        } catch {
          return [branch.shard];
        }
      }),
    );
    return lost.flat();
  }

  #namespace(get: (name: string) => unknown): unknown {
    return { idFromName: (name: string) => name, getByName: get, get };
  }
}

/** A stream that one shard listens to. */
export async function listening(stream: string, region = "weur") {
  const encoder = await Encoder.open(await createStream(stream));
  const tree = new FakeTree(stream);
  await tree.install();
  const { regions } = await liveStream(stream).shards(region);
  const [name = ""] = regions[region] ?? [];
  const shard = tree.shard(name);
  await shard.report();
  return { encoder, tree, shard, live: liveStream(stream) };
}

async function replaceEnv(
  stub: DurableObjectStub,
  bindings: Readonly<Record<string, unknown>>,
): Promise<void> {
  await runInDurableObject(stub, (object) => {
    const holder = object as unknown as { env: Record<string, unknown> };
    holder.env = { ...holder.env, ...bindings };
  });
}
