/**
 * Tells the members' inboxes what is new in a conversation. All that is up to `told` they have; who lacks something of it, or is owed more
 * for another reason, has a row of their own. So one write is enough for a message that everybody took, and one inbox that does not
 * answer holds up nobody else. What is told is composed by the conversation.
 */
import { backoffMs } from "../core/backoff.ts";
import { within } from "../deadline.ts";
import type { InboxDelivery, InboxTaken } from "../inbox/inbox-messages.ts";

/** What happens within one tick goes together. */
export const TICK_MS = 250;
/** A large group's is longer: who has it open hears it from the conversation itself, and each inbox is an object that has to be woken. */
const TICK_MS_OF_A_MEMBER = 10;
/** Inboxes that are told at once: what is said meanwhile is not to stand behind a hundred of them. */
const AT_ONCE = 10;
/** A round that takes longer goes its own way, */
const PATIENCE_MS = 1_000;
/** and is given up for this time when it takes so long. */
const ANSWER_MS = 5_000;
/** An object that was evicted in the middle of it goes on after so long. */
const RESUME_MS = 3_000;
const LONGEST_WAIT_MS = 300_000;
const TOLD = "told";

const TABLES = `
  CREATE TABLE IF NOT EXISTS owed (
    user TEXT PRIMARY KEY, told INTEGER NOT NULL, failures INTEGER NOT NULL, due INTEGER NOT NULL
  ) WITHOUT ROWID;
`;

/** Somebody whose inbox is somewhere else than `told`. */
interface Owed {
  readonly user: string;
  readonly told: number;
  /** In a row. */
  readonly failures: number;
  /** Milliseconds since 1970. */
  readonly due: number;
}

/** What an outbox needs of its conversation. */
export interface OutboxPorts {
  readonly sql: SqlStorage;
  readonly kv: SyncKvStorage;
  /** Number of the newest publication. */
  readonly newest: () => number;
  /** Who is to be told of everything. */
  readonly members: () => readonly string[];
  /** Of whom the inbox does not know how far they have read. */
  readonly behind: () => readonly string[];
  /** What somebody is told of what came after a number; `undefined`: nothing of it is for them. */
  readonly compose: (user: string, after: number) => InboxDelivery | undefined;
  readonly send: (user: string, delivery: InboxDelivery) => Promise<InboxTaken>;
  /** An inbox has taken a delivery. */
  readonly took: (user: string, delivery: InboxDelivery) => void;
  readonly keepAlive: (work: Promise<unknown>) => void;
  /** Call `resume` by this time, whatever becomes of the object. */
  readonly alarmBy: (at: number) => void;
}

