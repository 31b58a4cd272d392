/**
 * Who is in a presence channel: one entry for each user, whichever shards and tabs they are in; a connection that broke off has a while to
 * come back. Keeps its rows by what it is given, and says whom something changed for. Clocks are arguments; no I/O.
 */
import { type Attendance, type Attendee, type Leaving, sumOf, weightOf } from "./attendance.ts";

/** So long somebody is here whose connection broke off. */
export const GRACE_MS = 15_000;
/** A shard that was not heard for so long takes its people with it: their time is over by then. */
export const SILENT_SHARD_MS = 60_000;

/** What has to outlast the object; written before anybody is told. */
export interface RosterRows {
  enter(shard: string, attendee: Attendee): void;
  leave(shard: string, user: string): void;
  /** Nowhere at the moment, and here all the same until then. */
  spare(attendee: Attendee, until: number): void;
  /** That is over: they are back, or gone. */
  unspare(user: string): void;
}

/** What was kept. */
export interface KeptRoster {
  readonly entries: readonly (Attendee & { readonly shard: string })[];
  readonly spared: readonly (Attendee & { readonly until: number })[];
}

interface Shard {
  heardAt: number;
  number: number;
  /** Of its people, added up. */
  weight: number;
  readonly people: Map<string, string>;
}

interface Person {
  /** As they came last. */
  info: string;
  readonly shards: Set<string>;
}

export class Roster {
  readonly #rows: RosterRows;
  readonly #changed: (user: string) => void;
  readonly #shards = new Map<string, Shard>();
  readonly #people = new Map<string, Person>();
  /** Until when they are here all the same; in that order, as everybody has the same time. */
  readonly #spared = new Map<string, number>();

  /** `changed` hears of each user who came, left or is another than they were. */
  constructor(rows: RosterRows, kept: KeptRoster, now: number, changed: (user: string) => void) {
    this.#rows = rows;
    this.#changed = changed;
    for (const { user, info, until } of kept.spared) {
      this.#people.set(user, { info, shards: new Set() });
      this.#spared.set(user, until);
    }
    // Shards could not be heard while this object was away.
    for (const { shard, user, info } of kept.entries)
      this.#place(this.#shard(shard, now), shard, { user, info });
  }

  get users(): number {
    return this.#people.size;
  }

  /** Everybody who is here. */
  all(): readonly Attendee[] {
    return [...this.#people].map(([user, { info }]) => ({ user, info }));
  }

  /** What is known of somebody; `undefined`: they are not here. */
  infoOf(user: string): string | undefined {
    return this.#people.get(user)?.info;
  }

  /** Next moment at which somebody may be gone unless something is heard. */
  get nextAt(): number | undefined {
    const [spared] = this.#spared.values();
    const silent = [...this.#shards.values()].map(({ heardAt }) => heardAt + SILENT_SHARD_MS);
    const moments = [...(spared === undefined ? [] : [spared]), ...silent];
    return moments.length === 0 ? undefined : Math.min(...moments);
  }

  /** Hear what a shard tells. False: this is not the same as the shard has, and the whole list is wanted. */
  hear({ shard: name, number, came, left, isWhole, sum }: Attendance, now: number): boolean {
    const shard = this.#shard(name, now);
    // It was under way for longer than what came after it.
    if (number <= shard.number) return true;
    shard.number = number;
    shard.heardAt = now;
    for (const { user, leaving } of left) this.#leave(shard, name, user, leaving, now);
    if (isWhole) {
      const there = new Set(came.map(({ user }) => user));
      // How they left nobody knows: the shard was away itself.
      for (const user of [...shard.people.keys()]) {
        if (!there.has(user)) this.#leave(shard, name, user, "broken", now);
      }
    }
    for (const attendee of came) this.#enter(shard, name, attendee);
    const isSame = sum === sumOf(shard.people.size, shard.weight);
    if (isSame && shard.people.size === 0) this.#shards.delete(name);
    return isSame;
  }

  /** Let go whose time is over. */
  expire(now: number): void {
    for (const [name, shard] of [...this.#shards]) {
      if (now - shard.heardAt < SILENT_SHARD_MS) continue;
      for (const user of [...shard.people.keys()]) this.#leave(shard, name, user, "gone", now);
      this.#shards.delete(name);
    }
    for (const [user, until] of [...this.#spared]) {
      if (until > now) break;
      this.#letGo(user);
    }
  }

  /** They may not be here any more, wherever they are; their shards say so as well. */
  putOut(users: readonly string[]): void {
    for (const user of users) {
      for (const name of [...(this.#people.get(user)?.shards ?? [])]) {
        const shard = this.#shards.get(name);
        if (shard) this.#leave(shard, name, user, "gone", 0);
      }
      if (this.#spared.has(user)) this.#letGo(user);
    }
  }

  #shard(name: string, now: number): Shard {
    const known = this.#shards.get(name);
    if (known) return known;
    const shard: Shard = { heardAt: now, number: 0, weight: 0, people: new Map() };
    this.#shards.set(name, shard);
    return shard;
  }

  #enter(shard: Shard, name: string, attendee: Attendee): void {
    const { user, info } = attendee;
    const isSparedNow = this.#spared.has(user);
    if (shard.people.get(user) === info && !isSparedNow) return;
    this.#rows.enter(name, attendee);
    if (isSparedNow) this.#unspare(user);
    this.#place(shard, name, attendee);
    this.#changed(user);
  }

  #place(shard: Shard, name: string, attendee: Attendee): void {
    const { user, info } = attendee;
    const before = shard.people.get(user);
    if (before !== undefined) shard.weight -= weightOf({ user, info: before });
    shard.people.set(user, info);
    shard.weight += weightOf(attendee);
    const person = this.#people.get(user) ?? { info, shards: new Set() };
    person.info = info;
    person.shards.add(name);
    this.#people.set(user, person);
  }

  /** The last of their places decides whether they have a while to come back. */
  #leave(shard: Shard, name: string, user: string, leaving: Leaving, now: number): void {
    const info = shard.people.get(user);
    const person = this.#people.get(user);
    if (info === undefined || !person) return;
    this.#rows.leave(name, user);
    shard.people.delete(user);
    shard.weight -= weightOf({ user, info });
    person.shards.delete(name);
    if (person.shards.size > 0) return;
    if (leaving === "broken") {
      const until = now + GRACE_MS;
      this.#rows.spare({ user, info: person.info }, until);
      this.#spared.set(user, until);
      return;
    }
    this.#people.delete(user);
    this.#changed(user);
  }

  #letGo(user: string): void {
    this.#unspare(user);
    this.#people.delete(user);
    this.#changed(user);
  }

  #unspare(user: string): void {
    this.#rows.unspare(user);
    this.#spared.delete(user);
  }
}
