/**
 * What a shard tells presence channels of its people: who came and left, in batches, and with each heartbeat the sum of all who are there,
 * so that what was lost on the way is told again. Who is there is read from the seats each time; nothing here has to outlast the object.
 */
import { nameOfPresence } from "../../wire/presence.ts";
import {
  type Attendance,
  type Attended,
  type Attendee,
  type Leaving,
  sumOf,
  weightOf,
} from "../core/presence/attendance.ts";
import type { Connection } from "../core/viewers/socket/connection.ts";

/** Who comes and leaves within that goes together. */
const BATCH_MS = 100;
/** A channel that did not answer is asked again, */
const RETRY_MS = 1_000;
/** but not for ever where nobody is any more: by then it has let the shard go by itself. */
const RETRIES = 60;

/** What this needs of its shard. */
export interface PresenceEnds {
  /** Name of the shard; known as soon as somebody was there. */
  readonly shard: () => string;
  /** Connections that are subscribed to a channel. */
  readonly listening: (channel: string) => Iterable<Connection>;
  readonly channels: () => readonly string[];
  readonly attend: (name: string, attendance: Attendance) => Promise<Attended>;
}

/** One channel, as long as something is to be told of it. */
interface Pending {
  came: Set<string>;
  left: Map<string, Leaving>;
  timer: boolean;
  sending: Promise<void> | undefined;
  failures: number;
}

export class ViewerPresence {
  readonly #ends: PresenceEnds;
  readonly #pending = new Map<string, Pending>();
  #number = 0;

  constructor(ends: PresenceEnds) {
    this.#ends = ends;
  }

  /** A connection is another from now on; absent: it is over. */
  moved(before: Connection, after: Connection | undefined, leaving: Leaving): void {
    const user = before.who?.user ?? after?.who?.user;
    if (user === undefined || user === "") return;
    const earlier = presencesOf(before);
    const now = presencesOf(after);
    for (const name of earlier) if (!now.includes(name)) this.#of(name).left.set(user, leaving);
    const isOther = before.who?.info !== after?.who?.info;
    for (const name of now) if (isOther || !earlier.includes(name)) this.#of(name).came.add(user);
    for (const name of new Set([...earlier, ...now])) this.#tellSoon(name, BATCH_MS);
  }

  /** The heartbeat: say of each channel that the shard is there, and with whom. Never fails. */
  async beat(): Promise<void> {
    const names = this.#ends.channels().flatMap((channel) => nameOfPresence(channel) ?? []);
    await Promise.all(names.map((name) => this.#tell(name)));
  }

  #of(name: string): Pending {
    const known = this.#pending.get(name);
    if (known) return known;
    const pending: Pending = {
      came: new Set(),
      left: new Map(),
      timer: false,
      sending: undefined,
      failures: 0,
    };
    this.#pending.set(name, pending);
    return pending;
  }

  #tellSoon(name: string, ms: number): void {
    const pending = this.#pending.get(name);
    if (!pending || pending.timer || pending.came.size + pending.left.size === 0) return;
    pending.timer = true;
    setTimeout(() => {
      pending.timer = false;
      void this.#tell(name);
    }, ms);
  }

  /** Tell it what there is to tell, one thing after the other. */
  async #tell(name: string): Promise<void> {
    const pending = this.#of(name);
    if (pending.sending) {
      await pending.sending;
      this.#tellSoon(name, 0);
      return;
    }
    pending.sending = this.#send(name, pending);
    await pending.sending;
    pending.sending = undefined;
    const isDone = pending.came.size + pending.left.size === 0 && !pending.timer;
    if (isDone && this.#pending.get(name) === pending) this.#pending.delete(name);
  }

  async #send(name: string, pending: Pending): Promise<void> {
    const { came, left } = pending;
    pending.came = new Set();
    pending.left = new Map();
    try {
      const people = this.#people(name);
      const { again } = await this.#ends.attend(name, {
        ...this.#head(people),
        came: [...came].flatMap((user) => people.get(user) ?? []),
        left: gone(left, people),
        isWhole: false,
      });
      if (again) await this.#sendAll(name);
      pending.failures = 0;
    } catch (error) {
      console.warn("a presence channel does not answer", { name, error: String(error) });
      pending.came = new Set([...came, ...pending.came]);
      pending.left = new Map([...left, ...pending.left]);
      pending.failures += 1;
      if (pending.failures <= RETRIES) this.#tellSoon(name, RETRY_MS);
    }
  }

  async #sendAll(name: string): Promise<void> {
    const people = this.#people(name);
    await this.#ends.attend(name, {
      ...this.#head(people),
      came: [...people.values()],
      left: [],
      isWhole: true,
    });
  }

  #head(people: ReadonlyMap<string, Attendee>): Pick<Attendance, "shard" | "number" | "sum"> {
    // It goes on after a sleep, as the clock does.
    this.#number = Math.max(this.#number + 1, Date.now());
    const weight = [...people.values()].reduce((sum, attendee) => sum + weightOf(attendee), 0);
    return { shard: this.#ends.shard(), number: this.#number, sum: sumOf(people.size, weight) };
  }

  /** Who is there: everybody with a name, once. */
  #people(name: string): ReadonlyMap<string, Attendee> {
    const people = new Map<string, Attendee>();
    for (const { who } of this.#ends.listening(`presence:${name}`)) {
      if (who === undefined || who.user === "" || who.info === undefined) continue;
      people.set(who.user, { user: who.user, info: who.info });
    }
    return people;
  }
}

const presencesOf = (connection: Connection | undefined): readonly string[] =>
  connection?.channels.flatMap(({ channel }) => nameOfPresence(channel) ?? []) ?? [];

/** Who left, and has no other tab here. */
const gone = (
  left: ReadonlyMap<string, Leaving>,
  people: ReadonlyMap<string, Attendee>,
): Attendance["left"] =>
  [...left].filter(([user]) => !people.has(user)).map(([user, leaving]) => ({ user, leaving }));