export class ConversationOutbox {
  readonly #ports: OutboxPorts;
  readonly #owed = new Map<string, Owed>();
  /** Deliveries under way; `isOutdated`: what is owed has changed since. */
  readonly #flights = new Map<string, { isOutdated: boolean }>();
  #told = 0;
  /** What everybody has when this round is over. */
  #aim = 0;
  #round: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #roundAt = Number.NEGATIVE_INFINITY;

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
  }

  /** Make the table, where it is not there yet. */
  create(): void {
    this.#ports.sql.exec(TABLES);
  }

  /** Read what was told. */
  load(): void {
    this.#told = this.#ports.kv.get<number>(TOLD) ?? 0;
    this.#aim = this.#told;
    const rows = this.#ports.sql.exec<{ user: string; told: number; failures: number; due: number }>(
      "SELECT user, told, failures, due FROM owed",
    );
    this.#owed.clear();
    for (const row of rows) this.#owed.set(row.user, row);
  }

  /** Somebody comes or goes: they are told of what comes after a number, and of nothing before it. */
  owe(user: string, told: number, now: number): void {
    const flight = this.#flights.get(user);
    if (flight) flight.isOutdated = true;
    this.#put({ user, told, failures: 0, due: now });
  }

  /** Something was stored that inboxes are to know: they are told at once, or with what else happens in this tick. */
  go(now: number): void {
    this.#ports.alarmBy(now + RESUME_MS);
    if (this.#round || this.#timer !== undefined) return;
    const wait = this.#roundAt + Math.max(TICK_MS, TICK_MS_OF_A_MEMBER * this.#ports.members().length) - now;
    if (wait <= 0) this.#begin();
    else
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#begin();
      }, wait);
  }

  /** Do what is due. */
  async resume(): Promise<void> {
    this.#begin();
    await this.#round;
  }

  /** When there is something to do; `undefined`: all is told. */
  dueAt(now: number): number | undefined {
    const owed = [...this.#owed.values()].map(({ due }) => Math.max(due, now + TICK_MS));
    const isBehind = this.#told < this.#ports.newest() || this.#ports.behind().length > 0;
    const all = isBehind ? [...owed, now + RESUME_MS] : owed;
    return all.length > 0 ? Math.min(...all) : undefined;
  }

  #begin(): void {
    if (this.#round) return;
    this.#round = this.#tellAll().finally(() => {
      this.#round = undefined;
      const now = Date.now();
      if (this.#waiting(now).length > 0) this.go(now);
    });
    this.#ports.keepAlive(this.#round);
  }

  /** Who is to be told of something now. */
  #waiting(now: number): readonly string[] {
    const { newest, members, behind } = this.#ports;
    const owed = [...this.#owed.values()].filter(({ due }) => due <= now).map(({ user }) => user);
    const others = (this.#told < newest() ? members() : behind()).filter((user) => !this.#owed.has(user));
    return [...owed, ...others].filter((user) => !this.#flights.has(user));
  }

  async #tellAll(): Promise<void> {
    const now = Date.now();
    this.#roundAt = now;
    // What is said in the same turn goes along.
    await Promise.resolve();
    const told = this.#told;
    this.#aim = this.#ports.newest();
    const users = this.#waiting(now);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, PATIENCE_MS);
    const left = [...users];
    const tellNext = async (): Promise<void> => {
      for (let user = left.pop(); user !== undefined; user = left.pop())
        await this.#tell(user, this.#owed.get(user)?.told ?? told);
    };
    await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, tellNext)), late.promise]);
    clearTimeout(timer);
    // Whose turn has not come is told in the next round.
    for (const user of left.splice(0))
      this.#put({ failures: 0, told, ...this.#owed.get(user), user, due: now });
    for (const user of users)
      if (this.#flights.has(user) && !this.#owed.has(user))
        this.#put({ user, told, failures: 0, due: now + ANSWER_MS });
    if (this.#told === this.#aim) return;
    this.#told = this.#aim;
    this.#ports.kv.put(TOLD, this.#told);
  }

  /** Tell one what came after a number. Never fails. */
  async #tell(user: string, after: number): Promise<void> {
    const flight = { isOutdated: false };
    const failures = this.#owed.get(user)?.failures ?? 0;
    this.#flights.set(user, flight);
    try {
      const delivery = this.#ports.compose(user, after);
      if (delivery) {
        await within(ANSWER_MS, "an inbox", this.#ports.send(user, delivery));
        this.#ports.took(user, delivery);
      }
      if (!flight.isOutdated) this.#reached(user, delivery?.upTo ?? this.#aim);
    } catch (error) {
      console.warn("an inbox could not be told yet", { failures, error: String(error) });
      const due = Date.now() + backoffMs(failures + 1, LONGEST_WAIT_MS);
      if (!flight.isOutdated) this.#put({ user, told: after, failures: failures + 1, due });
      this.#ports.alarmBy(due);
    } finally {
      this.#flights.delete(user);
    }
  }

  /** Somebody's inbox has everything up to there. */
  #reached(user: string, upTo: number): void {
    const isMember = this.#ports.members().includes(user);
    const now = Date.now();
    if (upTo >= this.#aim || !isMember) this.#drop(user);
    else {
      this.#put({ user, told: upTo, failures: 0, due: now });
      this.go(now);
    }
  }

  #put(owed: Owed): void {
    const { user, told, failures, due } = owed;
    this.#ports.sql.exec(
      "INSERT OR REPLACE INTO owed (user, told, failures, due) VALUES (?, ?, ?, ?)",
      ...[user, told, failures, due],
    );
    this.#owed.set(user, owed);
  }

  #drop(user: string): void {
    if (!this.#owed.delete(user)) return;
    this.#ports.sql.exec("DELETE FROM owed WHERE user = ?", user);
  }
}
