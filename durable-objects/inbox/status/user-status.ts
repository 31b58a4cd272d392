/**
 * Status and friends of the user of an inbox: how they are, who may see it, whom they see. Puts own-status.ts, friends.ts and watching.ts
 * together for the inbox, which owns the channel, the alarm and the calls.
 */
import { ok } from "../../../media/result.ts";
import type { ChosenStatus, FriendList, InboxAction, InboxEvent } from "../../../wire/inbox.ts";
import type { Speaker } from "../../core/chat/judge.ts";
import type { Acted } from "../../core/viewers/socket/decision.ts";
import type { LazyTables } from "../lazy-tables.ts";
import type { FriendAnswer, FriendCall, FriendInbox } from "./friend-calls.ts";
import { FriendRows } from "./friend-rows.ts";
import { Friends } from "./friends.ts";
import { OwnStatus } from "./own-status.ts";
import { Watching } from "./watching.ts";

/** What this needs of its inbox. */
export interface StatusPorts {
  readonly user: string;
  readonly tables: LazyTables;
  readonly kv: SyncKvStorage;
  /** Devices that listen to the inbox now. */
  readonly devices: () => number;
  /** Since when nothing was heard of any, as of when the object woke up: milliseconds since 1970. */
  readonly unheardSince: number;
  /** To all devices; `about`: without an offset, in the place of what was said of it before. */
  readonly tell: (event: InboxEvent, about?: string) => void;
  readonly inboxOf: (user: string) => FriendInbox;
  readonly isBlocked: (user: string) => boolean;
  /** Whether the user may reach out to somebody else today; they are counted. */
  readonly reaches: () => boolean;
  /** `dueAt` may be sooner than it was. */
  readonly schedule: () => void;
  readonly keepAlive: (work: Promise<unknown>) => void;
}

export type StatusAction = Extract<InboxAction, { readonly name: `status.${string}` | `friends.${string}` }>;

export class UserStatus {
  readonly #ports: StatusPorts;
  readonly #rows: FriendRows;
  readonly #own: OwnStatus;
  readonly #friends: Friends;
  readonly #watching: Watching;

  constructor(ports: StatusPorts, now: number) {
    const { user, kv, inboxOf, isBlocked, reaches, tell, schedule, keepAlive } = ports;
    const rows = new FriendRows(ports.tables);
    this.#ports = ports;
    this.#rows = rows;
    this.#own = new OwnStatus(
      {
        kv,
        shown: () => this.#watching.tellWatchers(Date.now()),
        moved: (isHere) => (isHere ? this.#watching.watch(Date.now()) : this.#watching.unwatch()),
      },
      ports.unheardSince,
    );
    this.#watching = new Watching(
      {
        ...{ user, rows, kv, isBlocked, inboxOf, tell, schedule, keepAlive },
        shown: () => this.#own.shown,
        isHere: () => this.#own.isHere,
      },
      now,
    );
    this.#friends = new Friends({
      ...{ user, rows, inboxOf, isBlocked, reaches, schedule },
      tell: (event) => tell(event),
      turned: (friend, mayBeSeen) => this.#watching.turned(friend, mayBeSeen),
    });
  }

  get chosen(): ChosenStatus {
    return this.#own.chosen;
  }

  /** Notifications are welcome. */
  isDisturbable(): boolean {
    return this.#own.chosen !== "dnd";
  }

  /** So many devices listen, as shards say. */
  listening(devices: number, now: number): void {
    this.#own.listening(devices, now);
    // An object that has just woken up knows of nobody how they are.
    if (this.#own.isHere) this.#watching.watch(now);
    this.#ports.schedule();
  }

  /** Do what the user asks for by `rpc`. */
  async act(speaker: Speaker, action: StatusAction, now: number): Promise<Acted> {
    const acted = await this.#act(speaker, action, now);
    this.#ports.schedule();
    return acted;
  }

  /** Another inbox says something. */
  befriend(call: FriendCall, now: number): FriendAnswer {
    switch (call.type) {
      case "following":
        return this.#friends.heedFollowing(call, now);
      case "allowing":
        return this.#friends.heedAllowing(call);
      case "watch":
        return this.#watching.heedWatch(call.by, now);
      case "status":
        return this.#watching.heedStatus(call.by, call.status);
    }
  }

  /** The user has blocked somebody, or does not any more. */
  blocked(user: string, now: number): void {
    this.#watching.tellWatchers(now, user);
  }

  /** When there is something to do next, milliseconds since 1970. */
  dueAt(now: number): number | undefined {
    const dues = [this.#own.dueAt(now), this.#rows.dueAt(), this.#watching.dueAt()];
    const moments = dues.filter((at) => at !== undefined);
    return moments.length === 0 ? undefined : Math.min(...moments);
  }

  /** Do what is due. Never fails. */
  async again(now: number): Promise<void> {
    this.#own.pass(this.#ports.devices(), now);
    await Promise.all([this.#friends.again(now), this.#watching.again(now)]);
  }

  async #act(speaker: Speaker, action: StatusAction, now: number): Promise<Acted> {
    switch (action.name) {
      case "status.set": {
        const { status } = action.data;
        const isNew = status !== this.#own.chosen;
        this.#own.choose(status, now);
        if (isNew) this.#ports.tell({ type: "you", chosen: status }, "you");
        return ok({});
      }
      case "status.active":
        this.#own.active(now);
        return ok({});
      case "friends.follow":
        return this.#friends.follow(speaker, action.data.user, now);
      case "friends.unfollow":
        return this.#friends.unfollow(action.data.user, now);
      case "friends.allow":
        return this.#friends.allow(action.data.user, action.data.allowed, now);
      case "friends.list":
        return ok(this.#list());
    }
  }

  #list(): FriendList {
    return {
      following: this.#rows.allFollowing().map(({ user, state }) => {
        const status = state === "allowed" ? this.#watching.statusOf(user) : undefined;
        return { user, state, ...(status && { status }) };
      }),
      followers: this.#rows.followers().map(({ user, name, state }) => ({
        user,
        ...(name !== null && { name }),
        allowed: state === "allowed",
      })),
    };
  }
}
