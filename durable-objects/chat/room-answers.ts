/** Rows of a room as moderators are told them. Pure. */
import type { LogEntry, Sanction } from "../../wire/chat.ts";
import type { RoomRows } from "./room-rows.ts";

type Row<K extends "deeds" | "sanctions"> = ReturnType<RoomRows[K]>[number];

/** Something that a moderator did. */
export const entryOf = ({ number, at, by, action, target, name, detail }: Row<"deeds">): LogEntry => ({
  number,
  at: new Date(at).toISOString(),
  by,
  action,
  ...(target !== null && { target }),
  ...(name !== null && { name }),
  ...(detail !== null && { detail }),
});

/** Somebody who may not write. */
export const sanctionOf = ({ user, name, until, at, by, reason }: Row<"sanctions">): Sanction => ({
  user,
  ...(name !== null && { name }),
  ...(until !== null && { until: new Date(until).toISOString() }),
  at: new Date(at).toISOString(),
  by,
  ...(reason !== null && { reason }),
});
