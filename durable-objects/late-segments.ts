/**
 * What comes after the live edge has passed it: who may still hand it in, and where it goes. It completes the history of
 * a broadcast, also when that is over, and never changes a live playlist.
 */
import { fail, ok, type Result } from "../media/result.ts";
import { type ExtendError, segmentExcess } from "../media/timeline.ts";
import type { Late } from "../wire/ingest.ts";
import { CHECK_AFTER_MS } from "./core/check.ts";
import type { LeaseError, Writer } from "./core/live.ts";
import type { HistoryRows } from "./history-rows.ts";
import type { LiveState } from "./live-state.ts";
import { sameSecret } from "./secret.ts";

export class LateSegments {
  readonly #state: LiveState;
  readonly #history: HistoryRows;

  constructor(state: LiveState, history: HistoryRows) {
    this.#state = state;
    this.#history = history;
  }

  /** Any session that ever had the stream, by its own lease, until the last check of its broadcast. */
  authorize(writer: Writer): Result<true, LeaseError> {
    // Without a broadcast there are no tables to look into.
    if (!this.#state.live) return fail({ reason: "unknown-lease" });
    return this.#state.archive.checkLease(writer, sameSecret);
  }

  /** All or nothing; repeating it is harmless. */
  add(writer: Writer, segments: Late["segments"], now: number): Result<true, LeaseError | ExtendError> {
    const allowed = this.authorize(writer);
    if (!allowed.ok) return allowed;
    const { timeline, archive } = this.#state;
    const { broadcast, ordinal } = writer;
    const head = timeline?.broadcast === broadcast ? timeline : archive.headOf(broadcast);
    if (!head) return fail({ reason: "no-init" });
    for (const { duration } of segments) {
      const excess = segmentExcess(duration, head.timing);
      if (excess) return fail(excess);
    }
    // One without objects completes nothing, and would pass for a segment that was put together already.
    const told = segments.filter(({ tracks }) => Object.keys(tracks).length > 0);
    this.#history.addLate(broadcast, ordinal, told);
    archive.requestCheck(broadcast, now + CHECK_AFTER_MS);
    return ok(true);
  }
}
