/**
 * The conversation that is open, as the page shows it: the stretch of its rows that is on the page, its members, who types. `step(conversation, event)` is
 * all that ever changes it; what the rows look like is in `items.ts`. No DOM, no socket, no clock.
 */
import type {
  ConversationEvent,
  ConversationMessage,
  Member,
  RoomKind,
  RoomState,
} from "../../wire/conversations.ts";
import { TYPING_SECONDS } from "../../wire/conversations.ts";
import { type Erased, erase, NOTHING_ERASED } from "../chat/erased.ts";
import type { Who } from "../chat/who.ts";
import { type Reacted, react } from "./reactions.ts";
import { append, EMPTY_STRETCH, type Page, type Place, type Stretch, without, withPage } from "./stretch.ts";

/** What is kept to be applied once more to rows that come later. */
const MAX_REACTED = 1_000;

export interface Conversation {
  readonly room: string;
  readonly me: Who;
  /** `new`: never subscribed; `refused`: it is not for this user, or not any more. */
  readonly link: "new" | "joined" | "dropped" | "refused";
  readonly kind: RoomKind | undefined;
  readonly title: string | undefined;
  readonly members: ReadonlyMap<string, Member>;
  /** Of everybody who was heard of, also of those who left. */
  readonly names: ReadonlyMap<string, string>;
  readonly mayWrite: boolean;
  /** Up to where this user had read when they came; messages of others after that are new to them. */
  readonly readAtFirst: number | undefined;
  /** Number of the newest publication that is known of. */
  readonly newest: number;
  /** Where the channel was when this page began to hear all of it. */
  readonly since: number;
  readonly phase: "loading" | "here" | "failed";
  readonly stretch: Stretch;
  /** On which side more is being asked for, or could not be had. */
  readonly asking: Place | undefined;
  readonly failed: Place | undefined;
  readonly isAtEnd: boolean;
  /** Messages of others below what is shown. */
  readonly unseen: number;
  readonly typing: ReadonlyMap<string, Typing>;
  readonly erased: Erased;
  readonly reacted: readonly Reacted[];
  /** Texts that are shown whole, by id. */
  readonly whole: ReadonlyMap<string, string>;
  /** The message that was looked for. */
  readonly found: string | undefined;
}

export interface Typing {
  readonly name?: string;
  readonly untilMs: number;
}

export type ConversationChange =
  | { readonly type: "joined"; readonly isWhole: boolean; readonly offset: number }
  | { readonly type: "dropped" | "refused" | "failed" }
  | { readonly type: "told"; readonly state: RoomState }
  | {
      readonly type: "heard";
      readonly event: ConversationEvent;
      readonly offset?: number | undefined;
      readonly nowMs: number;
    }
  | { readonly type: "asking"; readonly place: Place }
  | { readonly type: "ask-failed"; readonly place: Place }
  | { readonly type: "page"; readonly page: Page; readonly found?: string }
  /** One that is shown was looked for. */
  | { readonly type: "found"; readonly id: string }
  | { readonly type: "whole"; readonly id: string; readonly text: string }
  | { readonly type: "at-end"; readonly isAtEnd: boolean }
  | { readonly type: "tick"; readonly nowMs: number }
  /** This user wrote: what was new to them is not any more. */
  | { readonly type: "wrote" };

export const opened = (room: string, me: Who): Conversation => ({
  room,
  me,
  link: "new",
  kind: undefined,
  title: undefined,
  members: new Map(),
  names: new Map(),
  mayWrite: false,
  readAtFirst: undefined,
  newest: 0,
  since: 0,
  phase: "loading",
  stretch: EMPTY_STRETCH,
  asking: "newest",
  failed: undefined,
  isAtEnd: true,
  unseen: 0,
  typing: new Map(),
  erased: NOTHING_ERASED,
  reacted: [],
  whole: new Map(),
  found: undefined,
});

/** The conversation after a change. */
export function step(before: Conversation, change: ConversationChange): Conversation {
  switch (change.type) {
    case "joined":
      return joined(before, change);
    case "dropped":
    case "refused":
      return before.link === "refused" ? before : { ...before, link: change.type, typing: new Map() };
    case "failed":
      return before.phase === "here" ? before : { ...before, phase: "failed" };
    case "told":
      return told(before, change.state);
    case "heard":
      return hear(before, change);
    case "asking":
      return { ...before, asking: change.place, failed: undefined };
    case "ask-failed":
      return {
        ...before,
        asking: undefined,
        failed: change.place,
        phase: before.phase === "loading" ? "failed" : before.phase,
      };
    case "page":
      return paged(before, change);
    case "found":
      return { ...before, found: change.id };
    case "whole":
      return { ...before, whole: new Map([...before.whole, [change.id, change.text]]) };
    case "at-end":
      if (change.isAtEnd === before.isAtEnd) return before;
      return { ...before, isAtEnd: change.isAtEnd, unseen: change.isAtEnd ? 0 : before.unseen };
    case "tick":
      return ticked(before, change.nowMs);
    case "wrote":
      return { ...before, readAtFirst: Number.POSITIVE_INFINITY };
  }
}

function joined(
  before: Conversation,
  { isWhole, offset }: { readonly isWhole: boolean; readonly offset: number },
): Conversation {
  const next: Conversation = { ...before, link: "joined", newest: Math.max(before.newest, offset) };
  return isWhole ? next : { ...next, since: offset, asking: "newest", failed: undefined, reacted: [] };
}

function told(before: Conversation, { kind, title, members, newest, you }: RoomState): Conversation {
  return {
    ...before,
    kind,
    title,
    members: new Map(members.map((member) => [member.user, member])),
    names: named(before.names, members),
    mayWrite: you.mayWrite,
    newest: Math.max(before.newest, newest),
    readAtFirst: before.readAtFirst ?? you.read,
  };
}

