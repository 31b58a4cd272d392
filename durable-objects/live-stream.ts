/**
 * One object per stream: the lease of its encoder, the only writer of its timeline, and the place where requests wait
 * for media. Decisions are made in core/live.ts and media/; this class stores first, then tells.
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
import { sealingEntry } from "../media/seal.ts";
import {
  type Entry,
  type ExtendError,
  emptyTimeline,
  end,
  extend,
  type Position,
  pick,
  positionOf,
  type Timeline,
} from "../media/timeline.ts";
import type { EndScope, SessionGrant, Source, Stats } from "../wire/ingest.ts";
import type { StreamState } from "../wire/public.ts";
import type { ObjectsEnv } from "../workers/env.ts";
import { saveBroadcast } from "./broadcast-index.ts";
import {
  type AlreadyLive,
  checkLease,
  claim,
  closeSession,
  endsAt,
  heard,
  type LeaseError,
  type Live,
  nextCheckAt,
  restart,
  type StreamSettings,
  stateOf,
  type Writer,
} from "./core/live.ts";
import { LiveStorage } from "./live-storage.ts";
import { assembleSegment } from "./sealing.ts";

/** Why a playlist is not to be had. */
export type ReachError =
  | { readonly reason: "not-live" }
  | { readonly reason: "no-rendition" }
  | { readonly reason: "too-far" }
  | { readonly reason: "timed-out"; readonly seconds: number };

/** What pages show. */
export interface LiveStatus {
  readonly state: StreamState;
  /** Milliseconds since 1970. */
  readonly startedAt?: number;
}

