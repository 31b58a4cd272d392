/**
 * One object per room, the only one who numbers what is said there. It is stored before anybody is told of it, and told through the
 * shards that have somebody who listens. Who somebody is, shards know; what they may do is decided in core/chat/.
 */
import { DurableObject } from "cloudflare:workers";
import { fail, ok, type Result } from "../../media/result.ts";
import type { StreamPosition } from "../../wire/centrifugo.ts";
import {
  type Action,
  CHAT_ERROR,
  CHAT_HISTORY,
  type ChatEvent,
  type ChatMessage,
  type ChatState,
  chatChannel,
  QUOTED_LETTERS,
  type Say,
  SettingsSchema,
  told,
} from "../../wire/chat.ts";
import { parse } from "../../wire/parse.ts";
import { ULID_RANDOM_BYTES, ulid } from "../../wire/ulid.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import {
  isModerator,
  judgeSpeaker,
  judgeText,
  type Refusal,
  readText,
  type Speaker,
} from "../core/chat/judge.ts";
import type { Reacted } from "../core/chat/reactions.ts";
import { QUIET, sample } from "../core/chat/sampling.ts";
import { excerpt } from "../core/chat/text.ts";
import type { Acted } from "../core/viewers/socket/decision.ts";
import type {
  Followed,
  LivePublication,
  ReportAnswer,
  ShardReport,
} from "../core/viewers/viewer-messages.ts";
import { ChannelAudience } from "../viewers/channel-audience.ts";
import { LiveReactions } from "./live-reactions.ts";
import { entryOf, sanctionOf } from "./room-answers.ts";
import { type Deed, type NewRow, RoomRows, type Stored } from "./room-rows.ts";
import { RoomState } from "./room-state.ts";

/** Rows that one alarm forgets. */
const PRUNED_AT_ONCE = 5_000;
const PRUNE_MS = 60_000;

/** What came of a message: where it is. */
export interface Posted {
  readonly id: string;
  readonly seq: number;
  /** It was there already. */
  readonly isRepeat: boolean;
}
/** What a room is asked for: signs come otherwise, gathered by shards. */
type RoomAsked = Exclude<Action, { readonly name: "chat.react" }>;
type ModeratorAction = Exclude<RoomAsked, { readonly name: "chat.state" }>;

