/**
 * One object per user: the log of what came to them from all their rooms (`user:<id>`), in an order of its own, for all their devices.
 * What is kept is in inbox-log.ts, inbox-rooms.ts and inbox-blocks.ts; who is notified, in push/;
 * how they are and who may see it, in status/.
 */
import { DurableObject } from "cloudflare:workers";
import { fail, ok } from "../../media/result.ts";
import type { StreamPosition } from "../../wire/centrifugo.ts";
import { type InboxAction, type InboxEvent, type InboxState, inboxChannel } from "../../wire/inbox.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import type { Welcome } from "../chat/conversation-guests.ts";
import type { Speaker } from "../core/chat/judge.ts";
import { type Reach, reach } from "../core/inbox/reaching.ts";
import { takingOf } from "../core/inbox/taking.ts";
import type { Acted } from "../core/viewers/socket/decision.ts";
import type {
  Followed,
  LivePublication,
  ReportAnswer,
  ShardReport,
} from "../core/viewers/viewer-messages.ts";
import { ChannelAudience } from "../viewers/channel-audience.ts";
import { InboxAlarm } from "./inbox-alarm.ts";
import { BLOCK_TABLES, InboxBlocks } from "./inbox-blocks.ts";
import { InboxLog, LOG_TABLES } from "./inbox-log.ts";
import type { InboxDelivery, InboxTaken } from "./inbox-messages.ts";
import { InboxRooms, ROOM_TABLES } from "./inbox-rooms.ts";
import { LazyTables } from "./lazy-tables.ts";
import { InboxPush } from "./push/inbox-push.ts";
import { PUSH_TABLES } from "./push/push-rows.ts";
import type { FriendAnswer, FriendCall } from "./status/friend-calls.ts";
import { FRIEND_TABLES } from "./status/friend-rows.ts";
import { UserStatus } from "./status/user-status.ts";

/** How many others the user has reached out to lately. */
const REACHED = "reached";
const TABLES = [LOG_TABLES, ROOM_TABLES, BLOCK_TABLES, PUSH_TABLES, FRIEND_TABLES].join("");

