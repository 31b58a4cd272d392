/** Streams in words: a table of many, a page of one. Pure text. */
import type { StreamRecord, StreamWithKey } from "../wire/admin.ts";
import { printable } from "./printable.ts";
import { table } from "./table.ts";

/** A stream whose key is new. */
export const withKey = (what: string, { id, key }: StreamWithKey): string =>
  `Stream ${id} ${what}. Its key, shown only this once:\n${key}`;

/** All streams, a line each. */
export function listing(streams: readonly StreamRecord[]): string {
  if (streams.length === 0) return "There are no streams yet. Make one with: streams create <id>";
  return table(
    ["ID", "STATE", "PROFILE", "RECONNECT", "STANDBY", "ACCESS", "ALLOWED", "CREATED", "TITLE"],
    streams.map((stream) => [
      stream.id,
      stateOf(stream),
      stream.profile,
      `${stream.reconnectSeconds} s`,
      stream.standby,
      stream.access,
      allowedShort(stream.allowAddresses),
      createdAt(stream),
      printable(stream.title),
    ]),
  );
}

/** One stream, a line for each setting. */
export const streamPage = (stream: StreamRecord): string =>
  table(
    ["Stream", stream.id],
    [
      ["Title", printable(stream.title)],
      ["State", stateOf(stream)],
      ["Profile", stream.profile],
      ["Reconnect", `${stream.reconnectSeconds} s`],
      ["Standby", stream.standby],
      ["Access", stream.access],
      ["Allowed", stream.allowAddresses.length === 0 ? "all addresses" : stream.allowAddresses.join(", ")],
      ["Created", createdAt(stream)],
    ],
  );

function allowedShort(ranges: readonly string[]): string {
  const [first, ...others] = ranges;
  if (first === undefined) return "all";
  return others.length === 0 ? first : `${first} +${others.length}`;
}

const stateOf = ({ disabled, live }: StreamRecord): string =>
  disabled ? "disabled" : live ? "live" : "offline";

const createdAt = (stream: StreamRecord): string => stream.createdAt.slice(0, 16).replace("T", " ");
