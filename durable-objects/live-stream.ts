/**
 * One object per stream: the lease of its encoder, the only writer of its timeline, and the place where requests wait
 * for media. Decisions are made in core/ and media/; this class stores first, then tells. What is decided is stored at
 * once; what takes time after it (R2, D1) is settled in settling.ts, and by the alarm if it fails.
 */
import { DurableObject } from "cloudflare:workers";
import {
  BROADCAST_SECRET_BYTES,
  broadcastId,
  type MediaAddress,
  parseSessionId,
  secretLetters,
} from "../media/address.ts";
import type { Hope, Reload } from "../media/live-edge.ts";
import { fail, ok, type Result } from "../media/result.ts";
import { type Entry, type ExtendError, extend, type Position, positionOf } from "../media/timeline.ts";
import type { MissingOfSession } from "../wire/broadcasts.ts";
import type { StreamPosition } from "../wire/centrifugo.ts";
import type { EndScope, Late, Sampled, SessionGrant, Stats, Transcoder, Waiting } from "../wire/ingest.ts";
import type { PolledViewers } from "../wire/polled-viewers.ts";
import type { ObjectsEnv } from "../workers/env.ts";
import type {
  Asked,
  BroadcastFacts,
  Described,
  DrawnPlaylist,
  LiveHealth,
  LiveStatus,
  ReachError,
} from "./answers.ts";
import { Checking } from "./checking.ts";
import {
  type AlreadyLive,
  alreadyLive,
  checkLease,
  claim,
  closeSession,
  heard,
  isOver,
  isRepeat,
  type LeaseError,
  type Live,
  release,
  type StreamSettings,
  type Writer,
} from "./core/live.ts";
import type { Followed, ReportAnswer, ShardDirectory, ShardReport } from "./core/viewers/viewer-messages.ts";
import type { DrawRequest } from "./drawings.ts";
import { grantOf, planSession, waitingFor } from "./granting.ts";
import { HistoryRows } from "./history-rows.ts";
import { LateSegments } from "./late-segments.ts";
import { LiveState } from "./live-state.ts";
import { PartCleaning } from "./part-cleaning.ts";
import { factsOf, missingOf } from "./records.ts";
import { sameSecret } from "./secret.ts";
import { Settling } from "./settling.ts";
import { Audience } from "./viewers/audience.ts";
import { roomOf } from "./viewers/viewer-opening.ts";
import { Viewing } from "./viewing.ts";

