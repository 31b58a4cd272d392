/** Which events a person gets to see: those that come many times a second are thinned to one in ten seconds for each stream. */
import type { LogEvent } from "./log.ts";

/** Shown or not; `leftOut` is how many of its kind went unseen since the last one that was. */
export type Admission = { readonly shown: true; readonly leftOut: number } | { readonly shown: false };

/** Events that come with every part, every sample or every try. */
const FREQUENT = new Set(["published", "input", "retry"]);
const QUIET_MS = 10_000;
/** Streams that are remembered: more than a transcoder serves, so that the memory is bounded whatever the log is fed. */
const MAX_KEYS = 1_000;

export class LogThinner {
  /** By event and stream. */
  readonly #kinds = new Map<string, { shownAtMs: number; leftOut: number }>();

  /** Ask for an event that happens at `nowMs`, on any clock. */
  admit(event: LogEvent, nowMs: number): Admission {
    if (event.event === "session-ended") for (const name of FREQUENT) this.#kinds.delete(keyOf(name, event));
    if (!FREQUENT.has(event.event)) return { shown: true, leftOut: 0 };
    const key = keyOf(event.event, event);
    const kind = this.#kinds.get(key);
    // A clock that was set back must not silence the log.
    if (kind && nowMs >= kind.shownAtMs && nowMs - kind.shownAtMs < QUIET_MS) {
      kind.leftOut += 1;
      return { shown: false };
    }
    if (!kind && this.#kinds.size >= MAX_KEYS) this.#kinds.clear();
    this.#kinds.set(key, { shownAtMs: nowMs, leftOut: 0 });
    return { shown: true, leftOut: kind?.leftOut ?? 0 };
  }
}

const keyOf = (name: string, event: LogEvent): string => `${name} ${String(event.stream ?? "")}`;
