/**
 * Whether those who are connected may still watch: they were let in when they came, and the operator may have disabled the
 * stream since, or made it private. Looked at when that changes, and again and again while anyone is connected, for who changed it
 * may not have reached us; the sockets are closed by their shards.
 */
import type { ObjectsEnv } from "../../workers/env.ts";
import type { Delivery } from "../core/viewers/viewer-messages.ts";
import { within } from "../deadline.ts";

/** From one look at the stream's record to the next. */
export const LOOK_MS = 5_000;
const ANSWER_MS = 3_000;

/** What a look needs, and whom it tells. */
export interface DoorEnds {
  readonly stream: string;
  readonly db: () => ObjectsEnv["DB"];
  readonly isDisabled: () => boolean;
  readonly keepAlive: (work: Promise<unknown>) => void;
  /** Close the sockets of these, wherever they are. */
  readonly sendAway: (whom: NonNullable<Delivery["leave"]>) => void;
}

export class ViewerDoors {
  readonly #ends: DoorEnds;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #wasDisabled = false;

  constructor(ends: DoorEnds) {
    this.#ends = ends;
  }

  /** See to it. Whoever was not reached, or slipped in, is told again with the next look. */
  look(now: number): void {
    const isDisabled = this.#ends.isDisabled();
    if (isDisabled === this.#wasDisabled && Math.abs(now - this.#lookedAt) < LOOK_MS) return;
    this.#wasDisabled = isDisabled;
    this.#lookedAt = now;
    if (isDisabled) this.#ends.sendAway("all");
    else this.#ends.keepAlive(this.#lookUp());
  }

  /** See to it now: something was changed. */
  lookAgain(now: number): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY;
    this.look(now);
  }

  /** Never fails: while it is not known who may watch, those who do go on. */
  async #lookUp(): Promise<void> {
    const { db, stream, sendAway } = this.#ends;
    try {
      const asked = db().prepare("SELECT access FROM streams WHERE id = ?").bind(stream);
      const row = await within(ANSWER_MS, "who may watch", asked.first<{ access: string }>());
      if (row && row.access !== "public") sendAway("unsigned");
    } catch (error) {
      console.warn("who may watch could not be learned", { stream, error: String(error) });
    }
  }
}