export class LiveStream extends DurableObject<ObjectsEnv> {
  readonly #stored: LiveStorage;
  #live: Live | undefined;
  #timeline: Timeline | undefined;
  readonly #waiting = new Set<() => void>();
  #indexIsBehind = false;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.#stored = new LiveStorage(ctx.storage);
    const { live, timeline } = this.#stored.load();
    this.#live = live;
    this.#timeline = timeline;
  }

  /** Give the stream to an encoder, or say that it has one. */
  async open(
    settings: StreamSettings,
    asked: { readonly yields: boolean; readonly source?: Source },
  ): Promise<Result<SessionGrant, AlreadyLive>> {
    const now = Date.now();
    await this.#endIfDue(now);
    const random = crypto.getRandomValues(new Uint8Array(2 * BROADCAST_SECRET_BYTES));
    const fresh = {
      broadcast: broadcastId(settings.id, random),
      lease: secretLetters(random.subarray(BROADCAST_SECRET_BYTES)),
      yields: asked.yields,
    };
    const claimed = claim(this.#live, settings, fresh, now);
    if (!claimed.ok) return claimed;
    this.#saveLive(claimed.value);
    await this.#watch(now);
    await this.#sealOpen();
    return ok(asked.source ? await this.#plan(claimed.value, asked.source, true) : grantOf(claimed.value));
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
    const live = this.#hear(writer);
    return live.ok ? ok(await this.#plan(live.value, source, allowCopy)) : live;
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
    this.#saveLive(live.value);
    this.#showFirstSegment(live.value);
    return ok(positionOf(timeline));
  }

  /** A sign of life, with figures. */
  sample(writer: Writer, _stats: Stats): Result<true, LeaseError> {
    const live = this.#hear(writer);
    if (live.ok) this.#saveLive(live.value);
    return live.ok ? ok(true) : live;
  }

  /** The encoder is gone: wait for it, or end the broadcast now. Repeating it is harmless. */
  async close(writer: Writer, scope: EndScope): Promise<Result<true, LeaseError>> {
    const checked = checkLease(this.#live, writer, sameSecret);
    if (!checked.ok) return checked.error.reason === "closed" ? ok(true) : checked;
    const now = Date.now();
    const closed = closeSession(checked.value, now);
    this.#saveLive(closed);
    await this.#sealOpen();
    if (scope === "broadcast" || endsAt(closed) <= now) await this.#endBroadcast(closed, now);
    else await this.#tellIndex(closed);
    await this.#watch(now);
    return ok(true);
  }

  /** End whatever is live and fence its encoder: the stream was disabled. */
  async revoke(): Promise<void> {
    if (this.#live && this.#live.endedAt === undefined) await this.#endBroadcast(this.#live, Date.now());
  }

  /** The timeline as `rendition` needs it (all of it without one), once `want` is reached. */
  async reach(
    rendition: string | undefined,
    want: Reload | undefined,
  ): Promise<Result<Timeline, ReachError>> {
    const deadline = Date.now() + 1000 * (this.#timeline ? maxBlockSeconds(this.#timeline.timing) : 0);
    for (;;) {
      const timeline = this.#timeline;
      if (!timeline || timeline.segments.length === 0) return fail({ reason: "not-live" });
      if (rendition !== undefined && !timeline.renditions.some(({ name }) => name === rendition)) {
        return fail({ reason: "no-rendition" });
      }
      const verdict = decide(want, edgeOf(timeline));
      if (verdict === "too-far") return fail({ reason: "too-far" });
      if (verdict === "serve") return ok(rendition === undefined ? timeline : pick(timeline, rendition));
      if (!(await this.#changeBefore(deadline))) {
        return fail({ reason: "timed-out", seconds: maxBlockSeconds(timeline.timing) });
      }
    }
  }

  /** Wait for a hinted part. `unknown` is answered at once, and so is what never came. */
  async awaitPart({ broadcast, session, file }: MediaAddress): Promise<PartVerdict> {
    if (file.kind !== "part") return "unknown";
    const deadline = Date.now() + 1000 * (this.#timeline ? maxBlockSeconds(this.#timeline.timing) : 0);
    for (;;) {
      if (!this.#timeline || this.#timeline.broadcast !== broadcast) return "unknown";
      const verdict = decidePartRequest(file, edgeOf(this.#timeline));
      if (verdict !== "hinted") return verdict;
      if (session !== this.#timeline.session) return "unknown";
      if (!(await this.#changeBefore(deadline))) return "unknown";
    }
  }

  /** What pages show of this stream. */
  status(): LiveStatus {
    const state = stateOf(this.#live, Date.now());
    return this.#live && state !== "offline" ? { state, startedAt: this.#live.startedAt } : { state };
  }

  /** Look whether the encoder went silent, or stayed away for too long; at least once, possibly twice. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    if (!(await this.#endIfDue(now)) && this.#live) await this.#tellIndex(this.#live);
    await this.#watch(now);
  }

  async #endIfDue(now: number): Promise<boolean> {
    const live = this.#live;
    if (!live || live.endedAt !== undefined || now < endsAt(live)) return false;
    await this.#endBroadcast(live, now);
    return true;
  }

  async #plan(live: Live, source: Source, allowCopy: boolean): Promise<SessionGrant> {
    const known = this.#timeline?.broadcast === live.broadcast ? this.#timeline : undefined;
    if (known && !fits(known, source)) {
      await this.#endBroadcast(live, Date.now());
      const secret = crypto.getRandomValues(new Uint8Array(BROADCAST_SECRET_BYTES));
      const next = restart(live, broadcastId(live.settings.id, secret), Date.now());
      this.#saveLive(next);
      return this.#plan(next, source, allowCopy);
    }
    const video = known?.renditions.filter(({ kind }) => kind === "video").map(({ name }) => name) ?? [];
    const fixed = known && { timing: known.timing, video };
    const { timing, plan } = planLadder(source, live.settings.profile, fixed, allowCopy);
    const timeline = known ?? emptyTimeline(live.broadcast, live.settings.id, timing);
    if (!known) this.#saveTimeline(timeline, []);
    return { ...grantOf(live), plan: { ...plan, nextMsn: timeline.nextMsn } };
  }

  #hear(writer: Writer): Result<Live, LeaseError> {
    const checked = checkLease(this.#live, writer, sameSecret);
    if (!checked.ok) return checked;
    const wasSilent = stateOf(checked.value, Date.now()) === "interrupted";
    const live = heard(checked.value, Date.now());
    this.#live = live;
    if (wasSilent) this.ctx.waitUntil(this.#tellIndex(live));
    return ok(live);
  }

  #showFirstSegment(live: Live): void {
    const isNewSession = this.#timeline?.segments.at(-1)?.session === live.session.ordinal;
    if (live.visible || !isNewSession) return;
    const visible = { ...live, visible: true };
    this.#saveLive(visible);
    this.ctx.waitUntil(this.#tellIndex(visible));
  }

  /** Close what a session that is gone left open, so that nothing acknowledged is lost. */
  async #sealOpen(): Promise<void> {
    const timeline = this.#timeline;
    const entry = timeline && sealingEntry(timeline);
    if (!timeline?.open || !entry) return;
    let whole = entry;
    try {
      whole = await assembleSegment(this.env.MEDIA, timeline.broadcast, timeline.open, entry);
    } catch (error) {
      console.error("sealing a segment failed; it becomes a gap", timeline.broadcast, entry.msn, error);
      whole = { ...entry, tracks: {} };
    }
    if (this.#timeline !== timeline) return;
    const sealed = extend(timeline, timeline.session, [whole]);
    if (sealed.ok) this.#saveTimeline(sealed.value.timeline, sealed.value.added);
  }

  async #endBroadcast(live: Live, now: number): Promise<void> {
    const ended = { ...live, endedAt: now };
    this.#saveLive(ended);
    await this.#sealOpen();
    // While the segment was put together, the next broadcast may have begun.
    if (this.#timeline?.broadcast === live.broadcast) this.#saveTimeline(end(this.#timeline), []);
    await this.#tellIndex(ended);
  }

  /** Copy the state to D1, where lists are made. It is a copy: if it fails, the alarm tries again. */
  async #tellIndex(live: Live): Promise<void> {
    if (!live.visible) return;
    try {
      await saveBroadcast(this.env.DB, live, stateOf(live, Date.now()));
      this.#indexIsBehind = false;
    } catch (error) {
      console.error("the list of broadcasts could not be told", live.broadcast, error);
      this.#indexIsBehind = true;
      await this.#watch(Date.now());
    }
  }

  /** Set the alarm for whatever is due next. */
  async #watch(now: number): Promise<void> {
    const next = this.#live && nextCheckAt(this.#live, now);
    const at = this.#indexIsBehind ? Math.min(now + INDEX_RETRY_MS, next ?? Number.POSITIVE_INFINITY) : next;
    if (at !== undefined) await this.ctx.storage.setAlarm(at);
  }

  #saveLive(live: Live): void {
    this.#stored.saveLive(live);
    this.#live = live;
  }

  #saveTimeline(timeline: Timeline, added: readonly Entry[]): void {
    this.#stored.saveTimeline(timeline, added);
    this.#timeline = timeline;
    for (const wake of this.#waiting) wake();
  }

  /** True when the timeline changed, false when the deadline came first. */
  #changeBefore(deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (changed: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve(changed);
      };
      const wake = () => done(true);
      const timer = setTimeout(() => done(false), Math.max(0, deadline - Date.now()));
      this.#waiting.add(wake);
    });
  }
}

const INDEX_RETRY_MS = 5_000;

const grantOf = (live: Live): SessionGrant => ({
  session: sessionId(live.broadcast, live.session.ordinal),
  stream: live.settings.id,
  broadcast: live.broadcast,
  lease: live.session.lease,
});

/** A broadcast keeps its kinds of track: players chose their decoders when it began. */
function fits(timeline: Timeline, source: Source): boolean {
  if (timeline.renditions.length === 0) return true;
  const has = (kind: "video" | "audio") => timeline.renditions.some((rendition) => rendition.kind === kind);
  return has("video") === (source.video !== undefined) && has("audio") === (source.audio !== undefined);
}

function sameSecret(a: string, b: string): boolean {
  const encoder = new TextEncoder();
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  return left.byteLength === right.byteLength && crypto.subtle.timingSafeEqual(left, right);
}
