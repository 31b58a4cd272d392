/** The row of a broadcast in D1: a copy of a LiveStream's state, from which lists are made. */
import type { StreamState } from "../wire/public.ts";
import type { Live } from "./core/live.ts";

/** Write or overwrite the row. */
export async function saveBroadcast(db: D1Database, live: Live, state: StreamState): Promise<void> {
  const iso = (ms: number) => new Date(ms).toISOString();
  await db
    .prepare(
      `INSERT INTO broadcasts (id, stream, state, started_at, ended_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, ended_at = excluded.ended_at`,
    )
    .bind(
      live.broadcast,
      live.settings.id,
      state,
      iso(live.startedAt),
      live.endedAt === undefined ? null : iso(live.endedAt),
    )
    .run();
}
