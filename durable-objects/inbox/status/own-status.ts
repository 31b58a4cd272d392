/**
 * How the user of an inbox is, kept: written when it changes, and not with every sign of life. What follows from what is in
 * core/inbox/status.ts; who hears of it, in watching.ts.
 */
import type { ChosenStatus } from "../../../wire/inbox.ts";
import {
  active,
  chose,
  dueAt,
  heard,
  passed,
  type Shown,
  type Standing,
  shownOf,
  UNSEEN,
} from "../../core/inbox/status.ts";

const STATUS = "status";
/** What somebody does is written so often at most: an object that was away does not know what they did since. */
const ACTIVE_KEPT_MS = 30_000;

type Kept = Pick<Standing, "chosen" | "isHere" | "goneAt" | "activeAt" | "seenAt"> & {
  readonly shown: Shown;
};

export interface OwnStatusPorts {
  readonly kv: SyncKvStorage;
  /** Others are to see it. Stored by then. */
  readonly shown: () => void;
  /** A device has come after there was none, or the last has been gone for a while. */
  readonly moved: (isHere: boolean) => void;
}

export class OwnStatus {
  readonly #ports: OwnStatusPorts;
  #standing: Standing;
  #kept: Kept | undefined;

  /** `unheardSince`: for so long no device was heard of, milliseconds since 1970. */
  constructor(ports: OwnStatusPorts, unheardSince: number) {
    this.#ports = ports;
    this.#kept = ports.kv.get<Kept>(STATUS);
    this.#standing = this.#kept ? { ...UNSEEN, ...standingOf(this.#kept), heardAt: unheardSince } : UNSEEN;
  }

  get chosen(): ChosenStatus {
    return this.#standing.chosen;
  }

  /** A device is here, or was until a moment ago. */
  get isHere(): boolean {
    return this.#standing.isHere;
  }

  /** As others see it. */
  get shown(): Shown {
    return this.#kept?.shown ?? { status: "offline" };
  }

  /** So many devices listen. */
  listening(devices: number, now: number): void {
    this.#step(heard(this.#standing, devices, now), now);
  }

  /** The alarm: so many devices listened when it was heard last, which may be long ago. */
  pass(devices: number, now: number): void {
    const standing = devices === 0 ? heard(this.#standing, 0, now) : this.#standing;
    this.#step(standing, now);
  }

  active(now: number): void {
    this.#step(active(this.#standing, now), now);
  }

  choose(chosen: ChosenStatus, now: number): void {
    this.#step(chose(this.#standing, chosen, now), now);
  }

  dueAt(now: number): number | undefined {
    return dueAt(this.#standing, now);
  }

  #step(heardOf: Standing, now: number): void {
    const next = passed(heardOf, now);
    const before = this.#kept;
    this.#standing = next;
    const shown = shownOf(next, now);
    const isShown = JSON.stringify(shown) !== JSON.stringify(this.shown);
    const { chosen, isHere, goneAt, activeAt, seenAt } = next;
    const isActive = activeAt - (before?.activeAt ?? activeAt) >= ACTIVE_KEPT_MS;
    const isSame =
      isHere === (before?.isHere ?? false) &&
      goneAt === before?.goneAt &&
      chosen === (before?.chosen ?? "online");
    if (isSame && !isShown && !isActive) return;
    this.#kept = {
      ...{ chosen, isHere, activeAt, shown },
      ...(goneAt !== undefined && { goneAt }),
      ...(seenAt !== undefined && { seenAt }),
    };
    this.#ports.kv.put(STATUS, this.#kept);
    if (isHere !== (before?.isHere ?? false)) this.#ports.moved(isHere);
    if (isShown) this.#ports.shown();
  }
}

const standingOf = ({ shown: _shown, ...kept }: Kept): Omit<Kept, "shown"> => kept;
