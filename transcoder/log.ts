/** The transcoder's log: one JSON object a line, on standard output. */

/** An event with its facts. `event` is a stable name in kebab case. */
export interface LogEvent {
  readonly event: string;
  readonly [fact: string]: unknown;
}

export type Log = (event: LogEvent) => void;

/** Log to standard output. */
export const logToStdout: Log = (event) => {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`);
};

/** A log whose every event carries the given facts. */
export const withFacts =
  (log: Log, facts: Record<string, unknown>): Log =>
  (event) =>
    log({ ...event, ...facts });
