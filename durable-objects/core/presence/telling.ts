/**
 * What of a roster's changes is told, and when: who came and went, at once while it is quiet and in batches while it is not; in a large
 * channel only how many are here. So what n people cost who come within a while grows with n and not with n². Clocks are arguments; no I/O.
 */
import { LARGE_CHANNEL, type PresenceEvent, type Present, SMALL_CHANNEL } from "../../../wire/presence.ts";
import type { Attendee } from "./attendance.ts";
import type { Roster } from "./roster.ts";

/** From one event to the next, of a small channel, */
export const SMALL_GAP_MS = 250;
/** and of a larger one. */
export const LARGE_GAP_MS = 1_000;
/** A channel where only counts are told tells names again when it is smaller than this: not back and forth. */
const NAMES_AGAIN = 0.8 * LARGE_CHANNEL;
/** Names in one event. */
export const EVENT_NAMES = 200;

/** What has to outlast the object: whom the events so far have named as being here. */
export interface ToldRows {
  tell(attendee: Attendee): void;
  untell(user: string): void;
  /** From now on only counts are told, or names again. */
  count(isCounting: boolean): void;
}

/** An event, and whether it has a place in the history. */
export interface Told {
  readonly event: PresenceEvent;
  readonly isKept: boolean;
}

type Seen = Pick<Roster, "users" | "all" | "infoOf">;

export class Telling {
  readonly #rows: ToldRows;
  readonly #told = new Map<string, string>();
  #isCounting: boolean;
  /** Users who may be otherwise than was told. */
  readonly #changed = new Set<string>();
  #toldUsers: number | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(rows: ToldRows, told: readonly Attendee[], isCounting: boolean) {
    this.#rows = rows;
    this.#isCounting = isCounting;
    for (const { user, info } of told) this.#told.set(user, info);
  }

  /** Names are told of everybody who is here. */
  namesAll(roster: Seen): boolean {
    return !this.#isCounting && roster.users <= LARGE_CHANNEL;
  }

  changed(user: string): void {
    this.#changed.add(user);
  }

  /** Whatever changed while nobody told it. */
  compare(roster: Seen): void {
    for (const { user } of roster.all()) this.#changed.add(user);
    for (const user of this.#told.keys()) this.#changed.add(user);
  }

  /** When the next event may go; `undefined`: there is none. */
  dueAt(roster: Seen): number | undefined {
    const isNews = this.#isCounting ? roster.users !== this.#toldUsers : this.#changed.size > 0;
    if (!isNews) return undefined;
    return this.#toldAt + (roster.users <= SMALL_CHANNEL ? SMALL_GAP_MS : LARGE_GAP_MS);
  }

  /** The events that are due. Somebody who left and is back is in none. */
  tell(roster: Seen, now: number): readonly Told[] {
    const told = this.#next(roster);
    this.#changed.clear();
    if (told.length === 0) return told;
    this.#toldUsers = roster.users;
    this.#toldAt = now;
    return told;
  }

  #next(roster: Seen): readonly Told[] {
    const { users } = roster;
    if (!this.#isCounting && users > LARGE_CHANNEL) {
      this.#count(true);
      for (const user of this.#told.keys()) this.#rows.untell(user);
      this.#told.clear();
      // Who comes back and recovers has to learn that their list is not kept up any more.
      return [{ event: { type: "count", users }, isKept: true }];
    }
    if (this.#isCounting && users > NAMES_AGAIN) {
      return [{ event: { type: "count", users }, isKept: false }];
    }
    if (this.#isCounting) {
      this.#count(false);
      for (const attendee of roster.all()) this.#tell(attendee);
      return [{ event: { type: "changes", came: [], went: [], users }, isKept: true }];
    }
    return this.#changes(roster).map((event) => ({ event, isKept: true }));
  }

  #changes(roster: Seen): readonly PresenceEvent[] {
    const came: Present[] = [];
    const went: string[] = [];
    for (const user of this.#changed) {
      const info = roster.infoOf(user);
      if (info === this.#told.get(user)) continue;
      if (info === undefined) {
        went.push(user);
        this.#told.delete(user);
        this.#rows.untell(user);
      } else {
        came.push(presentOf({ user, info }));
        this.#tell({ user, info });
      }
    }
    const events = Math.max(Math.ceil(came.length / EVENT_NAMES), Math.min(1, went.length));
    return Array.from({ length: events }, (_, index) => ({
      type: "changes",
      came: came.slice(index * EVENT_NAMES, (index + 1) * EVENT_NAMES),
      went: index === 0 ? went : [],
      users: roster.users,
    }));
  }

  #tell(attendee: Attendee): void {
    this.#told.set(attendee.user, attendee.info);
    this.#rows.tell(attendee);
  }

  #count(isCounting: boolean): void {
    this.#isCounting = isCounting;
    this.#rows.count(isCounting);
  }
}

/** Somebody as others see them. */
export const presentOf = ({ user, info }: Attendee): Present => ({ user, ...JSON.parse(info) });
