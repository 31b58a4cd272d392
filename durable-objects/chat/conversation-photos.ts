/**
 * The photos of a conversation: who may upload one, which of them were shown, and what is to be removed from R2. The bytes go past this
 * object: the edge takes them with the ticket that is signed here.
 */
import { fail, ok, type Result } from "../../media/result.ts";
import { MAX_PHOTO_BYTES, type Photo, type PhotoTicket, type RoomAction } from "../../wire/conversations.ts";
import { PHOTO_AUDIENCE, photoKey, photoPath, UPLOAD_SECONDS } from "../../wire/photo-upload.ts";
import { signPhotoToken } from "../../workers/photo-tokens.ts";
import { backoffMs } from "../core/backoff.ts";
import type { Refusal } from "../core/chat/judge.ts";
import { within } from "../deadline.ts";

/** Nobody can guess it. */
const ID_BYTES = 16;
/** A photo that nobody was shown is removed after so long. */
const WAITING_MS = 3_600_000;
/** Photos of one person that wait to be shown. */
const MAX_WAITING = 50;
/** An upload that was under way when its photo was removed is over by then. */
const UPLOAD_MS = 1000 * UPLOAD_SECONDS + 120_000;
const R2_TIMEOUT_MS = 5_000;
/** R2 deletes a thousand keys at once, and a photo has two. */
const REMOVED_AT_ONCE = 400;
const LONGEST_WAIT_MS = 300_000;

/** `state`: `waiting` to be shown, `there` once it was seen in R2, `shown`, or `gone`. `due`: when it is removed. */
const TABLES = `
  CREATE TABLE IF NOT EXISTS photo (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, type TEXT NOT NULL, bytes INTEGER NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL, due INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS photo_due ON photo (due) WHERE due IS NOT NULL;
`;

type PhotoRow = Pick<Photo, "id" | "type" | "bytes" | "width" | "height">;

export interface PhotosPorts {
  readonly room: string;
  readonly sql: SqlStorage;
  readonly bucket: () => R2Bucket;
  readonly secret: () => string | undefined;
  readonly alarmBy: (at: number) => void;
}

export class ConversationPhotos {
  readonly #ports: PhotosPorts;
  readonly #sql: SqlStorage;
  /** In a row. */
  #failures = 0;

  constructor(ports: PhotosPorts) {
    this.#ports = ports;
    this.#sql = ports.sql;
  }

  /** Make the table, where it is not there yet. */
  create(): void {
    this.#sql.exec(TABLES);
  }

  /** Let somebody upload a photo. */
  async ticket(
    user: string,
    { type, bytes, width, height }: Extract<RoomAction, { readonly name: "room.photo" }>["data"],
    now: number,
  ): Promise<Result<PhotoTicket, Refusal | "unavailable">> {
    const { room } = this.#ports;
    const secret = this.#ports.secret();
    if (!secret) return fail("unavailable");
    if (bytes > MAX_PHOTO_BYTES) return fail({ name: "badPhoto" });
    if (this.#waiting(user) >= MAX_WAITING) return fail({ name: "tooFast", seconds: UPLOAD_SECONDS });
    const id = crypto
      .getRandomValues(new Uint8Array(ID_BYTES))
      .toBase64({ alphabet: "base64url", omitPadding: true });
    const due = now + WAITING_MS;
    this.#sql.exec(
      "INSERT INTO photo (id, user, type, bytes, width, height, at, state, due) VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?)",
      ...[id, user, type, bytes, width, height, now, due],
    );
    this.#ports.alarmBy(due);
    const exp = Math.floor(now / 1000) + UPLOAD_SECONDS;
    const photo = { id, type, bytes, width, height };
    const token = await signPhotoToken({ aud: PHOTO_AUDIENCE, exp, room, photo }, secret);
    const pathOf = (thumbnail: boolean) => `${photoPath({ room, id, thumbnail })}?t=${token}`;
    return ok({
      id,
      upload: pathOf(false),
      thumbnail: pathOf(true),
      expiresAt: new Date(1000 * exp).toISOString(),
    });
  }

