/**
 * The rows of a stream's broadcasts in D1: a copy of what its LiveStream knows, from which lists are made.
 * What could not be copied is kept here and copied later, the end of an older broadcast before the present one.
 */
import type { StreamState } from "../wire/public.ts";
import type { Live } from "./core/live.ts";

interface Row {
  readonly broadcast: string;
  readonly stream: string;
  readonly state: StreamState;
  readonly startedAt: number;
  readonly endedAt?: number;
}

const PENDING = "index:";
const TOLD = "indexed";

export class BroadcastIndex {
  readonly #storage: DurableObjectStorage;
  readonly #db: D1Database;

  constructor(storage: DurableObjectStorage, db: D1Database) {
    this.#storage = storage;
    this.#db = db;
  }

  /** Remember that a row must be written, whatever comes after it. */
  note(live: Live, state: StreamState): void {
    if (live.visible) this.#storage.kv.put(PENDING + live.broadcast, rowOf(live, state));
  }

  /** The broadcast is no more: nothing is to be said of it. */
  forget(broadcast: string): void {
    this.#storage.kv.delete(PENDING + broadcast);
  }

  /** The list does not say this of the broadcast yet. */
  isBehind(live: Live, state: StreamState): boolean {
    return live.visible && this.#storage.kv.get<string>(TOLD) !== `${live.broadcast} ${state}`;
  }

  /** Write what is pending, then how the present broadcast does. Throws when D1 fails; nothing is forgotten then. */
  async tell(live: Live, state: StreamState): Promise<void> {
    for (const [key, row] of [...this.#storage.kv.list<Row>({ prefix: PENDING })]) {
      await save(this.#db, row);
      this.#storage.kv.delete(key);
    }
    if (!this.isBehind(live, state)) return;
    await save(this.#db, rowOf(live, state));
    this.#storage.kv.put(TOLD, `${live.broadcast} ${state}`);
  }
}

const rowOf = (live: Live, state: StreamState): Row => ({
  broadcast: live.broadcast,
  stream: live.settings.id,
  state,
  startedAt: live.startedAt,
  ...(live.endedAt !== undefined && { endedAt: live.endedAt }),
});

/** A write that was given up may come through after the one that followed it; an end is not taken back by it. */
async function save(db: D1Database, { broadcast, stream, state, startedAt, endedAt }: Row): Promise<void> {
  const iso = (ms: number) => new Date(ms).toISOString();
  await db
    .prepare(
      `INSERT INTO broadcasts (id, stream, state, started_at, ended_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, ended_at = excluded.ended_at
         WHERE broadcasts.state <> 'ended'`,
    )
    .bind(broadcast, stream, state, iso(startedAt), endedAt === undefined ? null : iso(endedAt))
    .run();
}
