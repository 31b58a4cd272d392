/**
 * One object per stream: the lease of its encoder, the only writer of its timeline, and the place where requests wait
 * for media. Decisions are made in core/live.ts and media/; this class stores first, then tells. What is decided is
 * stored at once; what takes time after it (R2, D1) is settled in one place, and by the alarm if it fails.
 */
import { DurableObject } from "cloudflare:workers";
import {
  BROADCAST_SECRET_BYTES,
  broadcastId,
  type MediaAddress,
  secretLetters,
  sessionId,
} from "../media/address.ts";
import { planLadder } from "../media/ladder.ts";
import { decide, decidePartRequest, edgeOf, type PartVerdict, type Reload } from "../media/live-edge.ts";
import { maxBlockSeconds } from "../media/profile.ts";
import { fail, ok, type Result } from "../media/result.ts";
import {
  type Entry,
  type ExtendError,
  emptyTimeline,
  end,
  extend,
  type Position,
  positionOf,
  type Timeline,
} from "../media/timeline.ts";
import type { EndScope, SessionGrant, Source, Stats } from "../wire/ingest.ts";
import type { ObjectsEnv } from "../workers/env.ts";
import type { Asked, DrawnPlaylist, LiveHealth, LiveStatus, ReachError } from "./answers.ts";
import { BroadcastIndex } from "./broadcast-index.ts";
import {
  type AlreadyLive,
  alreadyLive,
  checkLease,
  claim,
  closeSession,
  fits,
  heard,
  isAbandoned,
  isOver,
  isRepeat,
  type LeaseError,
  type Live,
  nextCheckAt,
  restart,
  type StreamSettings,
  stateOf,
  type Writer,
} from "./core/live.ts";
import { Drawings, type DrawRequest } from "./drawings.ts";
import { LiveStorage } from "./live-storage.ts";
import { sealTimeline } from "./sealing.ts";
import { sameSecret } from "./secret.ts";
import { Waiters } from "./waiters.ts";

