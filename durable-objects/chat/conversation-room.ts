/**
 * A conversation as it is: what it is, its members, its publications. Each publication is stored before anybody is told of it. A room that
 * was never made has no row of any kind, whoever asks for it. Who may do what is decided elsewhere.
 */
import { fail, ok, type Result } from "../../media/result.ts";
import type { StreamPosition } from "../../wire/centrifugo.ts";
import type { ConversationEvent, MemberRole, RoomKind } from "../../wire/conversations.ts";
import type { Company } from "../core/chat/membership.ts";
import type { Followed, LivePublication } from "../core/viewers/viewer-messages.ts";
import { ConversationMembers, memberOf } from "./conversation-members.ts";
import { ConversationRows, type NewPublication } from "./conversation-rows.ts";

/** The most that a recovery replays. */
export const CONVERSATION_HISTORY = 300;
const ROOM = "room";
/** Who does not want to hear from the other one. */
const BLOCKING = "blocking";

/** What a room is. */
export interface RoomFacts {
  /** A ULID. Kept for alarms: not every runtime says it there. */
  readonly name: string;
  readonly kind: RoomKind;
  /** Of a group. */
  readonly title?: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Who made it. */
  readonly creator: string;
  /** New with the room's storage. */
  readonly epoch: string;
}

/** What a room needs of its object. */
export interface RoomPorts {
  /** A ULID; absent where the runtime does not say it. */
  readonly name: string | undefined;
  readonly storage: DurableObjectStorage;
  /** To everybody who listens. */
  readonly tell: (publication: LivePublication, now: number) => void;
  /** Something was stored. */
  readonly changed: (now: number) => void;
}

export class ConversationRoom {
  readonly name: string;
  readonly rows: ConversationRows;
  readonly members: ConversationMembers;
  readonly #ports: RoomPorts;
  #facts: RoomFacts | undefined;
  #offset = 0;
  /** Publications of a transaction that is not over. */
  #untold: LivePublication[] | undefined;

  constructor(ports: RoomPorts) {
    this.#ports = ports;
    this.name = ports.name ?? this.facts?.name ?? "";
    this.rows = new ConversationRows(ports.storage.sql);
    this.members = new ConversationMembers(ports.storage.sql);
    if (this.facts) this.#load();
  }

  /** What the room is; `undefined`: there is none. */
  get facts(): RoomFacts | undefined {
    this.#facts ??= this.#ports.storage.kv.get<RoomFacts>(ROOM);
    return this.#facts;
  }

  /** Make the room. */
  create(facts: RoomFacts): void {
    this.#ports.storage.kv.put(ROOM, facts);
    this.#facts = facts;
    this.#load();
  }

  rename(title: string): void {
    if (!this.#facts) return;
    const facts = { ...this.#facts, title };
    this.#ports.storage.kv.put(ROOM, facts);
    this.#facts = facts;
  }

  /** Where the room is. */
  get position(): StreamPosition {
    return { epoch: this.#facts?.epoch ?? "none", offset: this.#offset };
  }

  get company(): Company {
    return { kind: this.#facts?.kind ?? "group", roles: this.members.roles };
  }

  /** The other one of a one-to-one room. */
  peerOf(user: string): string | undefined {
    return this.#facts?.kind === "direct"
      ? this.members.all().find((member) => member.user !== user)?.user
      : undefined;
  }

  /** Who does not want to hear from the other one. Known before there is a room, too. */
  get blocking(): readonly string[] {
    return this.#ports.storage.kv.get<readonly string[]>(BLOCKING) ?? [];
  }

  block(by: string, blocked: boolean): void {
    const others = this.blocking.filter((user) => user !== by);
    if (!blocked && others.length === 0) this.#ports.storage.kv.delete(BLOCKING);
    else this.#ports.storage.kv.put(BLOCKING, blocked ? [...others, by] : others);
  }

  /** The other one of a one-to-one room does not want to hear from this member. */
  isBlocked(user: string): boolean {
    const peer = this.peerOf(user);
    return peer !== undefined && this.blocking.includes(peer);
  }

  /** Messages of others that a member has not read. Who says something has read what was before it. */
  unreadOf(user: string): number {
    const member = this.members.get(user);
    return member ? this.rows.messagesAfter(member.read) : 0;
  }

  /** Do all of it or nothing, and tell it then. */
  transact<T>(now: number, work: () => T): T {
    const untold: LivePublication[] = [];
    this.#untold = untold;
    try {
      const done = this.#ports.storage.transactionSync(work);
      for (const publication of untold) this.#ports.tell(publication, now);
      if (untold.length > 0) this.#ports.changed(now);
      return done;
    } catch (error) {
      this.#facts = undefined;
      this.#offset = 0;
      this.members.forget();
      if (this.facts) this.#load();
      throw error;
    } finally {
      this.#untold = undefined;
    }
  }

  /** Store an event in its place, in a transaction. */
  publish(
    event: ConversationEvent,
    now: number,
    { folded = false, message }: Partial<Pick<NewPublication, "folded" | "message">> = {},
  ): number {
    const seq = this.#offset + 1;
    const data = JSON.stringify(event);
    this.rows.add({ seq, at: now, data, folded, ...(message && { message }) });
    this.#offset = seq;
    this.#untold?.push({ offset: seq, data });
    return seq;
  }

  /** Tell something that is in no history; the next one about the same replaces it. */
  pass(about: string, event: ConversationEvent, now: number): void {
    this.#ports.tell({ about, data: JSON.stringify(event) }, now);
  }

  /** Somebody is a member from now on. */
  join(user: string, role: MemberRole, by: string, now: number, name?: string): number {
    // What was said before they came is not new to them.
    const read = this.#offset + 1;
    const row = { user, ...(name !== undefined && { name }), role, joinedAt: now, read, toldRead: read };
    this.members.put(row);
    return this.publish({ type: "joined", member: memberOf(row), by }, now);
  }

  /** Who speaks here; their name is kept as their token says it. Fails for everybody else, and where there is no room. */
  admit({ user, name }: { readonly user: string; readonly name?: string }): Result<string, "forbidden"> {
    const member = this.facts && this.members.get(user);
    if (!member) return fail("forbidden");
    if (name !== undefined && name !== member.name) this.members.change(user, { name });
    return ok(user);
  }

  /** What followed a position, or the newest there is. */
  since(position: StreamPosition | undefined): Followed {
    const now = this.position;
    if (!this.facts) return { position: now, complete: true, publications: [] };
    const oldest = Math.max(0, now.offset - CONVERSATION_HISTORY);
    const isKnown =
      position === undefined ||
      (position.epoch === now.epoch && position.offset <= now.offset && position.offset >= oldest);
    const publications = isKnown ? this.rows.after(position?.offset ?? oldest, CONVERSATION_HISTORY) : [];
    // What was forgotten leaves no row behind.
    const isWhole = position === undefined || publications.length === now.offset - position.offset;
    return {
      position: now,
      complete: isKnown && isWhole,
      publications: isKnown && isWhole ? publications : [],
    };
  }

  #load(): void {
    this.rows.create();
    this.members.create();
    this.members.load();
    this.#offset = this.rows.newest();
  }
}
