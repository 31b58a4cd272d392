/**
 * One object per conversation, a group or a one-to-one room: its members, what they said, how far they have read. Nobody but they learns
 * anything of it, not even that it is there. What it keeps stands in conversation-room.ts, who may do what in core/chat/membership.ts.
 */
import { DurableObject } from "cloudflare:workers";
import { fail, ok } from "../../media/result.ts";
import type { StreamPosition } from "../../wire/centrifugo.ts";
import { chatChannel } from "../../wire/chat.ts";
import { type ConversationSay, isDirectRoom, type RoomAction } from "../../wire/conversations.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import type { Speaker } from "../core/chat/judge.ts";
import { judgeInvitation } from "../core/chat/membership.ts";
import { Pace } from "../core/chat/pace.ts";
import type { Acted } from "../core/viewers/socket/decision.ts";
import type { Followed, ReportAnswer, ShardReport } from "../core/viewers/viewer-messages.ts";
import { within } from "../deadline.ts";
import type { InboxDelivery, InboxTaken } from "../inbox/inbox-messages.ts";
import { ChannelAudience } from "../viewers/channel-audience.ts";
import { denialOf, type Welcome } from "./conversation-guests.ts";
import { ConversationOutbox } from "./conversation-outbox.ts";
import { ConversationPeople, type Done } from "./conversation-people.ts";
import { ConversationPhotos } from "./conversation-photos.ts";
import { historyOf, messageIn, searchIn, stateFor } from "./conversation-reading.ts";
import { ConversationRoom } from "./conversation-room.ts";
import { ConversationTalk, type Written } from "./conversation-talk.ts";
import { ConversationTelling } from "./conversation-telling.ts";
import { PuttingOut } from "./putting-out.ts";

const PRESENCE_MS = 5_000;
/** What costs the others more than the one who asks: each person may ask for it as often as they may say something. */
const PACED: ReadonlySet<RoomAction["name"]> = new Set([
  ...(["room.search", "room.invite", "room.remove", "room.rename", "room.role"] as const),
]);