export class LiveStream extends DurableObject<ObjectsEnv> {
  readonly #stored: LiveStorage;
  readonly #index: BroadcastIndex;
  readonly #waiters = new Waiters();
  readonly #drawings = new Drawings();
  #live: Live | undefined;
  #timeline: Timeline | undefined;
  /** Of the last minute; not worth storing. */
  #samples: readonly Stats[] = [];
  #settling: Promise<void> = Promise.resolve();

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.#stored = new LiveStorage(ctx.storage);
    this.#index = new BroadcastIndex(ctx.storage, env.DB);
    const { live, timeline } = this.#stored.load();
    this.#live = live;
    this.#timeline = timeline;
  }

  /** Give the stream to an encoder, or say that it has one. */
  async open(
    settings: StreamSettings,
    { yields, claimId, source }: Asked,
  ): Promise<Result<SessionGrant, AlreadyLive | { readonly reason: "disabled" }>> {
    this.#endIfDue(Date.now());
    await this.#settle();
    if (this.#stored.disabled) return fail({ reason: "disabled" });
    if (this.#live && claimId !== undefined && isRepeat(this.#live, claimId)) {
      return ok(this.#grant(this.#live, source));
    }
    const random = crypto.getRandomValues(new Uint8Array(2 * BROADCAST_SECRET_BYTES));
    const fresh = {
      broadcast: broadcastId(settings.id, random),
      lease: secretLetters(random.subarray(BROADCAST_SECRET_BYTES)),
      yields,
      ...(claimId !== undefined && { claimId }),
    };
    const claimed = claim(this.#live, settings, fresh, Date.now());
    if (!claimed.ok) return claimed;
    this.#saveLive(claimed.value);
    // What the session before it left open is closed before this one learns where it goes on.
    await this.#settle();
    // Meanwhile the operator may have disabled the stream, or another encoder have taken it from one that yields.
    const live = this.#live ?? claimed.value;
    if (this.#stored.disabled) return fail({ reason: "disabled" });
    if (live.session.lease !== fresh.lease) return fail(alreadyLive(live));
    return ok(this.#grant(live, source));
  }

  /**
   * Plan the session from what its encoder turned out to send. A source whose kinds of track differ from the
   * broadcast's begins a new broadcast, so the grant may name other ids than before.
   */
  async describe(
    writer: Writer,
    source: Source,
    allowCopy: boolean,
  ): Promise<Result<SessionGrant, LeaseError>> {
    await this.#settle();
    const live = this.#hear(writer);
    if (!live.ok) return live;
    const grant = this.#grant(live.value, source, allowCopy);
    this.ctx.waitUntil(this.#settle());
    return ok(grant);
  }

  /** May this writer still write? Its objects are put by the origin Worker. */
  authorize(writer: Writer): Result<true, LeaseError> {
    const live = this.#hear(writer);
    return live.ok ? ok(true) : live;
  }

  /** Extend the timeline, then wake everyone who may have waited for it. */
  append(writer: Writer, entries: readonly Entry[]): Result<Position, LeaseError | ExtendError> {
    const live = this.#hear(writer);
    if (!live.ok) return live;
    if (!this.#timeline || this.#timeline.broadcast !== writer.broadcast) return fail({ reason: "no-init" });
    const extended = extend(this.#timeline, writer.ordinal, entries);
    if (!extended.ok) return extended;
    const { timeline, added } = extended.value;
    this.#saveTimeline(timeline, added);
    const showsNow = timeline.segments.at(-1)?.session === writer.ordinal;
    this.#saveLive(showsNow && !live.value.visible ? { ...live.value, visible: true } : live.value);
    this.#settleLater();
    return ok(positionOf(timeline));
  }

  /** A sign of life, with figures. */
  sample(writer: Writer, stats: Stats): Result<true, LeaseError> {
    const live = this.#hear(writer);
    if (!live.ok) return live;
    this.#samples = [...this.#samples, stats].slice(-KEPT_SAMPLES);
    this.#saveLive(live.value);
    this.#settleLater();
    return ok(true);
  }

  /** The encoder is gone: wait for it, or end the broadcast now. Repeating it is harmless. */
  async close(writer: Writer, scope: EndScope): Promise<Result<true, LeaseError>> {
    const checked = checkLease(this.#live, writer, sameSecret);
    if (!checked.ok) return checked.error.reason === "closed" ? ok(true) : checked;
    const now = Date.now();
    const closed = closeSession(checked.value, now);
    this.#saveLive(scope === "broadcast" || isOver(closed, now) ? { ...closed, endedAt: now } : closed);
    await this.#settle();
    return ok(true);
  }

  /** The stream was disabled: end what is live, let no encoder in, show nothing. */
  async revoke(): Promise<void> {
    this.#stored.disabled = true;
    if (this.#live && this.#live.endedAt === undefined)
      this.#saveLive({ ...this.#live, endedAt: Date.now() });
    await this.#settle();
  }

  /** The stream was enabled again. */
  allow(): void {
    this.#stored.disabled = false;
  }

  /** A playlist, drawn once for all who ask, as soon as `want` is reached. */
  async playlist(request: DrawRequest, want: Reload | undefined): Promise<Result<DrawnPlaylist, ReachError>> {
    const reached = await this.#waiters.until(
      this.#longestWait(),
      (): Result<DrawnPlaylist, ReachError> | undefined => {
        const timeline = this.#timeline;
        if (!timeline || timeline.segments.length === 0 || this.#stored.disabled)
          return fail({ reason: "not-live" });
        const verdict = decide(want, edgeOf(timeline));
        if (verdict === "wait") return undefined;
        if (verdict === "too-far") return fail({ reason: "too-far" });
        const text = this.#drawings.draw(timeline, request);
        const { timing, ended } = timeline;
        return text === undefined ? fail({ reason: "no-rendition" }) : ok({ text, timing, ended });
      },
    );
    return reached ?? fail({ reason: "timed-out" });
  }

  /** Wait for a hinted part. `unknown` is answered at once, and so is what never came. */
  async awaitPart({ broadcast, session, file }: MediaAddress): Promise<PartVerdict> {
    if (file.kind !== "part") return "unknown";
    const verdict = await this.#waiters.until(this.#longestWait(), (): PartVerdict | undefined => {
      if (!this.#timeline || this.#timeline.broadcast !== broadcast) return "unknown";
      const found = decidePartRequest(file, edgeOf(this.#timeline));
      if (found !== "hinted") return found;
      return session === this.#timeline.session ? undefined : "unknown";
    });
    return verdict ?? "unknown";
  }

  /** What pages show of this stream. */
  status(): LiveStatus {
    const state = this.#stored.disabled ? "offline" : stateOf(this.#live, Date.now());
    return this.#live && state !== "offline" ? { state, startedAt: this.#live.startedAt } : { state };
  }

  /** How the encoder does, for its broadcaster. */
  health(): LiveHealth {
    const { state } = this.status();
    const source = this.#stored.source;
    return { state, ...(source && { source }), samples: this.#samples };
  }

  /** Look whether the encoder went silent or stayed away for too long, and settle what failed; may run twice. */
  override async alarm(): Promise<void> {
    this.#endIfDue(Date.now());
    await this.#settle();
  }

  #endIfDue(now: number): void {
    const live = this.#live;
    if (live && live.endedAt === undefined && isOver(live, now)) this.#saveLive({ ...live, endedAt: now });
  }

  /** The grant of a session, with its plan when the source is known. */
  #grant(live: Live, source?: Source, allowCopy = true): SessionGrant {
    if (!source) return grantOf(live);
    this.#stored.source = source;
    this.#samples = [];
    const known = this.#timeline?.broadcast === live.broadcast ? this.#timeline : undefined;
    if (known && !fits(known.renditions, source))
      return this.#grant(this.#beginAnew(live, known), source, allowCopy);
    const video = known?.renditions.filter(({ kind }) => kind === "video").map(({ name }) => name) ?? [];
    const fixed = known && { timing: known.timing, video };
    const { timing, plan } = planLadder(source, live.settings.profile, fixed, allowCopy);
    const timeline = known ?? emptyTimeline(live.broadcast, live.settings.id, timing, this.#timeline);
    if (!known) this.#saveTimeline(timeline, []);
    // A segment that could not be closed in time becomes a gap when this session describes its tracks.
    const nextMsn = timeline.nextMsn + (timeline.open ? 1 : 0);
    return { ...grantOf(live), plan: { ...plan, nextMsn } };
  }

  /** End a broadcast whose tracks do not fit any more, and begin the next with the same encoder. */
  #beginAnew(live: Live, timeline: Timeline): Live {
    const now = Date.now();
    this.#saveLive({ ...live, endedAt: now });
    this.#saveTimeline(end(timeline), []);
    const secret = crypto.getRandomValues(new Uint8Array(BROADCAST_SECRET_BYTES));
    const next = restart(live, broadcastId(live.settings.id, secret), now);
    this.#saveLive(next);
    return next;
  }

  #hear(writer: Writer): Result<Live, LeaseError> {
    const checked = checkLease(this.#live, writer, sameSecret);
    if (!checked.ok) return checked;
    const live = heard(checked.value, Date.now());
    this.#live = live;
    return ok(live);
  }

  /** Settle in the background, if there is anything to settle. */
  #settleLater(): void {
    if (this.#live && this.#index.isBehind(this.#live, stateOf(this.#live, Date.now()))) {
      this.ctx.waitUntil(this.#settle());
    }
  }

  /** Do what follows from the state and takes time; whatever fails is left to the alarm. One at a time, in order. */
  #settle(): Promise<void> {
    const settled = this.#settling.then(() => this.#settleOnce());
    // Who waits for this one hears of its failure; the next one is not to fail with it.
    this.#settling = settled.catch(() => {});
    return settled;
  }

  async #settleOnce(): Promise<void> {
    const settled = (await this.#sealAbandoned()) && (await this.#tellIndex());
    const live = this.#live;
    const timeline = this.#timeline;
    const mayEnd = live?.endedAt !== undefined && timeline?.broadcast === live.broadcast;
    if (
      mayEnd &&
      timeline &&
      !timeline.ended &&
      (!timeline.open || Date.now() > live.endedAt + GIVE_UP_SEALING_MS)
    ) {
      this.#saveTimeline(end(timeline), []);
    }
    this.#watch(settled);
  }

  /** Close a segment whose session is gone with the parts it has. False: R2 failed. */
  async #sealAbandoned(): Promise<boolean> {
    const timeline = this.#timeline;
    if (!timeline?.open || !this.#live || !isAbandoned(this.#live, timeline)) return true;
    try {
      const entry = await sealTimeline(this.env.MEDIA, timeline);
      if (entry && this.#timeline === timeline) {
        const sealed = extend(timeline, timeline.session, [entry]);
        if (sealed.ok) this.#saveTimeline(sealed.value.timeline, sealed.value.added);
      }
      return true;
    } catch (error) {
      console.error("a segment could not be sealed yet", timeline.broadcast, timeline.open.msn, error);
      return false;
    }
  }

  /** Copy the state to D1, where lists are made. False: D1 failed. */
  async #tellIndex(): Promise<boolean> {
    try {
      if (this.#live) await this.#index.tell(this.#live, stateOf(this.#live, Date.now()));
      return true;
    } catch (error) {
      console.error("the list of broadcasts could not be told yet", this.#live?.broadcast, error);
      return false;
    }
  }

  /** Set the alarm for whatever is due next. */
  #watch(settled: boolean): void {
    const now = Date.now();
    const due = this.#live && nextCheckAt(this.#live, now);
    const at = settled ? due : Math.min(now + RETRY_MS, due ?? Number.POSITIVE_INFINITY);
    if (at !== undefined) void this.ctx.storage.setAlarm(at);
  }

  /** Store a decision, and in the same breath the alarm that sees it through. */
  #saveLive(live: Live): void {
    const isDecision =
      live.endedAt !== this.#live?.endedAt || live.session.lease !== this.#live?.session.lease;
    // The list may not know yet how the broadcast before this one ended.
    if (this.#live && this.#live.broadcast !== live.broadcast)
      this.#index.note(this.#live, stateOf(this.#live, Date.now()));
    this.#stored.saveLive(live);
    if (isDecision) void this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
    this.#live = live;
  }

  #saveTimeline(timeline: Timeline, added: readonly Entry[]): void {
    this.#stored.saveTimeline(timeline, added);
    this.#timeline = timeline;
    this.#drawings.forget();
    this.#waiters.wake();
  }

  #longestWait(): number {
    return Date.now() + 1000 * (this.#timeline ? maxBlockSeconds(this.#timeline.timing) : 0);
  }
}

/** A minute of them. */
const KEPT_SAMPLES = 30;
const RETRY_MS = 5_000;
/** An ended broadcast is shown as ended after this long even if its last segment could not be put together. */
const GIVE_UP_SEALING_MS = 120_000;

const grantOf = (live: Live): SessionGrant => ({
  session: sessionId(live.broadcast, live.session.ordinal),
  stream: live.settings.id,
  broadcast: live.broadcast,
  lease: live.session.lease,
});
