/**
 * Who watches how whom is: while the user of an inbox is online it asks those whom they follow, for a while, and hears of each change; and it
 * tells those who watch its own user. Nobody learns who they are. Who may is decided in friends.ts.
 */
import type { InboxEvent, UserStatus } from "../../../wire/inbox.ts";
import type { Shown } from "../../core/inbox/status.ts";
import { within } from "../../deadline.ts";
import {
  FRIEND_MS,
  type FriendAnswer,
  type FriendCall,
  type FriendInbox,
  type NumberedStatus,
} from "./friend-calls.ts";
import type { FriendRows } from "./friend-rows.ts";

/** So long somebody is told of changes without having asked again; they do so at half the time. */
export const WATCH_MS = 30 * 60_000;
const RENEW_MS = WATCH_MS / 2;
/** Who did not answer is asked again after so long. */
const RETRY_MS = 10_000;
/** Calls of other inboxes under way at a time. */
const AT_ONCE = 16;
/** Statuses go to the devices at most so often. */
const TOLD_MS = 1_000;
/** Not everybody who watches has heard how the user is. */
const TELLING = "telling status";
/** When those whom the user follows are to be asked again: an object that sleeps a little and often does not ask each time. */
const RENEW_AT = "renew friends at";

export interface WatchingPorts {
  readonly user: string;
  readonly rows: FriendRows;
  readonly kv: SyncKvStorage;
  /** As others see the user. */
  readonly shown: () => Shown;
  /** The user is online: somebody may read what is told. */
  readonly isHere: () => boolean;
  readonly isBlocked: (user: string) => boolean;
  readonly inboxOf: (user: string) => FriendInbox;
  /** To the user's devices, without an offset. */
  readonly tell: (event: InboxEvent, about: string) => void;
  readonly schedule: () => void;
  readonly keepAlive: (work: Promise<unknown>) => void;
}

const UNKNOWN: Shown = { status: "offline" };

export class Watching {
  readonly #ports: WatchingPorts;
  /** How those are whom the user may see. */
  readonly #seen = new Map<string, NumberedStatus>();
  readonly #untold = new Map<string, UserStatus>();
  #toldAt = 0;
  #batches = 0;
  #isTelling = false;
  /** When those whom the user follows are to be asked again; they are watched until long after that. */
  #renewAt: number | undefined;
  /** Who has still to be asked. */
  readonly #unasked = new Set<string>();
  #asking: Promise<void> | undefined;
  /** Who watches, and has still to be told; in an object that was telling when it went away, all of them. */
  readonly #behind: Set<string>;
  #passing: Promise<void> | undefined;
  #retryAt: number | undefined;
  #number = 0;

