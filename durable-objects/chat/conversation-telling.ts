/** What each member's inbox is told of a conversation: the room as it is, looked up for core/chat/telling.ts. Decides nothing. */
import { ConversationEventSchema, type ConversationMessage } from "../../wire/conversations.ts";
import { parseJson } from "../../wire/parse.ts";
import { type Happened, type Reader, tell, tellGone } from "../core/chat/telling.ts";
import type { InboxDelivery } from "../inbox/inbox-messages.ts";
import type { ConversationRoom } from "./conversation-room.ts";

/** Publications of one delivery; whoever lacks more gets them in several. */
const AT_ONCE = 200;

/** What happened up to a number. */
interface Stretch {
  readonly happened: readonly Happened[];
  readonly upTo: number;
}

export class ConversationTelling {
  readonly #room: ConversationRoom;
  /** What all members are told of at once is looked up once: by the room's newest number and the one it is asked after. */
  #known:
    | {
        readonly newest: number;
        readonly after: Map<number, Stretch>;
        /** By how far somebody has read. */
        readonly unread: Map<number, number>;
        readonly last: ConversationMessage | undefined;
      }
    | undefined;

  constructor(room: ConversationRoom) {
    this.#room = room;
  }

  /** What somebody is told of what came after a number; `undefined`: nothing of it is for them. */
  compose(user: string, after: number): InboxDelivery | undefined {
    const room = this.#room;
    const { facts } = room;
    const member = room.members.get(user);
    if (!facts) return undefined;
    if (!member) return tellGone({ room: room.name, kind: facts.kind }, after + 1, Date.now());
    // Somebody who opens a room with somebody else has not said anything yet.
    if (facts.kind === "direct" && user !== facts.creator && room.rows.messages === 0) return undefined;
    const { last } = this.#look();
    const peer = room.peerOf(user);
    const name = peer === undefined ? undefined : room.members.get(peer)?.name;
    const newest = room.position.offset;
    const reader: Reader = {
      room: room.name,
      kind: facts.kind,
      ...(facts.title !== undefined && { title: facts.title }),
      user,
      ...(peer !== undefined && { peer: { user: peer, ...(name !== undefined && { name }) } }),
      joinedAt: member.joinedAt,
      read: member.read,
      isReadNews: member.read !== member.toldRead,
      unread: this.#unread(member.read),
      newest,
      ...(last && { last }),
    };
    const { happened, upTo } = this.#after(after);
    return tell(reader, happened, upTo);
  }

  /** Their inbox knows it. */
  took(user: string, { summary: { read }, left }: InboxDelivery): void {
    const member = this.#room.members.get(user);
    if (!left && member && member.toldRead < read) this.#room.members.change(user, { toldRead: read });
  }

  /** Of whom the inbox does not know how far they have read. */
  behind(): readonly string[] {
    return this.#room.members.all().flatMap(({ user, read, toldRead }) => (read > toldRead ? [user] : []));
  }

  #after(seq: number): Stretch {
    const { after, newest } = this.#look();
    const known = after.get(seq);
    if (known) return known;
    const stored = this.#room.rows.next(seq, AT_ONCE);
    const happened = stored.flatMap(({ offset, data }) => {
      const event = parseJson(ConversationEventSchema, data);
      return event.ok ? [{ seq: offset, event: event.value }] : [];
    });
    const upTo = stored.length < AT_ONCE ? newest : (stored.at(-1)?.offset ?? newest);
    const stretch = { happened, upTo };
    after.set(seq, stretch);
    return stretch;
  }

  #unread(read: number): number {
    const { unread } = this.#look();
    const known = unread.get(read) ?? this.#room.rows.messagesAfter(read);
    unread.set(read, known);
    return known;
  }

  #look() {
    const newest = this.#room.position.offset;
    if (this.#known?.newest !== newest)
      this.#known = { newest, after: new Map(), unread: new Map(), last: this.#room.rows.last() };
    return this.#known;
  }
}