export class Inbox extends DurableObject<ObjectsEnv> {
  readonly #user: string;
  readonly #tables: LazyTables;
  readonly #log: InboxLog;
  readonly #rooms: InboxRooms;
  readonly #blocks: InboxBlocks;
  readonly #push: InboxPush;
  readonly #status: UserStatus;
  readonly #audience: ChannelAudience;
  readonly #alarm: InboxAlarm;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    const { storage } = ctx;
    this.#alarm = new InboxAlarm(ctx, () => [
      ...[this.#log.pruneAt(), this.#blocks.dueAt(), this.#push.outbox.dueAt()],
      this.#status.dueAt(Date.now()),
    ]);
    this.#user = this.#alarm.user;
    this.#tables = new LazyTables(storage, "event", TABLES);
    this.#log = new InboxLog(this.#tables, storage.kv, () => crypto.randomUUID().slice(0, 8));
    this.#rooms = new InboxRooms(this.#tables);
    this.#blocks = new InboxBlocks(this.#tables, {
      user: this.#user,
      env: () => this.env,
      isListed: (room) => this.#rooms.isMuted(room) !== undefined,
    });
    this.#push = new InboxPush(this.#tables, {
      env: () => this.env,
      isHeard: (now) => this.#audience.isHeard(now),
      isDisturbable: () => this.#status.isDisturbable(),
      isMuted: (room) => this.#rooms.isMuted(room) ?? false,
      isBlocked: (user) => this.#blocks.isBlocked(user),
    });
    this.#audience = new ChannelAudience({
      channel: inboxChannel(this.#user),
      kv: storage.kv,
      env: () => this.env,
      keepAlive: (work) => ctx.waitUntil(work),
      log: this,
    });
    this.#status = new UserStatus(
      {
        user: this.#user,
        tables: this.#tables,
        kv: storage.kv,
        devices: () => this.#audience.sockets,
        tell: (event, about) => this.#say(event, about),
        inboxOf: (user) => this.env.INBOX.getByName(user),
        isBlocked: (user) => this.#blocks.isBlocked(user),
        reaches: () => this.#reaches(1),
        schedule: () => ctx.waitUntil(this.#alarm.set()),
        keepAlive: (work) => ctx.waitUntil(work),
        unheardSince: this.#audience.unheardSince,
      },
      Date.now(),
    );
  }

  /** A room has something for this user. Stored, then told. */
  take(delivery: InboxDelivery): InboxTaken {
    const now = Date.now();
    const { upTo, publications } = this.#tables.transaction(() => this.#store(delivery, now));
    this.#tell(publications, now);
    return { upTo };
  }

  /** Do what the user asks for by `rpc`. */
  act(speaker: Speaker, action: InboxAction): Acted | Promise<Acted> {
    if (speaker.user !== this.#user) return fail("forbidden");
    switch (action.name) {
      case "inbox.state":
        return ok(this.#state());
      case "inbox.events": {
        const { after, epoch, limit } = action.data;
        const page = this.#log.page({ epoch, offset: after }, limit);
        return page === undefined ? fail({ name: "notKept" }) : ok(page);
      }
      case "inbox.mute":
        return this.#mute(action.data.room, action.data.muted);
      case "inbox.block":
        return this.#block(action.data.user, action.data.blocked);
      case "push.key":
      case "push.subscribe":
      case "push.unsubscribe":
        return this.#push.act(action);
      default:
        return this.#status.act(speaker, action, Date.now());
    }
  }

  /** Whether this user would be brought into a room by somebody. */
  welcomes(by: string): Welcome {
    if (this.#blocks.isBlocked(by)) return "blocked";
    return this.#rooms.isFull ? "full" : "welcome";
  }

  /** Whether this user may bring so many others into a room; `isNew`: one that they begin. */
  brings(others: number, isNew: boolean): Welcome {
    if (isNew && (this.#rooms.isFull || this.#rooms.isSpent)) return "full";
    return this.#reaches(others) ? "welcome" : "hasty";
  }

  /** The inbox of somebody else has something to say. */
  befriend(call: FriendCall): FriendAnswer {
    return this.#status.befriend(call, Date.now());
  }

  /** What followed a position, or the newest there is. */
  since(position: StreamPosition | undefined): Followed {
    return this.#log.since(position);
  }

  /** Shards say how many listen there. */
  report(reports: readonly ShardReport[]): ReportAnswer {
    if (reports.some(({ sockets }) => sockets > 0)) this.#log.keepEpoch();
    this.#audience.hear(reports, Date.now());
    this.#status.listening(this.#audience.sockets, Date.now());
    return { position: this.position, viewers: 0, draining: [], parents: {} };
  }

  /** Forget what is too old, and do again what did not succeed. */
  override async alarm(): Promise<void> {
    this.#alarm.rang();
    this.#audience.rang();
    this.#log.prune(Date.now());
    await Promise.all([this.#blocks.tell(), this.#push.outbox.deliver(), this.#status.again(Date.now())]);
    await this.#alarm.set();
  }

  get position(): StreamPosition {
    return this.#log.position;
  }

  #store(delivery: InboxDelivery, now: number) {
    const { summary } = delivery;
    const known = this.#rooms.known(summary.room);
    const taking = takingOf(delivery, known);
    if (taking === undefined) return { upTo: known?.upTo ?? delivery.upTo, publications: [] };
    this.#rooms.put(summary.room, taking.room, now);
    const peer = known?.summary === undefined ? taking.room.summary?.peer?.user : undefined;
    if (peer !== undefined) this.#blocks.meet(peer, now);
    this.#push.note(delivery, taking.events, now);
    return {
      upTo: taking.room.upTo,
      publications: taking.events.map((event) => this.#log.append(event, now)),
    };
  }

  /** Whether the user may reach out to so many others; they are counted. */
  #reaches(people: number): boolean {
    const { kv } = this.ctx.storage;
    const reached = people === 0 ? undefined : reach(kv.get<Reach>(REACHED), people, Date.now());
    if (reached) kv.put(REACHED, reached);
    return people === 0 || reached !== undefined;
  }

  #state(): InboxState {
    return {
      rooms: this.#rooms.list(),
      blocked: [...this.#blocks.list()],
      chosen: this.#status.chosen,
      ...this.position,
    };
  }

  #mute(room: string, muted: boolean): Acted {
    const isMuted = this.#rooms.isMuted(room);
    if (isMuted === undefined) return fail({ name: "notAMember" });
    if (isMuted !== muted) {
      this.#change({ type: "muted", room, muted }, () => {
        this.#rooms.mute(room, muted);
        this.#push.mute(room);
      });
    }
    return ok({});
  }

  #block(user: string, blocked: boolean): Acted {
    if (user === this.#user) return fail("forbidden");
    if (this.#blocks.isBlocked(user) === blocked) return ok({});
    if (blocked && this.#blocks.isFull) return fail({ name: "tooManyBlocked" });
    const now = Date.now();
    this.#change({ type: "blocked", user, blocked }, () => this.#blocks.set(user, blocked, now));
    this.#status.blocked(user, now);
    return ok({});
  }

  /** Tell all devices; `about`: without an offset. */
  #say(event: InboxEvent, about: string | undefined): void {
    if (about === undefined) this.#change(event, () => {});
    else this.#audience.tell({ about, data: JSON.stringify(event) }, Date.now());
  }

  /** Change something, and tell all devices. */
  #change(event: InboxEvent, change: () => void): void {
    const now = Date.now();
    const publication = this.#tables.transaction(() => {
      change();
      return this.#log.append(event, now);
    });
    this.#tell([publication], now);
  }

  #tell(publications: readonly LivePublication[], now: number): void {
    for (const publication of publications) this.#audience.tell(publication, now);
    // What runs on after the answer has begun before the alarm is set: that is for the case that it does not get to its end.
    const work = Promise.all([this.#blocks.tell(), this.#push.outbox.deliver()]);
    this.ctx.waitUntil(work.then(() => this.#alarm.set()));
    this.ctx.waitUntil(this.#alarm.set());
  }
}
