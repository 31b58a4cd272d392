/** Streams and their keys in D1. A key is stored as its SHA-256 alone: it is 130 random bits, so nothing slower is needed. */
import { secretLetters } from "../../media/address.ts";
import type { ProfileName } from "../../media/profile.ts";
import { AddressRangesSchema } from "../../wire/address-range.ts";
import type { Access, CreateStream, Standby, StreamRecord, UpdateStream } from "../../wire/admin.ts";
import { parseJson } from "../../wire/parse.ts";

interface Row {
  readonly id: string;
  readonly title: string;
  readonly profile: ProfileName;
  readonly reconnect_seconds: number;
  /** JSON: a list of ranges. */
  readonly allow_addresses: string;
  readonly standby: Standby;
  readonly access: Access;
  readonly disabled: number;
  readonly created_at: string;
  readonly live: number;
}

const COLUMNS = `id, title, profile, reconnect_seconds, allow_addresses, standby, access, disabled, created_at,
  EXISTS (SELECT 1 FROM broadcasts b WHERE b.stream = streams.id AND b.state = 'live') AS live`;

/** Letters in a stream key after its prefix: 130 bits. */
const KEY_LETTERS = 26;

/** A fresh stream key. The prefix lets secret scanners find a leaked one. */
export const newKey = (): string =>
  `mrk_${secretLetters(crypto.getRandomValues(new Uint8Array(KEY_LETTERS)))}`;

/** Create a stream with its first key; false when the id is taken. */
export async function createStream(
  db: D1Database,
  stream: CreateStream,
  key: string,
  now: Date,
): Promise<boolean> {
  const hash = await hashKey(key);
  const at = now.toISOString();
  const [created] = await db.batch([
    db
      .prepare(
        `INSERT INTO streams (id, title, profile, reconnect_seconds, allow_addresses, standby, access, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      )
      .bind(
        stream.id,
        stream.title,
        stream.profile,
        stream.reconnectSeconds,
        JSON.stringify(stream.allowAddresses),
        stream.standby,
        stream.access,
        at,
      ),
    // Only a stream made by the line above has no key yet.
    db
      .prepare(
        `INSERT INTO stream_keys (hash, stream, created_at)
         SELECT ?, id, ? FROM streams WHERE id = ? AND NOT EXISTS (SELECT 1 FROM stream_keys WHERE stream = streams.id)`,
      )
      .bind(hash, at, stream.id),
  ]);
  return created?.meta.changes === 1;
}

/** Change what is given, leave the rest. */
export async function updateStream(db: D1Database, id: string, settings: UpdateStream): Promise<void> {
  const { title, profile, reconnectSeconds, allowAddresses, standby, access } = settings;
  await db
    .prepare(
      `UPDATE streams SET title = coalesce(?, title), profile = coalesce(?, profile),
         reconnect_seconds = coalesce(?, reconnect_seconds), allow_addresses = coalesce(?, allow_addresses),
         standby = coalesce(?, standby), access = coalesce(?, access) WHERE id = ?`,
    )
    .bind(
      title ?? null,
      profile ?? null,
      reconnectSeconds ?? null,
      allowAddresses === undefined ? null : JSON.stringify(allowAddresses),
      standby ?? null,
      access ?? null,
      id,
    )
    .run();
}

/** All streams by id, or the one that is asked for. */
export async function listStreams(db: D1Database): Promise<readonly StreamRecord[]> {
  const { results } = await db.prepare(`SELECT ${COLUMNS} FROM streams ORDER BY id`).all<Row>();
  return results.map(recordOf);
}

/** Streams that everybody may watch, with a broadcast that has not ended, by the time it began. */
export async function listUnended(db: D1Database): Promise<readonly StreamRecord[]> {
  const { results } = await db
    .prepare(
      `SELECT ${COLUMNS} FROM streams JOIN (
         SELECT stream, max(started_at) AS started_at FROM broadcasts WHERE state <> 'ended' GROUP BY stream
       ) AS shows ON shows.stream = streams.id WHERE disabled = 0 AND access = 'public' ORDER BY shows.started_at LIMIT 200`,
    )
    .all<Row>();
  return results.map(recordOf);
}

/** One stream, or `undefined`. */
export async function findStream(db: D1Database, id: string): Promise<StreamRecord | undefined> {
  const row = await db.prepare(`SELECT ${COLUMNS} FROM streams WHERE id = ?`).bind(id).first<Row>();
  return row === null ? undefined : recordOf(row);
}

/** The stream that a key opens, or `undefined`. */
export async function findStreamByKey(db: D1Database, key: string): Promise<StreamRecord | undefined> {
  const row = await db
    .prepare(`SELECT ${COLUMNS} FROM streams WHERE id = (SELECT stream FROM stream_keys WHERE hash = ?)`)
    .bind(await hashKey(key))
    .first<Row>();
  return row === null ? undefined : recordOf(row);
}

/** Replace every key of a stream. */
export async function replaceKeys(db: D1Database, id: string, key: string, now: Date): Promise<void> {
  await db.batch([
    db.prepare("DELETE FROM stream_keys WHERE stream = ?").bind(id),
    db
      .prepare("INSERT INTO stream_keys (hash, stream, created_at) SELECT ?, id, ? FROM streams WHERE id = ?")
      .bind(await hashKey(key), now.toISOString(), id),
  ]);
}

/** Close or open a stream to its encoders. */
export async function setDisabled(db: D1Database, id: string, disabled: boolean): Promise<void> {
  await db
    .prepare("UPDATE streams SET disabled = ? WHERE id = ?")
    .bind(disabled ? 1 : 0, id)
    .run();
}

async function hashKey(key: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  return new Uint8Array(digest).toHex();
}

const recordOf = (row: Row): StreamRecord => ({
  id: row.id,
  title: row.title,
  profile: row.profile,
  reconnectSeconds: row.reconnect_seconds,
  allowAddresses: readRanges(row),
  standby: row.standby,
  // What cannot be read must not pass for open.
  access: row.access === "public" ? "public" : "private",
  disabled: row.disabled === 1,
  createdAt: row.created_at,
  live: row.live === 1,
});

/** A list that cannot be read must not pass for an empty one, which lets everybody in. */
function readRanges({ id, allow_addresses }: Row): string[] {
  const ranges = parseJson(AddressRangesSchema, allow_addresses);
  if (!ranges.ok) throw new Error(`allow_addresses of stream ${id}: ${ranges.error.detail}`);
  return ranges.value;
}
