/** What players said in the last five minutes. Not worth storing. */
import { mergeQoe, NO_QOE, type QoeSummary, summaryOf } from "../core/viewers/histogram.ts";
import type { QoeCounts } from "../core/viewers/viewer-messages.ts";

/** How far back a summary goes. */
const WINDOW_MS = 300_000;
/** What comes within this is summed at once. */
const SLICE_MS = 10_000;

export class QoeWindow {
  /** Oldest first. */
  #slices: readonly { readonly at: number; readonly counts: QoeCounts }[] = [];

  add(counts: QoeCounts, now: number): void {
    const last = this.#slices.at(-1);
    const isOpen = last !== undefined && now - last.at < SLICE_MS;
    const kept = this.#within(now);
    this.#slices = isOpen
      ? [...kept.slice(0, -1), { at: last.at, counts: mergeQoe(last.counts, counts) }]
      : [...kept, { at: now, counts }];
  }

  summary(now: number): QoeSummary {
    return summaryOf(this.#within(now).reduce((sum, { counts }) => mergeQoe(sum, counts), NO_QOE));
  }

  #within(now: number) {
    return this.#slices.filter(({ at }) => now - at < WINDOW_MS);
  }
}