function hear(
  before: Conversation,
  { event, offset, nowMs }: Extract<ConversationChange, { type: "heard" }>,
): Conversation {
  const next = offset === undefined ? before : { ...before, newest: Math.max(before.newest, offset) };
  switch (event.type) {
    case "message":
      return said(next, event);
    case "deleted": {
      const erased = erase(next.erased, event, offset ?? 0);
      return { ...next, erased, stretch: without(next.stretch, erased) };
    }
    case "reaction":
      return {
        ...next,
        stretch: react(next.stretch, [event]),
        reacted: [...next.reacted, event].slice(-MAX_REACTED),
      };
    case "gone":
      return next;
    case "typing":
      return typed(next, event, nowMs);
    case "read": {
      const member = next.members.get(event.user);
      return member && event.seq > member.read ? withMember(next, { ...member, read: event.seq }) : next;
    }
    case "joined":
      return noted(withMember(next, event.member), event, offset);
    case "left":
      return noted(withoutMember(next, event.user), event, offset);
    case "role": {
      const member = next.members.get(event.user);
      return noted(member ? withMember(next, { ...member, role: event.role }) : next, event, offset);
    }
    case "title":
      return noted({ ...next, title: event.title }, event, offset);
  }
}

function said(before: Conversation, message: ConversationMessage): Conversation {
  const isNew = message.seq > (before.stretch.rows.at(-1)?.seq ?? 0) && message.user !== before.me.user;
  const typing = new Map([...before.typing].filter(([user]) => user !== message.user));
  const author = before.members.get(message.user);
  // Who wrote has read what stands above it.
  const next =
    author && message.seq > author.read ? withMember(before, { ...author, read: message.seq }) : before;
  const stretch = append(next.stretch, { seq: message.seq, event: message }, next.erased, next.isAtEnd);
  const isBelow = isNew && (!next.isAtEnd || stretch.hasAfter);
  return {
    ...next,
    names: named(next.names, [message]),
    typing,
    stretch,
    unseen: next.unseen + (isBelow ? 1 : 0),
  };
}

const noted = (
  before: Conversation,
  event: Extract<ConversationEvent, { type: "joined" | "left" | "role" | "title" }>,
  offset: number | undefined,
): Conversation =>
  offset === undefined
    ? before
    : {
        ...before,
        stretch: append(before.stretch, { seq: offset, event }, before.erased, before.isAtEnd),
      };

const withMember = (before: Conversation, member: Member): Conversation => ({
  ...before,
  members: new Map([...before.members, [member.user, member]]),
  names: named(before.names, [member]),
});

function named(
  names: ReadonlyMap<string, string>,
  people: readonly { readonly user: string; readonly name?: string }[],
): ReadonlyMap<string, string> {
  const fresh = people.flatMap(({ user, name }) =>
    name === undefined || names.get(user) === name ? [] : [[user, name] as const],
  );
  return fresh.length === 0 ? names : new Map([...names, ...fresh]);
}

function withoutMember(before: Conversation, user: string): Conversation {
  const members = new Map([...before.members].filter(([other]) => other !== user));
  const typing = new Map([...before.typing].filter(([other]) => other !== user));
  const isMe = user === before.me.user;
  return { ...before, members, typing, ...(isMe && { link: "refused", mayWrite: false }) };
}

function typed(
  before: Conversation,
  { user, name, typing }: Extract<ConversationEvent, { type: "typing" }>,
  nowMs: number,
): Conversation {
  if (user === before.me.user) return before;
  const others = [...before.typing].filter(([other]) => other !== user);
  const one: Typing = { ...(name !== undefined && { name }), untilMs: nowMs + 1000 * TYPING_SECONDS };
  return { ...before, typing: new Map(typing ? [...others, [user, one]] : others) };
}

function ticked(before: Conversation, nowMs: number): Conversation {
  const left = [...before.typing].filter(([, { untilMs }]) => untilMs > nowMs);
  return left.length === before.typing.size ? before : { ...before, typing: new Map(left) };
}

function paged(
  before: Conversation,
  { page, found }: Extract<ConversationChange, { type: "page" }>,
): Conversation {
  const stretch = react(withPage(before.stretch, page, before), before.reacted);
  const isAll = page.place === "newest";
  return {
    ...before,
    phase: "here",
    asking: undefined,
    failed: undefined,
    stretch,
    names: named(
      before.names,
      page.events.flatMap(({ event }) => peopleOf(event)),
    ),
    unseen: isAll ? 0 : before.unseen,
    found: found ?? (isAll ? undefined : before.found),
  };
}

const peopleOf = (event: ConversationEvent): readonly { readonly user: string; readonly name?: string }[] =>
  event.type === "message" ? [event] : event.type === "joined" ? [event.member] : [];

/** The member that this user is. */
export const myself = ({ members, me }: Conversation): Member | undefined => members.get(me.user);

/** The other one of a one-to-one room. */
export const peerOf = ({ kind, members, me }: Conversation): Member | undefined =>
  kind === "direct" ? [...members.values()].find(({ user }) => user !== me.user) : undefined;

/** Whether this user may administer the group, or take back what others said. */
export function mayModerate(conversation: Conversation): boolean {
  const role = myself(conversation)?.role;
  return conversation.kind === "group" && (role === "owner" || role === "moderator");
}

/** Number up to which this user has read, when they are at the end of all that there is. */
export function readUpTo({ isAtEnd, stretch, newest, phase, link }: Conversation): number | undefined {
  return isAtEnd && !stretch.hasAfter && phase === "here" && link === "joined" ? newest : undefined;
}
