/** The transcoder's log on standard output: one JSON object a line for machines, one readable line for people at a terminal. */
import { formatHuman } from "./log-human.ts";
import { levelOf } from "./log-level.ts";
import { LogThinner } from "./log-thinner.ts";

/** An event with its facts. `event` is a stable name in kebab case. */
export interface LogEvent {
  readonly event: string;
  readonly [fact: string]: unknown;
}

export type Log = (event: LogEvent) => void;

/** `json`: a line is an object with `at` and `level` before the event's own facts. */
export type LogForm = "json" | "human";

/** A log in one form; `write` gets whole lines, `now` is the clock. */
export function createLog(
  form: LogForm,
  write: (line: string) => void,
  now: () => Date = () => new Date(),
): Log {
  if (form === "json")
    return (event) =>
      write(`${JSON.stringify({ at: now().toISOString(), level: levelOf(event), ...event })}\n`);
  const thinner = new LogThinner();
  return (event) => {
    const at = now();
    const admitted = thinner.admit(event, at.getTime());
    if (admitted.shown) write(`${formatHuman(event, at, admitted.leftOut)}\n`);
  };
}

/** Log to standard output: readable on a terminal, JSON lines elsewhere. */
export const logToStdout: Log = createLog(process.stdout.isTTY ? "human" : "json", (line) => {
  process.stdout.write(line);
});

/** A log that tells several, in order: standard output and the metrics, say. */
export const tee =
  (...logs: readonly Log[]): Log =>
  (event) => {
    for (const log of logs) log(event);
  };

/** A log whose every event carries the given facts. */
export const withFacts =
  (log: Log, facts: Record<string, unknown>): Log =>
  (event) =>
    log({ ...event, ...facts });
