/** Broadcasts in words, for a terminal. Pure text. */
import type { BroadcastList, BroadcastRecord, Missing } from "../wire/broadcasts.ts";
import { table } from "./table.ts";

/** Missing objects that a page names. */
const NAMED = 20;
const REASONS: Readonly<Record<Missing["why"], string>> = {
  gap: "never came",
  absent: "is not in the bucket",
  size: "has another size than it should",
  checksum: "has another checksum than it should",
};

/** The broadcasts of a stream, a line each. */
export function broadcastListing(broadcasts: BroadcastList["broadcasts"]): string {
  if (broadcasts.length === 0) return "This stream has had no broadcast yet.";
  return table(
    ["ID", "STATE", "STARTED", "ENDED"],
    broadcasts.map(({ id, state, startedAt, endedAt }) => [
      id,
      state,
      moment(startedAt),
      endedAt === undefined ? "" : moment(endedAt),
    ]),
  );
}

/** Everything that is known of one. */
export function broadcastPage(record: BroadcastRecord): string {
  const { id, state, startedAt, endedAt, sessions, segments, seconds, gaps } = record;
  return [
    `Broadcast  ${id}: ${state}`,
    `Started    ${moment(startedAt)}${endedAt === undefined ? "" : `, ended ${moment(endedAt)}`}`,
    `Length     ${clock(seconds)} in ${counted(segments, "segment")} of ${counted(sessions.length, "session")}`,
    `Gaps       ${gaps === 0 ? "none" : counted(gaps, "object")}`,
    ...checkLines(record),
  ].join("\n");
}

function checkLines({ endedAt, report, checkAt }: BroadcastRecord): readonly string[] {
  const next = checkAt === undefined ? [] : [`Next check ${moment(checkAt)}`];
  if (!report) return endedAt === undefined ? [] : ["Checked    not yet", ...next];
  const { objects, bytes, missing, missingCount, checkedAt, final } = report;
  const verdict = missingCount === 0 ? "nothing is missing" : `${counted(missingCount, "object")} missing`;
  return [
    `Checked    ${moment(checkedAt)}${final ? ", for the last time" : ""}: ${counted(objects, "object")}, ${mebibytes(bytes)}, ${verdict}`,
    ...missing.slice(0, NAMED).map((one) => `           ${nameOf(one)} ${REASONS[one.why]}`),
    ...(missingCount > NAMED ? [`           and ${missingCount - NAMED} more`] : []),
    ...next,
  ];
}

const nameOf = ({ session, rendition, msn }: Missing): string =>
  `${session}/${rendition}/${msn === undefined ? "init.mp4" : `seg-${msn}.m4s`}`;
const moment = (iso: string): string => iso.slice(0, 19).replace("T", " ");
const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