  /** Look whether a photo that is to be shown has been uploaded. False: R2 does not say. */
  async lookFor(id: string, user: string): Promise<boolean> {
    const [row] = this.#sql
      .exec<{ id: string }>("SELECT id FROM photo WHERE id = ? AND user = ? AND state = 'waiting'", id, user)
      .toArray();
    if (!row) return true;
    try {
      const key = photoKey({ room: this.#ports.room, id, thumbnail: false });
      const found = await within(R2_TIMEOUT_MS, "a photo", this.#ports.bucket().head(key));
      if (found)
        this.#sql.exec(
          "UPDATE photo SET state = 'there', bytes = ? WHERE id = ? AND state = 'waiting'",
          found.size,
          id,
        );
      return true;
    } catch (error) {
      console.warn("a photo could not be looked for", { error: String(error) });
      return false;
    }
  }

  /** A photo that this user has uploaded and nobody was shown yet. */
  there(id: string, user: string): Photo | undefined {
    return this.#sql
      .exec<PhotoRow & Record<string, SqlStorageValue>>(
        "SELECT id, type, bytes, width, height FROM photo WHERE id = ? AND user = ? AND state = 'there'",
        id,
        user,
      )
      .toArray()[0];
  }

  /** It belongs to a message now. */
  show(id: string): void {
    this.#sql.exec("UPDATE photo SET state = 'shown', due = NULL WHERE id = ?", id);
  }

  /** Nobody is to see these any more. */
  drop(ids: readonly string[], now: number): void {
    for (const id of ids) this.#sql.exec("UPDATE photo SET state = 'gone', due = ? WHERE id = ?", now, id);
    if (ids.length > 0) this.#ports.alarmBy(now);
  }

  /** Remove what is due. */
  async go(now: number): Promise<void> {
    const rows = this.#sql
      .exec<{ id: string; at: number }>(
        "SELECT id, at FROM photo WHERE due <= ? ORDER BY due LIMIT ?",
        now,
        REMOVED_AT_ONCE,
      )
      .toArray();
    if (rows.length === 0) return;
    // Who says now that they show one of these is too late.
    for (const { id } of rows) this.#sql.exec("UPDATE photo SET state = 'gone' WHERE id = ?", id);
    const { room } = this.#ports;
    const keys = rows.flatMap(({ id }) =>
      [false, true].map((thumbnail) => photoKey({ room, id, thumbnail })),
    );
    try {
      await within(R2_TIMEOUT_MS, "removing photos", this.#ports.bucket().delete(keys));
    } catch (error) {
      this.#failures += 1;
      console.error("photos could not be removed yet", { failures: this.#failures, error: String(error) });
      const due = now + backoffMs(this.#failures, LONGEST_WAIT_MS);
      for (const { id } of rows) this.#sql.exec("UPDATE photo SET due = ? WHERE id = ?", due, id);
      return;
    }
    this.#failures = 0;
    for (const { id, at } of rows) {
      // While its ticket is good it may be uploaded once more: then it is removed once more.
      const end = at + UPLOAD_MS;
      if (now < end) this.#sql.exec("UPDATE photo SET due = ? WHERE id = ?", end, id);
      else this.#sql.exec("DELETE FROM photo WHERE id = ?", id);
    }
  }

  /** When there is something to remove. */
  dueAt(): number | undefined {
    return (
      this.#sql.exec<{ due: number | null }>("SELECT min(due) AS due FROM photo WHERE due IS NOT NULL").one()
        .due ?? undefined
    );
  }

  #waiting(user: string): number {
    return this.#sql
      .exec<{ count: number }>(
        "SELECT count(*) AS count FROM photo WHERE user = ? AND state IN ('waiting', 'there') AND due IS NOT NULL",
        user,
      )
      .one().count;
  }
}
