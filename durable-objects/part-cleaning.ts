/** Parts of a broadcast that goes on are removed when they have had their time. When that is stands in core/parts.ts. */
import { mediaKey } from "../media/address.ts";
import { MAX_RENDITIONS, type Timeline } from "../media/timeline.ts";
import { firstNamedParts } from "../media/trim.ts";
import { type Mark, mark, outdatedBelow } from "./core/parts.ts";
import { within } from "./deadline.ts";
import type { HistoryRows, OldPart } from "./history-rows.ts";

/** R2 calls of one step. */
const CALLS_PER_STEP = 20;
/** R2 deletes at most a thousand keys at once, and a part has one for each rendition. */
const PARTS_PER_CALL = Math.floor(1000 / MAX_RENDITIONS);
const R2_TIMEOUT_MS = 10_000;
const MARKS = "part_marks";

interface Marks {
  readonly broadcast: string;
  readonly marks: readonly Mark[];
}

export class PartCleaning {
  readonly #storage: DurableObjectStorage;
  readonly #history: HistoryRows;
  readonly #bucket: () => R2Bucket;

  constructor(storage: DurableObjectStorage, history: HistoryRows, bucket: () => R2Bucket) {
    this.#storage = storage;
    this.#history = history;
    this.#bucket = bucket;
  }

  /** Take one step. Objects go before their rows, so that what fails is done again. */
  async step(timeline: Timeline | undefined, now: number): Promise<void> {
    if (!timeline || timeline.ended || timeline.timing.partTarget === undefined) return;
    const { broadcast } = timeline;
    const outdated = outdatedBelow(this.#marks(timeline, now), now);
    if (outdated === undefined) return;
    const below = Math.min(outdated, firstNamedParts(timeline));
    for (let calls = 0; calls < CALLS_PER_STEP; calls += 1) {
      const parts = this.#history.partsBelow(broadcast, below, PARTS_PER_CALL);
      if (parts.length === 0) return;
      const keys = parts.flatMap((part) => keysOf(broadcast, part));
      try {
        if (keys.length > 0) await within(R2_TIMEOUT_MS, "removing parts", this.#bucket().delete(keys));
      } catch (error) {
        console.error("old parts could not be removed yet", broadcast, error);
        return;
      }
      this.#history.deleteParts(broadcast, parts);
    }
  }

  #marks({ broadcast, nextMsn }: Timeline, now: number): readonly Mark[] {
    const stored = this.#storage.kv.get<Marks>(MARKS);
    const before = stored?.broadcast === broadcast ? stored.marks : [];
    const marks = mark(before, nextMsn, now);
    if (marks.length !== before.length || marks.at(-1) !== before.at(-1))
      this.#storage.kv.put<Marks>(MARKS, { broadcast, marks });
    return marks;
  }
}

const keysOf = (broadcast: string, { session, msn, part, renditions }: OldPart): readonly string[] =>
  renditions.map((rendition) =>
    mediaKey({ broadcast, session, rendition, file: { kind: "part", msn, part } }),
  );
