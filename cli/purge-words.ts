/** Purges in words, for a terminal. Pure text. */
import type { PurgeRecord } from "../wire/purge.ts";
import { printable } from "./printable.ts";
import { table } from "./table.ts";

/** Purges, a line each. */
export function purgeListing(purges: readonly PurgeRecord[]): string {
  if (purges.length === 0) return "Nothing was purged yet.";
  return table(
    ["ID", "AT", "KIND", "REMOVAL", "ZONE", "PREFIXES"],
    purges.map((purge) => [
      purge.id,
      moment(purge.at),
      kindOf(purge),
      purge.removal ? `${purge.removal.state}, ${purge.removal.removed}` : "",
      purge.zone?.state ?? "",
      purge.prefixes.map(printable).join(" "),
    ]),
  );
}

/** Everything that is known of one. */
export function purgePage(purge: PurgeRecord): string {
  const { id, at, prefixes, removal, zone } = purge;
  const why = (error: string | undefined) => (error === undefined ? "" : `. ${printable(error)}`);
  const objects = removal && `${removal.removed} object${removal.removed === 1 ? "" : "s"} removed`;
  const attempts = zone && `${zone.attempts} attempt${zone.attempts === 1 ? "" : "s"}`;
  return [
    `Purge     ${id}: ${kindOf(purge)}`,
    `At        ${moment(at)}`,
    ...prefixes.map((prefix, index) => `${index === 0 ? "Prefixes" : "        "}  ${printable(prefix)}`),
    ...(removal ? [`Removal   ${removal.state}, ${objects}${why(removal.error)}`] : []),
    ...(zone ? [`Zone      ${zone.state}, ${attempts}${why(zone.error)}`] : []),
  ].join("\n");
}

const kindOf = ({ soft, removal }: PurgeRecord): string => (removal ? "delete" : soft ? "soft" : "purge");
const moment = (iso: string): string => iso.slice(0, 19).replace("T", " ");