  constructor(ports: WatchingPorts, now: number) {
    this.#ports = ports;
    this.#renewAt = ports.kv.get<number>(RENEW_AT);
    this.#behind = new Set(ports.kv.get(TELLING) ? ports.rows.watchers(now) : []);
    if (this.#behind.size > 0) this.#retryAt = now;
  }

  /** How somebody is whom the user may see; `undefined`: it is not known yet, and will be told. */
  statusOf(user: string): UserStatus | undefined {
    const status = this.#seen.get(user);
    if (status === undefined && this.#ports.isHere()) {
      this.#unasked.add(user);
      this.#ask();
    }
    return status && asSeen(user, status);
  }

  /** The user is online: ask those whom they follow, unless they were asked lately. */
  watch(now: number): void {
    if (this.#renewAt !== undefined && now < this.#renewAt) return;
    this.#renewAt = now + RENEW_MS;
    this.#ports.kv.put(RENEW_AT, this.#renewAt);
    for (const { user, state } of this.#ports.rows.allFollowing()) {
      if (state === "allowed") this.#unasked.add(user);
    }
    this.#ask();
  }

  /** They are not any more. */
  unwatch(): void {
    if (this.#renewAt !== undefined) this.#ports.kv.delete(RENEW_AT);
    this.#renewAt = undefined;
    this.#unasked.clear();
    this.#seen.clear();
    this.#untold.clear();
  }

  /** The user may see somebody, or may not any more. */
  turned(user: string, mayBeSeen: boolean): void {
    if (!this.#ports.isHere()) return;
    if (mayBeSeen) {
      this.#unasked.add(user);
      this.#ask();
      return;
    }
    this.#unasked.delete(user);
    if (this.#seen.delete(user)) this.#show({ user, ...UNKNOWN });
  }

  /** Somebody wants to hear how the user is. */
  heedWatch(by: string, now: number): FriendAnswer {
    if (this.#ports.rows.follower(by)?.state !== "allowed") return { isWatching: false };
    this.#ports.rows.watch(by, now + WATCH_MS);
    return { isWatching: true, status: this.#statusFor(by, now) };
  }

  /** Somebody says how they are. */
  heedStatus(by: string, status: NumberedStatus): FriendAnswer {
    const isWatching = this.#ports.isHere() && this.#ports.rows.following(by)?.state === "allowed";
    if (isWatching) this.#see(by, status);
    return { isWatching };
  }

  /** The user is otherwise than they were: tell those who watch, or one of them. */
  tellWatchers(now: number, only?: string): void {
    const watchers = this.#ports.rows.watchers(now).filter((user) => only === undefined || user === only);
    if (watchers.length === 0) return;
    this.#ports.kv.put(TELLING, true);
    for (const user of watchers) this.#behind.add(user);
    // Should this object go away before all of them have answered.
    this.#retryAt ??= now + RETRY_MS;
    this.#ports.schedule();
    this.#pass();
  }

  dueAt(): number | undefined {
    const dues = [this.#retryAt, this.#ports.isHere() ? this.#renewAt : undefined];
    const moments = dues.filter((at) => at !== undefined);
    return moments.length === 0 ? undefined : Math.min(...moments);
  }

  /** Do what is due. */
  async again(now: number): Promise<void> {
    if (this.#ports.isHere()) this.watch(now);
    if (this.#retryAt !== undefined && this.#retryAt <= now) {
      this.#retryAt = undefined;
      this.#ask();
      this.#pass();
    }
    await Promise.all([this.#asking, this.#passing]);
  }

  /** Ask everybody who has to be asked, some at a time. */
  #ask(): void {
    if (this.#asking || this.#unasked.size === 0) return;
    const work = async (user: string): Promise<void> => {
      const { isWatching, status } = await this.#call(user, { type: "watch", by: this.#ports.user });
      // Whether the user may see them they say themselves; until that was heard there is nothing to see.
      if (!this.#ports.isHere() || this.#ports.rows.following(user)?.state !== "allowed") return;
      if (isWatching && status) this.#see(user, status);
      else if (this.#seen.delete(user)) this.#show({ user, ...UNKNOWN });
    };
    this.#asking = this.#drain(this.#unasked, work, () => {
      this.#asking = undefined;
    });
    this.#ports.keepAlive(this.#asking);
  }

  #pass(): void {
    if (this.#passing || this.#behind.size === 0) return;
    const work = async (user: string): Promise<void> => {
      if (this.#ports.rows.follower(user)?.state !== "allowed") return;
      const status = this.#statusFor(user, Date.now());
      const told = await this.#call(user, { type: "status", by: this.#ports.user, status });
      if (!told.isWatching) this.#ports.rows.watch(user, null);
    };
    this.#passing = this.#drain(this.#behind, work, () => {
      this.#passing = undefined;
      if (this.#behind.size === 0) this.#ports.kv.delete(TELLING);
    });
    this.#ports.keepAlive(this.#passing);
  }

  /** Do it for each, and for those who are added meanwhile; who fails stays for the alarm. */
  async #drain(users: Set<string>, work: (user: string) => Promise<void>, done: () => void): Promise<void> {
    const failed: string[] = [];
    while (users.size > 0) {
      const queue = [...users];
      users.clear();
      const one = async (): Promise<void> => {
        for (let user = queue.pop(); user !== undefined; user = queue.pop()) {
          try {
            await work(user);
          } catch (error) {
            console.warn("a friend does not answer", { error: String(error) });
            failed.push(user);
          }
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, one));
    }
    for (const user of failed) users.add(user);
    const isLeft = this.#unasked.size + this.#behind.size > 0;
    this.#retryAt = isLeft ? Date.now() + RETRY_MS : undefined;
    done();
    this.#ports.schedule();
  }

  async #call(user: string, call: FriendCall): Promise<FriendAnswer> {
    const answer: Promise<FriendAnswer> = this.#ports.inboxOf(user).befriend(call);
    return await within(FRIEND_MS, call.type, answer);
  }

  /** Who is blocked sees nobody, as if they were offline. */
  #statusFor(user: string, now: number): NumberedStatus {
    this.#number = Math.max(this.#number + 1, now);
    const shown = this.#ports.isBlocked(user) ? UNKNOWN : this.#ports.shown();
    return { ...shown, number: this.#number };
  }

  #see(user: string, status: NumberedStatus): void {
    const before = this.#seen.get(user);
    if (before && before.number >= status.number) return;
    this.#seen.set(user, status);
    const isSame = before && JSON.stringify(asSeen(user, before)) === JSON.stringify(asSeen(user, status));
    if (!isSame) this.#show(asSeen(user, status));
  }

  /** Tell the devices: at once while it is quiet, else with what else comes within a second. */
  #show(status: UserStatus): void {
    this.#untold.set(status.user, status);
    if (this.#isTelling) return;
    this.#isTelling = true;
    const restMs = Math.max(0, this.#toldAt + TOLD_MS - Date.now());
    setTimeout(() => this.#tellAll(), restMs);
  }

  #tellAll(): void {
    this.#isTelling = false;
    const statuses = [...this.#untold.values()];
    this.#untold.clear();
    if (statuses.length === 0) return;
    this.#toldAt = Date.now();
    this.#batches += 1;
    // One batch does not replace another that is still on its way.
    this.#ports.tell({ type: "statuses", statuses }, `statuses ${this.#batches}`);
  }
}

const asSeen = (user: string, { number: _number, ...shown }: NumberedStatus): UserStatus => ({
  user,
  ...shown,
});