export class LiveStream extends DurableObject<ObjectsEnv> {
  readonly #state: LiveState;
  readonly #history: HistoryRows;
  readonly #settling: Settling;
  readonly #viewing: Viewing;
  readonly #late: LateSegments;
  readonly #cleaning: PartCleaning;
  readonly #checking: Checking;
  readonly #audience: Audience;
  /** Of the last minute; not worth storing. */
  #samples: readonly Stats[] = [];
  /** An encoder that stands by: since when it has been asking for the stream, and when it did last. Not worth storing either. */
  #asking = { since: 0, last: 0 };

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    const { storage } = ctx;
    const bucket = () => this.env.MEDIA;
    const state = new LiveState(storage, env.DB, Date.now());
    const history = new HistoryRows(storage);
    this.#state = state;
    this.#history = history;
    this.#settling = new Settling(state, storage, bucket);
    this.#viewing = new Viewing(state);
    this.#late = new LateSegments(state, history);
    this.#cleaning = new PartCleaning(storage, history, bucket);
    this.#checking = new Checking({
      archive: state.archive,
      history,
      bucket,
      forgetParts: (broadcast) => state.forgetParts(broadcast),
    });
    const stream = ctx.id.name ?? state.live?.settings.id ?? "";
    const keepAlive = (work: Promise<unknown>) => this.ctx.waitUntil(work);
    const capacity = roomOf({ ...env }).sockets;
    const parts = { state, storage, env: () => this.env, keepAlive, stream, capacity };
    this.#audience = new Audience(parts, Date.now());
  }

  /** Give the stream to an encoder, or say that it has one. */
  async open(
    settings: StreamSettings,
    { source, ...asked }: Asked,
  ): Promise<Result<SessionGrant | Waiting, AlreadyLive | { readonly reason: "disabled" }>> {
    const state = this.#state;
    this.#endIfDue(Date.now());
    await this.#settling.settle();
    // What came due meanwhile has to end before another broadcast takes its place.
    this.#endIfDue(Date.now());
    if (state.stored.disabled) return fail({ reason: "disabled" });
    if (state.live && asked.claimId !== undefined && isRepeat(state.live, asked.claimId))
      return ok(this.#grant(state.live, source && { source }));
    const random = crypto.getRandomValues(new Uint8Array(2 * BROADCAST_SECRET_BYTES));
    const fresh = {
      ...asked,
      broadcast: broadcastId(settings.id, random),
      lease: secretLetters(random.subarray(BROADCAST_SECRET_BYTES)),
    };
    const now = Date.now();
    const askingSince = now - this.#asking.last < ASKING_MS ? this.#asking.since : now;
    const claimed = claim(state.live, settings, { ...fresh, askingSince }, now);
    if (!claimed.ok) {
      if (claimed.error.reason === "already-live") return fail(claimed.error);
      this.#asking = { since: askingSince, last: now };
      return ok({ standby: waitingFor(state, settings, source) });
    }
    this.#asking = { since: 0, last: 0 };
    state.saveLive(claimed.value, now);
    // What the session before it left open is closed before this one learns where it goes on.
    await this.#settling.settle();
    // Meanwhile the operator may have disabled the stream, or another encoder have taken it from one that yields.
    const live = state.live ?? claimed.value;
    if (state.stored.disabled) return fail({ reason: "disabled" });
    if (live.session.lease !== fresh.lease) return fail(alreadyLive(live));
    return ok(this.#grant(live, source && { source }));
  }

  /**
   * Plan the session from what its encoder turned out to send. A source whose kinds of track differ from the
   * broadcast's begins a new broadcast, so the grant may name other ids than before.
   */
  async describe(writer: Writer, described: Described): Promise<Result<SessionGrant, LeaseError>> {
    // Anyone can name a session: what costs something comes after its lease.
    const known = this.#hear(writer);
    if (!known.ok) return known;
    await this.#settling.settle();
    const live = this.#hear(writer);
    if (!live.ok) return live;
    const grant = this.#grant(live.value, described);
    this.ctx.waitUntil(this.#settling.settle());
    return ok(grant);
  }

  /** May this writer still write? Its objects are put by the origin Worker. */
  authorize(writer: Writer): Result<true, LeaseError> {
    const live = this.#hear(writer);
    return live.ok ? ok(true) : live;
  }

  /** Extend the timeline, then wake everyone who may have waited for it. */
  append(writer: Writer, entries: readonly Entry[]): Result<Position, LeaseError | ExtendError> {
    const live = this.#hear(writer, Date.now());
    if (!live.ok) return live;
    const before = this.#state.timeline;
    if (before?.broadcast !== writer.broadcast) return fail({ reason: "no-init" });
    const extended = extend(before, writer.ordinal, entries);
    if (!extended.ok) return extended;
    const { timeline, added } = extended.value;
    this.#state.saveTimeline(timeline, added);
    const showsNow = timeline.segments.at(-1)?.session === writer.ordinal;
    this.#saveHeard(showsNow && !live.value.visible ? { ...live.value, visible: true } : live.value);
    return ok(positionOf(timeline));
  }

  /** A sign of life, with figures. */
  sample(writer: Writer, stats: Stats): Result<Sampled, LeaseError> {
    const now = Date.now();
    const live = this.#hear(writer, now - 1000 * (stats.silentSeconds ?? 0));
    if (!live.ok) return live;
    // What comes in between says only whether the encoder is silent.
    if (stats.inputBitrate !== undefined) this.#samples = [...this.#samples, stats].slice(-KEPT_SAMPLES);
    this.#saveHeard(live.value);
    return ok({ standby: now - this.#asking.last < ASKING_MS });
  }

  /** May this writer, whose session may long be over, still put objects of what is late? */
  authorizeLate(writer: Writer): Result<true, LeaseError> {
    return this.#late.authorize(writer);
  }

  /** Complete the history with segments whose objects were put after the live edge had passed them. */
  async late(writer: Writer, segments: Late["segments"]): Promise<Result<true, LeaseError | ExtendError>> {
    const added = this.#late.add(writer, segments, Date.now());
    if (added.ok) await this.#settling.watchSooner();
    return added;
  }

  /** What this session may still hand in. */
  missing(writer: Writer): Result<MissingOfSession, LeaseError> {
    const allowed = this.#late.authorize(writer);
    if (!allowed.ok) return allowed;
    return ok(missingOf(this.#state.archive, this.#history, writer.broadcast, writer.ordinal));
  }

  /** The encoder is gone: wait for it, or end the broadcast now. Repeating it is harmless. */
  async close(writer: Writer, scope: EndScope): Promise<Result<true, LeaseError>> {
    const checked = checkLease(this.#state.live, writer, sameSecret);
    if (!checked.ok) return checked.error.reason === "closed" ? ok(true) : checked;
    await this.#close(closeSession(checked.value, Date.now()), scope);
    return ok(true);
  }

  /** The host of a session is gone, or has not been heard of: its encoder may come back elsewhere at once. */
  async free(session: string, transcoder: Transcoder, certain: boolean): Promise<void> {
    const named = parseSessionId(session);
    const { live } = this.#state;
    const released = live && named && release(live, named, { transcoder, certain }, Date.now());
    if (released) await this.#close(released, "session");
  }

  /** The stream was disabled: end what is live, let no encoder in, show nothing. */
  async revoke(): Promise<void> {
    const { live, stored } = this.#state;
    const now = Date.now();
    stored.disabled = true;
    if (live && live.endedAt === undefined) this.#state.saveLive({ ...live, endedAt: now }, now);
    this.#state.tellStatus(now);
    await this.#settling.settle();
  }

  /** The stream was enabled again. */
  allow(): void {
    this.#state.stored.disabled = false;
    this.#state.tellStatus(Date.now());
  }

  /** A playlist, as soon as `want` is reached. */
  playlist(request: DrawRequest, want: Reload | undefined): Promise<Result<DrawnPlaylist, ReachError>> {
    return this.#viewing.playlist(request, want);
  }

  /** Wait for an object that a playlist hints; of any other that is not in R2, say whether it may come. */
  awaitObject(address: MediaAddress): Promise<"exists" | Hope> {
    return this.#viewing.awaitObject(address);
  }

  /** What pages show of this stream. */
  status(): LiveStatus {
    const now = Date.now();
    const status = this.#state.status(now);
    return status.state === "offline" ? status : { ...status, viewers: this.#audience.viewers(now) };
  }

  /** How the encoder and the viewers do, for their broadcaster. */
  health(): LiveHealth {
    const now = Date.now();
    const { state } = this.#state.status(now);
    const { source } = this.#state.stored;
    return { state, ...(source && { source }), samples: this.#samples, ...this.#audience.health(now) };
  }

  /** What was published after a position; without one, all that is kept. */
  since(position: StreamPosition | undefined): Followed {
    return this.#state.log.since(position);
  }

  /** The stream has another title. */
  announce(title: string): void {
    this.#state.log.add({ type: "title", title });
  }

  /** Publish what the broadcaster's own app says; false: it is too long. Who may is decided where the socket is. */
  say(from: string, data: unknown): boolean {
    return this.#state.log.say(from, data);
  }

  /** Shards that take sockets; a region gets its first one. */
  shards(region: string): ShardDirectory {
    return this.#audience.shards(region, Date.now());
  }

  /** A shard refused a socket, as it has enough: those that may take it. */
  full(shard: string): ShardDirectory {
    return this.#audience.full(shard, Date.now());
  }

  /** What shards hold now. Repeating it is harmless, but for what players said. */
  report(reports: readonly ShardReport[]): ReportAnswer {
    return this.#audience.report(reports, Date.now());
  }

  /** Who may watch has changed: sockets of those who may not are closed. */
  recheckViewers(): void {
    this.#audience.recheck(Date.now());
  }

  /** Viewers without a socket whom an edge has seen: all of the last half minute. */
  polled(edge: string, viewers: PolledViewers): void {
    this.#audience.polled(edge, viewers, Date.now());
  }

  /** One of this stream's broadcasts, live or over. */
  broadcast(id: string): BroadcastFacts | undefined {
    return factsOf(this.#state, this.#history, id, Date.now());
  }

  /** Compare a broadcast that is over with R2 now; without effect on one that is not. */
  async check(id: string): Promise<void> {
    if (!this.#state.live) return;
    this.#state.archive.requestCheck(id, Date.now());
    await this.#settling.watchSooner();
  }

  /** Which broadcasts a removal must leave alone; `of`: ask for one only (live-state.ts). */
  spared(of: string | undefined, after: number): readonly string[] {
    return this.#state.spared(of, after);
  }

  /** Forget one broadcast, or all, but for those that are spared, which it answers. Repeating it is harmless. */
  forget(of: string | undefined, after: number): readonly string[] {
    const spared = this.#state.spared(of, after);
    const ids = !this.#state.live ? [] : this.#state.archive.began().map(({ id }) => id);
    for (const id of ids.filter((id) => (of ?? id) === id && !spared.includes(id)))
      this.ctx.storage.transactionSync(() => {
        this.#history.remove(id);
        this.#state.forget(id);
      });
    return spared;
  }

  /** Look whether the encoder went silent or stayed away for too long, settle what failed, and tidy up; may run twice. */
  override async alarm(): Promise<void> {
    try {
      await this.#seeToWhatIsDue(Date.now());
    } catch (error) {
      // The platform gives an alarm up that failed six times, and everything that is due waits for this one.
      console.error("an alarm failed", error);
      await this.ctx.storage.setAlarm(Date.now() + ALARM_RETRY_MS);
    }
  }

  async #seeToWhatIsDue(now: number): Promise<void> {
    this.#endIfDue(now);
    // Silence is told by the clock alone.
    this.#state.tellStatus(now);
    this.#audience.look(now);
    await this.#settling.settle();
    if (!this.#state.live) return;
    await this.#cleaning.step(this.#state.timeline, now);
    await this.#checking.step(now);
    this.#settling.watch();
  }

  #endIfDue(now: number): void {
    const { live } = this.#state;
    if (live && live.endedAt === undefined && isOver(live, now))
      this.#state.saveLive({ ...live, endedAt: now }, now);
  }

  async #close(closed: Live, scope: EndScope): Promise<void> {
    const now = Date.now();
    this.#state.saveLive(
      scope === "broadcast" || isOver(closed, now) ? { ...closed, endedAt: now } : closed,
      now,
    );
    await this.#settling.settle();
  }

  /** The grant of a session, with its plan when the source is known. */
  #grant(live: Live, described: Described | undefined): SessionGrant {
    if (!described) return grantOf(live);
    this.#samples = [];
    return planSession(this.#state, live, described, Date.now());
  }

  #hear(writer: Writer, mediaAt?: number): Result<Live, LeaseError> {
    const checked = checkLease(this.#state.live, writer, sameSecret);
    if (!checked.ok) return checked;
    const live = heard(checked.value, Date.now(), mediaAt);
    this.#state.hear(live);
    return ok(live);
  }

  /** Store a sign of life, and settle in the background if there is anything to settle. */
  #saveHeard(live: Live): void {
    const now = Date.now();
    this.#state.saveLive(live, now);
    if (this.#settling.isBehind(now)) this.ctx.waitUntil(this.#settling.settle());
  }
}

/** A minute of them. */
const KEPT_SAMPLES = 30;
/** An encoder that has not asked for this long does not wait any more. */
const ASKING_MS = 3_000;
/** After an alarm that failed. */
const ALARM_RETRY_MS = 60_000;
