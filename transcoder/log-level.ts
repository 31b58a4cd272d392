/** How grave an event of the log is, and for what reason: one table for JSON lines, the human form and the error counts. */
import type { LogEvent } from "./log.ts";

/** `warning`: somebody may notice; `error`: somebody was dropped, or a part of the transcoder failed. */
export type LogLevel = "info" | "warning" | "error";

/** Events that are always grave; what is not named here is `info`. */
const LEVELS: ReadonlyMap<string, LogLevel> = new Map<string, LogLevel>([
  ["encoder-dropped", "error"],
  ["encoder-failed", "error"],
  ["ffmpeg-exit", "warning"],
  ["publish-refused", "warning"],
  ["retry", "warning"],
  ["rtmp-server-error", "error"],
  ["rtmp-turned-away", "warning"],
  ["session-trouble", "warning"],
  ["source-refused", "warning"],
  ["spool-dropped", "error"],
  ["spool-failed", "error"],
  ["spool-refused", "error"],
  ["spool-unreadable", "warning"],
  ["too-slow", "warning"],
  ["tracks-missing", "warning"],
]);

/** Ends of a connection that are nobody's fault, or were logged as a refusal before. */
const PLAIN_ENDS = new Set<unknown>(["unpublished", "disconnected", "refused", "server-closed"]);

/** Where an event says why it happened, the most telling place first. */
const REASONS: readonly (readonly string[])[] = [
  ["refusal", "name"],
  ["problem", "reason"],
  ["end", "failure", "reason"],
  ["failure", "reason"],
  ["end", "reason"],
  ["reason"],
  ["code"],
  ["limit"],
  ["how"],
  ["refused"],
];

/** How grave an event is. One that carries a `level` of its own is believed. */
export function levelOf(event: LogEvent): LogLevel {
  const own = event.level;
  if (own === "info" || own === "warning" || own === "error") return own;
  switch (event.event) {
    case "published":
      return event.late === undefined ? "info" : "warning";
    case "rtmp-closed":
      return PLAIN_ENDS.has(factAt(event, ["end", "reason"])) ? "info" : "warning";
    case "encoder-gone":
      // An encoder that is switched off says so; one that just vanishes has lost its network or its power.
      return event.reason === "unpublished" || event.reason === "server-closed" ? "info" : "warning";
    case "session-ended":
      return event.refused === undefined ? "info" : "warning";
    default:
      return LEVELS.get(event.event) ?? "info";
  }
}

/** Why an event happened, as a short name; `undefined` when it does not say. */
export const reasonOf = (event: LogEvent): string | undefined =>
  REASONS.map((path) => factAt(event, path)).find((reason) => typeof reason === "string");

/** A fact inside an event; `undefined` when there is none. */
export function factAt(event: LogEvent, path: readonly string[]): unknown {
  let value: unknown = event;
  for (const name of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = new Map<string, unknown>(Object.entries(value)).get(name);
  }
  return value;
}