export class Conversation extends DurableObject<ObjectsEnv> {
  readonly #room: ConversationRoom;
  readonly #audience: ChannelAudience;
  readonly #telling: ConversationTelling;
  readonly #outbox: ConversationOutbox;
  readonly #puttingOut: PuttingOut;
  readonly #photos: ConversationPhotos;
  readonly #people: ConversationPeople;
  readonly #talk: ConversationTalk;
  readonly #pace = new Pace();
  /** Of the alarm, as far as this life of the object has set it. */
  #alarmAt = Number.POSITIVE_INFINITY;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    const { storage } = ctx;
    const room = new ConversationRoom({
      name: ctx.id.name,
      storage,
      tell: (publication, now) => this.#audience.tell(publication, now),
      changed: (now) => this.#outbox.go(now),
    });
    this.#room = room;
    this.#audience = new ChannelAudience({
      channel: chatChannel(room.name),
      kv: storage.kv,
      env: () => this.env,
      keepAlive: (work) => ctx.waitUntil(work),
      log: room,
    });
    this.#telling = new ConversationTelling(room);
    this.#outbox = new ConversationOutbox({
      sql: storage.sql,
      kv: storage.kv,
      newest: () => room.position.offset,
      members: () => room.members.all().map(({ user }) => user),
      behind: () => this.#telling.behind(),
      compose: (user, after) => this.#telling.compose(user, after),
      send: (user, delivery) => this.#send(user, delivery),
      took: (user, delivery) => this.#telling.took(user, delivery),
      keepAlive: (work) => ctx.waitUntil(work),
      alarmBy: (at) => this.#alarmBy(at),
    });
    this.#puttingOut = new PuttingOut(storage.kv, {
      putOut: (users) => this.#putOut(users),
      isIn: (user) => this.isMember(user),
      alarmBy: (at) => this.#alarmBy(at),
    });
    this.#photos = new ConversationPhotos({
      room: room.name,
      sql: storage.sql,
      bucket: () => this.env.MEDIA,
      secret: () => this.env.TOKEN_SECRET,
      alarmBy: (at) => this.#alarmBy(at),
    });
    this.#people = new ConversationPeople({
      room,
      outbox: this.#outbox,
      create: () => this.#load(),
      newEpoch: () => crypto.randomUUID().slice(0, 8),
      putOut: (users, now) => this.#puttingOut.begin(users, now),
      emptied: (now) => this.#photos.drop(room.rows.clear(), now),
    });
    this.#talk = new ConversationTalk({
      room,
      photo: (id, user) => this.#photos.there(id, user),
      showPhoto: (id) => this.#photos.show(id),
      dropPhoto: (id, now) => this.#photos.drop([id], now),
      readOn: (now) => this.#outbox.go(now),
    });
    if (room.facts) this.#load();
  }

  /** Take a message of a member. Sent again with its nonce it is the same message. */
  async say(speaker: Speaker, say: ConversationSay): Promise<Written> {
    const isIn = this.#room.admit(speaker);
    if (!isIn.ok) return isIn;
    const isLooked = say.photo === undefined || (await this.#photos.lookFor(say.photo, speaker.user));
    if (!isLooked) return fail("unavailable");
    // Whom the other one has blocked since they began this room: until now that one has not heard of it, and it not of the block.
    const peer = this.#room.peerOf(speaker.user);
    const isFirst = peer !== undefined && this.#room.rows.messages === 0;
    const denial = isFirst ? await denialOf([peer], (user) => this.#welcome(user, speaker)) : undefined;
    if (denial) return fail(denial);
    // They may have been put out meanwhile.
    const isStillIn = this.#room.admit(speaker);
    return isStillIn.ok ? this.#talk.say(speaker, say, Date.now()) : isStillIn;
  }

  /** Do what somebody asks for by `rpc`. */
  async act(speaker: Speaker, action: RoomAction): Promise<Acted> {
    const now = Date.now();
    switch (action.name) {
      case "room.create": {
        // Ids of one-to-one rooms are made of names: nobody takes such a one, nor learns by anybody's inbox whether there is one.
        if (isDirectRoom(this.#room.name)) return fail("forbidden");
        const denial = this.#room.facts ? undefined : await this.#denialOf(speaker, action.data.users, true);
        if (denial) return fail(denial);
        return this.#stateAfter(this.#people.create(speaker, action.data, now), speaker);
      }
      case "room.direct": {
        const denial = this.#room.facts ? undefined : await this.#denialOf(speaker, [action.data.user], true);
        if (denial) return fail(denial);
        return this.#stateAfter(this.#people.direct(speaker, action.data.user, now), speaker);
      }
      default: {
        const admitted = this.#room.admit(speaker);
        return admitted.ok ? this.#actIn(speaker, action, now) : admitted;
      }
    }
  }

  isMember(user: string): boolean {
    return this.#room.facts !== undefined && this.#room.members.get(user) !== undefined;
  }

  /** A member of this one-to-one room does not want to hear from the other one, or does again. Their inbox says so. */
  block(by: string, blocked: boolean): void {
    this.#room.block(by, blocked);
  }

  /** What followed a position, or the newest there is. */
  since(position: StreamPosition | undefined): Followed {
    return this.#room.since(position);
  }

  /** Shards say how many listen there. */
  report(reports: readonly ShardReport[]): ReportAnswer {
    if (this.#room.facts) this.#audience.hear(reports, Date.now());
    return { position: this.position, viewers: 0, draining: [], parents: {} };
  }

  /** Tell inboxes that could not be told, put out once more who is out, remove photos. */
  override async alarm(): Promise<void> {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    if (!this.#room.facts) return;
    this.#puttingOut.go(Date.now());
    await Promise.all([this.#outbox.resume(), this.#photos.go(Date.now())]);
    const dues = this.#dues(Date.now());
    if (dues.length > 0) this.#alarmBy(Math.min(...dues));
  }

  /** Where the room is. */
  get position(): StreamPosition {
    return this.#room.position;
  }

  /** What members ask for. */
  async #actIn(
    speaker: Speaker,
    action: Exclude<RoomAction, { readonly name: "room.create" | "room.direct" }>,
    now: number,
  ): Promise<Acted> {
    const people = this.#people;
    const talk = this.#talk;
    const seconds = PACED.has(action.name) ? this.#pace.take(speaker.user, now) : undefined;
    if (seconds !== undefined) return fail({ name: "tooFast", seconds });
    switch (action.name) {
      case "room.state":
        return this.#stateAfter(ok(undefined), speaker);
      case "room.history":
        return ok(historyOf(this.#room, action.data));
      case "room.search":
        return searchIn(this.#room, action.data);
      case "room.message":
        return messageIn(this.#room, action.data.id);
      case "room.read":
        return answered(talk.read(speaker, action.data, now));
      case "room.typing":
        return answered(talk.type(speaker, action.data, now));
      case "room.react":
        return answered(talk.react(speaker, action.data, now));
      case "room.delete":
        return answered(talk.delete(speaker, action.data, now));
      case "room.photo":
        return this.#photos.ticket(speaker.user, action.data, now);
      case "room.invite": {
        const news = judgeInvitation(this.#room.company, speaker.user, action.data.users);
        if (!news.ok) return news;
        const denial = await this.#denialOf(speaker, news.value, false);
        // It is judged once more: meanwhile things may have changed.
        return denial ? fail(denial) : answered(people.invite(speaker, action.data, now));
      }
      case "room.leave":
        return answered(people.leave(speaker, now));
      case "room.remove":
        return answered(people.remove(speaker, action.data, now));
      case "room.rename":
        return answered(people.rename(speaker, action.data, now));
      case "room.role":
        return answered(people.role(speaker, action.data, now));
    }
  }

  /** Why these may not be brought in by somebody, into a new room or this one: their inboxes say it, and that one's own. */
  #denialOf(by: Speaker, users: readonly string[], isNew: boolean) {
    const others = [...new Set(users)].filter((user) => user !== by.user && user.isWellFormed());
    return denialOf([by.user, ...others], (user) => {
      if (user !== by.user) return this.#welcome(user, by);
      const welcome: Promise<Welcome> = this.env.INBOX.getByName(user).brings(others.length, isNew);
      return welcome;
    });
  }

  #welcome(user: string, by: Speaker): Promise<Welcome> {
    const welcome: Promise<Welcome> = this.env.INBOX.getByName(user).welcomes(by.user);
    return welcome;
  }

  /** What is kept beside the room's own tables. */
  #load(): void {
    this.#photos.create();
    this.#outbox.create();
    this.#outbox.load();
  }

  #stateAfter(done: Done, { user }: Speaker): Acted {
    if (!done.ok) return done;
    const state = stateFor(this.#room, user);
    return state ? ok(state) : fail("forbidden");
  }

  /** They listen no more, to what is said as to who is here. */
  #putOut(users: readonly string[]): void {
    this.#audience.putOut(users);
    const put: Promise<void> = this.env.PRESENCE.getByName(this.#room.name).putOut(users);
    const heard = within(PRESENCE_MS, "putting out", put).catch((error) =>
      console.warn("a presence channel does not answer", { error: String(error) }),
    );
    this.ctx.waitUntil(heard);
  }

  #send(user: string, delivery: InboxDelivery): Promise<InboxTaken> {
    const taken: Promise<InboxTaken> = this.env.INBOX.getByName(user).take(delivery);
    return taken;
  }

  /** Wake up by then. An alarm that this life of the object has not set may be for something sooner. */
  #alarmBy(at: number): void {
    if (at >= this.#alarmAt) return;
    const isFirst = this.#alarmAt === Number.POSITIVE_INFINITY;
    this.#alarmAt = isFirst ? Math.min(at, ...this.#dues(Date.now())) : at;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(this.#alarmAt));
  }

  /** When something is to be done. */
  #dues(now: number): readonly number[] {
    const dues = [this.#outbox.dueAt(now), this.#puttingOut.dueAt(), this.#photos.dueAt()];
    return dues.filter((at) => at !== undefined);
  }
}

/** What is done has no more to say. */
const answered = (done: Done): Acted => (done.ok ? ok({}) : done);
