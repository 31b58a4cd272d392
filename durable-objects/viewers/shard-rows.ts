/**
 * The shards of a stream's viewers in its LiveStream's SQLite, so that a LiveStream that was evicted still knows whom to
 * deliver to. What they hold is stored seldom: they say it again every ten seconds. What becomes of them stands in core/viewers/shards.ts.
 */
import { parseShardName, type Shard } from "../core/viewers/shards.ts";

/** A shard, and how many of its viewers play. */
export type HeldShard = Shard & { readonly playing: number };

/** Counts that change are stored this often, for each shard. */
const SAVE_MS = 10_000;

export class ShardRows {
  readonly #storage: DurableObjectStorage;
  /** As they are stored, and when that was. */
  readonly #saved = new Map<string, HeldShard & { readonly savedAt: number }>();

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Those that were stored. The tables must be there. */
  load(now: number): readonly HeldShard[] {
    const rows = this.#storage.sql
      .exec<{ name: string; state: string; sockets: number; playing: number }>(
        "SELECT name, state, sockets, playing FROM shard",
      )
      .toArray();
    const shards = rows.flatMap(({ name, state, sockets, playing }): readonly HeldShard[] => {
      const named = parseShardName(name);
      if (!named) return [];
      return [
        {
          shard: name,
          region: named.region,
          number: named.number,
          sockets,
          playing,
          state: state === "draining" ? "draining" : "open",
          // It could not be heard while this object was away.
          lastHeardAt: now,
        },
      ];
    });
    for (const shard of shards) this.#saved.set(shard.shard, { ...shard, savedAt: 0 });
    return shards;
  }

  /** Store what has changed, as far as it matters already. The tables must be there. */
  save(shards: readonly HeldShard[], now: number): void {
    const names = new Set(shards.map(({ shard }) => shard));
    for (const name of [...this.#saved.keys()]) {
      if (names.has(name)) continue;
      this.#storage.sql.exec("DELETE FROM shard WHERE name = ?", name);
      this.#saved.delete(name);
    }
    for (const shard of shards) if (this.#isDue(shard, now)) this.#put(shard, now);
  }

  #isDue({ shard, state, sockets, playing }: HeldShard, now: number): boolean {
    const saved = this.#saved.get(shard);
    // One without sockets is not delivered to: whether it has any must be right.
    if (saved?.state !== state || saved.sockets > 0 !== sockets > 0) return true;
    const isSame = saved.sockets === sockets && saved.playing === playing;
    return !isSame && now - saved.savedAt >= SAVE_MS;
  }

  #put(shard: HeldShard, now: number): void {
    this.#storage.sql.exec(
      "INSERT OR REPLACE INTO shard (name, state, sockets, playing) VALUES (?, ?, ?, ?)",
      shard.shard,
      shard.state,
      shard.sockets,
      shard.playing,
    );
    this.#saved.set(shard.shard, { ...shard, savedAt: now });
  }
}