export class ChatRoom extends DurableObject<ObjectsEnv> {
  readonly #rows: RoomRows;
  readonly #state: RoomState;
  readonly #audience: ChannelAudience;
  readonly #reactions: LiveReactions;
  #offset: number;
  #pace = QUIET;
  /** The alarm is set, as far as is known. */
  #isToRing = false;
  /** Senders of the messages that did not go to everybody, by offset: of the history, and since the object woke up. */
  readonly #leftOut = new Map<number, string>();

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.#rows = new RoomRows(ctx.storage.sql);
    this.#state = new RoomState(ctx.storage.kv, () => crypto.randomUUID().slice(0, 8));
    this.#offset = this.#rows.newest();
    this.#audience = new ChannelAudience({
      channel: chatChannel(ctx.id.name ?? ""),
      kv: ctx.storage.kv,
      env: () => this.env,
      keepAlive: (work) => ctx.waitUntil(work),
      log: this,
    });
    this.#reactions = new LiveReactions(this.#rows, (told, now) => this.#audience.tell(told, now));
  }

  /** Take a message. Sent again with its nonce it is the same message. */
  say(speaker: Speaker, { text: written, nonce, replyTo }: Say): Result<Posted, Refusal> {
    return this.#take(speaker, written, nonce, { replyTo });
  }

  /** Do what somebody asks for by `rpc`. */
  act(speaker: Speaker, action: RoomAsked): Acted {
    const now = Date.now();
    if (action.name === "chat.state") return ok(this.#stateFor(speaker, now));
    return isModerator(speaker) ? this.#moderate(speaker, action, now) : fail("forbidden");
  }

  /** Count signs that people of a shard gave within a second. */
  react(reacted: readonly Reacted[]): void {
    if (this.#state.settings.enabled) this.#reactions.add(reacted, Date.now());
  }

  /** What followed a position, or the newest there is. */
  since(position: StreamPosition | undefined): Followed {
    const now = this.position;
    const oldest = now.offset - CHAT_HISTORY;
    const from = position === undefined ? oldest : position.offset;
    const isKnown =
      position === undefined ||
      (position.epoch === now.epoch && position.offset <= now.offset && position.offset >= oldest);
    const publications = isKnown ? this.#rows.after(from, CHAT_HISTORY) : [];
    // What was forgotten leaves no row behind.
    const isWhole = position === undefined || publications.length === now.offset - position.offset;
    return {
      position: now,
      complete: isKnown && isWhole,
      // A shard that repairs itself chooses as it would have done at first.
      publications: isKnown && isWhole ? publications.map((one) => this.#marked(one)) : [],
    };
  }

  /** Shards say how many listen there. */
  report(reports: readonly ShardReport[]): ReportAnswer {
    this.#audience.hear(reports, Date.now());
    return {
      position: this.position,
      viewers: 0,
      draining: [],
      parents: {},
    };
  }

  /** Forget what is too old. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    const before = now - 60_000 * this.#state.settings.retentionMinutes;
    const isMore = this.#rows.prune(before, PRUNED_AT_ONCE) >= PRUNED_AT_ONCE;
    this.#isToRing = !this.#rows.isForgotten;
    if (this.#isToRing) await this.ctx.storage.setAlarm(now + (isMore ? 0 : PRUNE_MS));
  }

  /** Where the room is. */
  get position(): StreamPosition {
    return { epoch: this.#state.epoch, offset: this.#offset };
  }

  #take(
    speaker: Speaker,
    written: string,
    nonce: string,
    { replyTo, announcement }: { readonly replyTo?: string | undefined; readonly announcement?: true },
  ): Result<Posted, Refusal> {
    const now = Date.now();
    const { settings } = this.#state;
    const read = readText(written, { letters: settings.maxLetters });
    if (!read.ok) return read;
    const text = read.value;
    const before = this.#rows.said(speaker.user, nonce);
    if (before) return again(before, text);
    const refused = judgeText(speaker, text, this.#rows.past(speaker, text, now), settings, now);
    if (refused) return fail(refused);
    const quoted = replyTo === undefined ? undefined : this.#rows.message(replyTo);
    if (replyTo !== undefined && !quoted) return fail({ name: "unknownMessage" });
    const id = ulid(now, crypto.getRandomValues(new Uint8Array(ULID_RANDOM_BYTES)));
    const seq = this.#offset + 1;
    const message: ChatMessage = {
      type: "message",
      id,
      seq,
      user: speaker.user,
      ...(speaker.name !== undefined && { name: speaker.name }),
      role: speaker.role,
      text,
      nonce,
      at: new Date(now).toISOString(),
      ...(quoted && { replyTo: quote(quoted) }),
      ...(announcement && { announcement }),
    };
    this.#publish(message, now, {
      id,
      speaker,
      nonce,
      text,
      ...(replyTo !== undefined && { replyTo }),
    });
    return ok({ id, seq, isRepeat: false });
  }

  /** Store, then tell. */
  #publish(event: ChatEvent, now: number, message?: NewRow["message"]): void {
    const seq = this.#offset + 1;
    const data = JSON.stringify(event);
    this.#rows.add({ seq, at: now, data, ...(message && { message }) });
    this.#offset = seq;
    if (event.type === "message" && !this.#isForAll(event, now)) this.#leaveOut(seq, event.user);
    this.#audience.tell(this.#marked({ offset: seq, data }), now);
    if (!this.#isToRing) this.ctx.waitUntil(this.#ring(now));
  }

  /** Have it forgotten in time, unless that is seen to. */
  async #ring(now: number): Promise<void> {
    this.#isToRing = true;
    const { storage } = this.ctx;
    if ((await storage.getAlarm()) === null) await storage.setAlarm(now + PRUNE_MS);
  }

  /** In a huge room that talks faster than anybody reads, not every message is. */
  #isForAll({ role, announcement }: ChatMessage, now: number): boolean {
    const isKept = announcement === true || role === "moderator" || role === "owner";
    const { pace, isForAll } = sample(this.#pace, { listeners: this.#audience.sockets, isKept, now });
    this.#pace = pace;
    return isForAll;
  }

  #leaveOut(seq: number, user: string): void {
    this.#leftOut.set(seq, user);
    for (const oldest of this.#leftOut.keys()) {
      if (oldest > seq - CHAT_HISTORY) return;
      this.#leftOut.delete(oldest);
    }
  }

  #marked(publication: Stored): Stored & LivePublication {
    const user = this.#leftOut.get(publication.offset);
    return user === undefined ? publication : { ...publication, only: { user } };
  }

  #stateFor(speaker: Speaker, now: number): ChatState {
    const { settings, pinned } = this.#state;
    const silencedUntil = this.#rows.silencedUntil(speaker, now);
    const refused = judgeSpeaker(
      speaker,
      silencedUntil === undefined ? {} : { silencedUntil },
      settings,
      now,
    );
    const until = refused?.seconds === undefined ? undefined : new Date(now + 1000 * refused.seconds);
    return {
      settings: told(settings),
      pinned: pinned ?? null,
      you: {
        mayWrite: refused === undefined,
        mayModerate: isModerator(speaker),
        ...(refused && { why: CHAT_ERROR[refused.name].message }),
        ...(until && { until: until.toISOString() }),
      },
      ...(isModerator(speaker) && { blockedWords: [...settings.blockedWords] }),
    };
  }

  /** What a moderator does; all of it or nothing. */
  #moderate(by: Speaker, action: ModeratorAction, now: number): Acted {
    const rows = this.#rows;
    switch (action.name) {
      case "chat.delete": {
        const { id } = action.data;
        const message = rows.message(id);
        if (!message) return fail({ name: "unknownMessage" });
        rows.erase({ id });
        this.#unpin((pinned) => pinned.id === id, now);
        this.#publish({ type: "deleted", ids: [id] }, now);
        return this.#done(by, { action: "delete", target: id, detail: message.name ?? message.user }, now);
      }
      case "chat.deleteUser": {
        const { user } = action.data;
        this.#eraseUser(user, now);
        return this.#done(by, { action: "delete user", target: user }, now);
      }
      case "chat.clear":
        this.#unpin(() => true, now);
        this.#publish({ type: "cleared" }, now);
        rows.clear(this.#offset);
        return this.#done(by, { action: "clear" }, now);
      case "chat.timeout": {
        const { user, seconds, reason } = action.data;
        const until = now + 1000 * seconds;
        rows.silence(user, until, { by: by.user, at: now, ...(reason !== undefined && { reason }) });
        this.#eraseUser(user, now);
        this.#publish({ type: "sanction", user, until: new Date(until).toISOString() }, now);
        return this.#done(by, { action: "time out", target: user, detail: why(`${seconds} s`, reason) }, now);
      }
      case "chat.ban": {
        const { user, reason } = action.data;
        rows.silence(user, undefined, { by: by.user, at: now, ...(reason !== undefined && { reason }) });
        this.#eraseUser(user, now);
        this.#publish({ type: "sanction", user }, now);
        return this.#done(
          by,
          { action: "ban", target: user, ...(reason !== undefined && { detail: reason }) },
          now,
        );
      }
      case "chat.unban": {
        const { user } = action.data;
        if (rows.unsilence(user)) this.#publish({ type: "sanction", user, lifted: true }, now);
        return this.#done(by, { action: "unban", target: user }, now);
      }
      case "chat.settings": {
        const { settings } = action.data;
        const next = parse(SettingsSchema, { ...this.#state.settings, ...settings });
        if (next.ok) this.#state.settings = next.value;
        this.#publish({ type: "settings", settings: told(this.#state.settings) }, now);
        return this.#done(by, { action: "settings", detail: JSON.stringify(settings) }, now);
      }
      case "chat.pin":
        return this.#pin(by, action.data.id, now);
      case "chat.announce": {
        const { text, nonce } = action.data;
        const posted = this.#take(by, text, nonce, { announcement: true });
        return posted.ok ? ok({ id: posted.value.id }) : posted;
      }
      case "chat.sanctions":
        return ok({ sanctions: rows.sanctions(now, action.data.skip, action.data.limit).map(sanctionOf) });
      case "chat.log":
        return ok({ entries: rows.deeds(action.data.before, action.data.limit).map(entryOf) });
    }
  }

  #eraseUser(user: string, now: number): void {
    this.#rows.remember(user);
    this.#rows.erase({ user });
    this.#unpin((message) => message.user === user, now);
    this.#publish({ type: "user-deleted", user }, now);
  }

  #pin(by: Speaker, id: string | null, now: number): Acted {
    if (id === null) {
      this.#unpin(() => true, now);
      return this.#done(by, { action: "unpin" }, now);
    }
    const message = this.#rows.message(id);
    if (!message) return fail({ name: "unknownMessage" });
    // What it answers may be deleted while it is pinned.
    const { replyTo: _quote, ...pinned } = message;
    this.#state.pinned = pinned;
    this.#publish({ type: "pinned", message: pinned }, now);
    return this.#done(by, { action: "pin", target: id }, now);
  }

  /** Take down what is pinned, if it is such a message. */
  #unpin(isMeant: (message: ChatMessage) => boolean, now: number): void {
    const { pinned } = this.#state;
    if (!pinned || !isMeant(pinned)) return;
    this.#state.pinned = undefined;
    this.#publish({ type: "pinned", message: null }, now);
  }

  #done(by: Speaker, deed: Omit<Deed, "by">, now: number): Acted {
    this.#rows.note({ by: by.user, ...deed }, now);
    return ok({});
  }
}

/** The same nonce with the same text is the same message; what became of it since does not matter. */
function again(before: NonNullable<ReturnType<RoomRows["said"]>>, text: string): Result<Posted, Refusal> {
  const isSame = before.text === null || before.text === text;
  return isSame ? ok({ id: before.id, seq: before.seq, isRepeat: true }) : fail({ name: "nonceReused" });
}

const quote = ({ id, user, name, text }: ChatMessage): NonNullable<ChatMessage["replyTo"]> => ({
  id,
  user,
  ...(name !== undefined && { name }),
  text: excerpt(text, QUOTED_LETTERS),
});

const why = (what: string, reason: string | undefined): string =>
  reason === undefined ? what : `${what}: ${reason}`;
