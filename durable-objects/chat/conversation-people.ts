/** How a conversation begins, who comes and who goes, and what it is called. Decided in core/chat/membership.ts; done here, all of it or nothing. */
import { fail, ok, type Result } from "../../media/result.ts";
import { MAX_MEMBERS, type RoomAction } from "../../wire/conversations.ts";
import type { Speaker } from "../core/chat/judge.ts";
import {
  type Denial,
  judgeInvitation,
  judgeLeaving,
  judgeRemoval,
  judgeRole,
  mayModerate,
} from "../core/chat/membership.ts";
import { readTitle } from "../core/chat/wording.ts";
import type { ConversationOutbox } from "./conversation-outbox.ts";
import type { ConversationRoom } from "./conversation-room.ts";

/** What is asked for. */
type Asked<N extends RoomAction["name"]> = Extract<RoomAction, { readonly name: N }>["data"];
export type Done = Result<undefined, Denial>;
const DONE: Done = ok(undefined);

/** What people need of the conversation. */
export interface PeoplePorts {
  readonly room: ConversationRoom;
  readonly outbox: ConversationOutbox;
  /** Make what else is kept beside the room's own tables. */
  readonly create: () => void;
  readonly newEpoch: () => string;
  /** These may not listen any more. */
  readonly putOut: (users: readonly string[], now: number) => void;
  /** Nobody is left. */
  readonly emptied: (now: number) => void;
}

export class ConversationPeople {
  readonly #ports: PeoplePorts;
  readonly #room: ConversationRoom;

  constructor(ports: PeoplePorts) {
    this.#ports = ports;
    this.#room = ports.room;
  }

  /** Make a group. Asked for again by the same one it is the same group. */
  create({ user, name }: Speaker, { title: written, users }: Asked<"room.create">, now: number): Done {
    const room = this.#room;
    const { facts } = room;
    if (facts) {
      const isAgain = facts.kind === "group" && facts.creator === user && room.members.get(user);
      return isAgain ? DONE : fail("forbidden");
    }
    const title = readTitle(written);
    if (!title.ok) return title;
    if (![user, ...users].every((one) => one.isWellFormed())) return fail({ name: "malformedText" });
    const others = [...new Set(users)].filter((one) => one !== user);
    if (others.length + 1 > MAX_MEMBERS) return fail({ name: "tooManyMembers" });
    room.transact(now, () => {
      this.#make({ kind: "group", title: title.value, creator: user }, now);
      room.publish({ type: "title", title: title.value, by: user }, now);
      room.join(user, "owner", user, now, name);
      for (const other of others) room.join(other, "member", user, now);
    });
    return DONE;
  }

  /** The one-to-one room with somebody. The object has been found by both names. */
  direct({ user, name }: Speaker, peer: string, now: number): Done {
    const room = this.#room;
    if (room.facts) return room.members.get(user) && room.members.get(peer) ? DONE : fail("forbidden");
    if (user === peer) return fail("forbidden");
    if (![user, peer].every((one) => one.isWellFormed())) return fail({ name: "malformedText" });
    if (room.blocking.includes(peer)) return fail({ name: "blocked" });
    room.transact(now, () => {
      this.#make({ kind: "direct", creator: user }, now);
      room.join(user, "member", user, now, name);
      room.join(peer, "member", user, now);
    });
    return DONE;
  }

  invite({ user }: Speaker, { users }: Asked<"room.invite">, now: number): Done {
    const room = this.#room;
    const news = judgeInvitation(room.company, user, users);
    if (!news.ok) return news;
    room.transact(now, () => {
      // They are told of what is from now on, and of nothing that was.
      for (const one of news.value) this.#ports.outbox.owe(one, room.join(one, "member", user, now) - 1, now);
    });
    return DONE;
  }

  leave({ user }: Speaker, now: number): Done {
    const denied = judgeLeaving(this.#room.company, user);
    return denied ? fail(denied) : this.#part(user, user, now);
  }

  remove({ user: by }: Speaker, { user }: Asked<"room.remove">, now: number): Done {
    const denied = judgeRemoval(this.#room.company, by, user);
    return denied ? fail(denied) : this.#part(user, by, now);
  }

  rename({ user }: Speaker, { title: written }: Asked<"room.rename">, now: number): Done {
    const room = this.#room;
    if (!mayModerate(room.company, user)) return fail("forbidden");
    const title = readTitle(written);
    if (!title.ok) return title;
    if (title.value === room.facts?.title) return DONE;
    room.transact(now, () => {
      room.rename(title.value);
      room.publish({ type: "title", title: title.value, by: user }, now);
    });
    return DONE;
  }

  role({ user: by }: Speaker, { user, role }: Asked<"room.role">, now: number): Done {
    const room = this.#room;
    const denied = judgeRole(room.company, by, user, role);
    if (denied) return fail(denied);
    if (room.members.get(user)?.role === role) return DONE;
    room.transact(now, () => {
      room.members.change(user, { role });
      room.publish({ type: "role", user, role, by }, now);
    });
    return DONE;
  }

  #make(
    facts: { kind: "group"; title: string; creator: string } | { kind: "direct"; creator: string },
    now: number,
  ) {
    this.#room.create({ ...facts, name: this.#room.name, createdAt: now, epoch: this.#ports.newEpoch() });
    this.#ports.create();
  }

  #part(user: string, by: string, now: number): Done {
    const room = this.#room;
    room.transact(now, () => {
      room.members.remove(user);
      const seq = room.publish({ type: "left", user, by }, now);
      this.#ports.outbox.owe(user, seq - 1, now);
    });
    this.#ports.putOut([user], now);
    if (room.members.size === 0) this.#ports.emptied(now);
    return DONE;
  }
}
