/**
 * One object per presence channel: who is here, one entry for each user however many tabs they have, as the shards tell it. What is stored
 * is stored before anybody is told. Who is here is decided in core/presence/roster.ts, what is told of it in telling.ts.
 */
import { DurableObject } from "cloudflare:workers";
import { ok } from "../../media/result.ts";
import type { StreamPosition } from "../../wire/centrifugo.ts";
import { type PresenceState, presenceChannel } from "../../wire/presence.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import type { Attendance, Attended } from "../core/presence/attendance.ts";
import { Roster } from "../core/presence/roster.ts";
import { presentOf, Telling } from "../core/presence/telling.ts";
import type { Acted } from "../core/viewers/socket/decision.ts";
import type { Followed, ReportAnswer, ShardReport } from "../core/viewers/viewer-messages.ts";
import { ChannelAudience } from "../viewers/channel-audience.ts";
import { PresenceRows } from "./presence-rows.ts";

/** The most that a recovery replays. */
const EVENTS = 300;
/** So long after an event who comes back may recover from it; nothing is kept of who was here long ago. */
const EVENTS_MS = 10 * 60_000;
const PRUNE_MS = 60_000;
const EPOCH = "epoch";
/** Of the channel, for an alarm: not every runtime says it there. */
const NAME = "name";

export class PresenceChannel extends DurableObject<ObjectsEnv> {
  readonly #rows: PresenceRows;
  readonly #telling: Telling;
  readonly #roster: Roster;
  readonly #audience: ChannelAudience;
  readonly #epoch: string;
  #offset: number;
  #isTelling = false;
  /** When the alarm is set for, as far as is known. */
  #alarmAt: number | undefined;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    const { sql, kv } = ctx.storage;
    this.#rows = new PresenceRows(sql, kv);
    this.#offset = this.#rows.newest();
    const epoch = kv.get<string>(EPOCH);
    this.#epoch = epoch ?? crypto.randomUUID().slice(0, 8);
    const name = ctx.id.name ?? kv.get<string>(NAME) ?? "";
    if (epoch === undefined) {
      kv.put(EPOCH, this.#epoch);
      kv.put(NAME, name);
    }
    this.#audience = new ChannelAudience({
      channel: presenceChannel(name),
      kv,
      env: () => this.env,
      keepAlive: (work) => ctx.waitUntil(work),
      log: this,
    });
    this.#telling = new Telling(this.#rows, this.#rows.told(), this.#rows.isCounting);
    this.#roster = new Roster(this.#rows, this.#rows.roster(), this.#audience.unheardSince, (user) =>
      this.#telling.changed(user),
    );
    // Events may have waited when the object went away.
    this.#telling.compare(this.#roster);
  }

  /** A shard tells who came and left there; with each heartbeat, that it is there. */
  attend(attendance: Attendance): Attended {
    const now = Date.now();
    const isSame = this.#roster.hear(attendance, now);
    this.#go(now);
    return { again: !isSame };
  }

  /** `presence.state`. */
  state(): Acted {
    this.#go(Date.now());
    return ok({
      users: this.#roster.users,
      ...(this.#telling.namesAll(this.#roster) && { present: this.#roster.all().map(presentOf) }),
      ...this.position,
    } satisfies PresenceState);
  }

  /** These users may not be here any more: those of a conversation that they left. */
  putOut(users: readonly string[]): void {
    const now = Date.now();
    this.#roster.putOut(users);
    this.#go(now);
    this.#audience.putOut(users);
  }

  since(position: StreamPosition | undefined): Followed {
    const now = this.position;
    const from = position?.offset ?? Math.max(0, now.offset - EVENTS);
    const isKnown =
      position === undefined ||
      (position.epoch === now.epoch && from <= now.offset && from >= now.offset - EVENTS);
    const publications = isKnown ? this.#rows.after(from) : [];
    // What was forgotten leaves no row behind.
    const complete = isKnown && (position === undefined || publications.length === now.offset - from);
    return { position: now, complete, publications: complete ? publications : [] };
  }

  /** Shards say how many listen there, people and viewers without a name. */
  report(reports: readonly ShardReport[]): ReportAnswer {
    this.#audience.hear(reports, Date.now());
    return { position: this.position, viewers: 0, draining: [], parents: {} };
  }

  /** Let go whose time is over, and forget old events. */
  override alarm(): void {
    const now = Date.now();
    this.#alarmAt = undefined;
    this.#audience.rang();
    this.#rows.prune(this.#offset - EVENTS, now - EVENTS_MS);
    this.#go(now);
  }

  get position(): StreamPosition {
    return { epoch: this.#epoch, offset: this.#offset };
  }

  /** Do what is due, and see that what is not is done when it is. */
  #go(now: number): void {
    this.#roster.expire(now);
    const dueAt = this.#telling.dueAt(this.#roster);
    if (dueAt !== undefined && !this.#isTelling) {
      if (dueAt <= now) this.#tell(now);
      else {
        this.#isTelling = true;
        setTimeout(() => {
          this.#isTelling = false;
          this.#roster.expire(Date.now());
          this.#tell(Date.now());
        }, dueAt - now);
      }
    }
    this.#setAlarm(now);
  }

  #tell(now: number): void {
    for (const { event, isKept } of this.#telling.tell(this.#roster, now)) {
      const data = JSON.stringify(event);
      if (!isKept) {
        this.#audience.tell({ about: "count", data }, now);
        continue;
      }
      const offset = this.#offset + 1;
      this.#rows.add(offset, now, data);
      this.#offset = offset;
      this.#audience.tell({ offset, data }, now);
    }
    this.#setAlarm(now);
  }

  /** It may ring too early; then nothing is due, and it is set again. */
  #setAlarm(now: number): void {
    const { nextAt } = this.#roster;
    const at = nextAt ?? (this.#rows.hasEvents ? now + PRUNE_MS : undefined);
    if (at === undefined || (this.#alarmAt !== undefined && this.#alarmAt <= at)) return;
    this.#alarmAt = at;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(at));
  }
}
