/** Counts messages by object and second, and keeps the busiest second of each kind. */

/** Kinds of message that are counted. */
export type Kind =
  | "stream in"
  | "stream out"
  | "relay in"
  | "relay out"
  | "shard calls"
  | "shard upgrades"
  | "shard reports";

/** The busiest second of an object of a class. */
export interface Busiest {
  readonly count: number;
  readonly object: string;
  readonly atSecond: number;
}

export class Meter {
  readonly #now = new Map<string, Map<string, number>>();
  readonly #busiest = new Map<string, Busiest>();
  readonly #totals = new Map<Kind, number>();

  /** Count a message of an object. */
  count(kind: Kind, object: string, messages = 1): void {
    this.#totals.set(kind, (this.#totals.get(kind) ?? 0) + messages);
    // All kinds of a class of objects together are what its limit is compared with.
    const group = kind.split(" ")[0] ?? kind;
    for (const name of [kind, group]) {
      const objects = this.#now.get(name) ?? new Map<string, number>();
      this.#now.set(name, objects);
      objects.set(object, (objects.get(object) ?? 0) + messages);
    }
  }

  /** A second is over. */
  roll(atSecond: number): void {
    for (const [name, objects] of this.#now) {
      for (const [object, count] of objects) {
        if (count > (this.#busiest.get(name)?.count ?? 0))
          this.#busiest.set(name, { count, object, atSecond });
      }
      objects.clear();
    }
  }

  /** The busiest second of any object; `name` is a kind, or a class for all of its kinds. */
  busiest(name: Kind | "stream" | "relay" | "shard"): Busiest {
    return this.#busiest.get(name) ?? { count: 0, object: "", atSecond: 0 };
  }

  total(kind: Kind): number {
    return this.#totals.get(kind) ?? 0;
  }
}
