/**
 * Who may write to a stream, and when a broadcast is over: leases, silence, the wait for an encoder to come back.
 * Pure: times come in as milliseconds since 1970, ids and secrets as strings.
 */

import type { ProfileName } from "../../media/profile.ts";
import { fail, ok, type Result } from "../../media/result.ts";
import type { StreamState } from "../../wire/public.ts";

/** A session that says nothing for this long may be taken over. */
export const SILENCE_MS = 10_000;

/** What origin knows of a stream when its encoder knocks. */
export interface StreamSettings {
  readonly id: string;
  readonly profile: ProfileName;
  readonly reconnectSeconds: number;
}

export interface Session {
  /** From 1 within the broadcast; a higher one fences every lower one. */
  readonly ordinal: number;
  readonly lease: string;
  readonly lastHeardAt: number;
  /** Gives way to any encoder that does not: a test picture, say. */
  readonly yields?: boolean;
  /** Names the request that opened it. */
  readonly claimId?: string;
  /** Set when the transcoder said that the encoder is gone. */
  readonly closedAt?: number;
}

/** One broadcast from its first claim on. */
export interface Live {
  readonly broadcast: string;
  readonly settings: StreamSettings;
  readonly startedAt: number;
  readonly session: Session;
  /** The session that this broadcast went on from when its tracks did not fit another: a repeated request may still name it. */
  readonly before?: { readonly broadcast: string; readonly ordinal: number };
  /** A first segment is there: viewers can be told. */
  readonly visible: boolean;
  readonly endedAt?: number;
}

export interface AlreadyLive {
  readonly reason: "already-live";
  /** When the present encoder could be taken over if it stayed silent from now on. */
  readonly freeAt: number;
}

/** The refusal of a stream that has an encoder. */
export const alreadyLive = ({ session }: Live): AlreadyLive => ({
  reason: "already-live",
  freeAt: session.lastHeardAt + SILENCE_MS,
});

/** What a new session would be called, and whether it gives way. */
export interface Fresh {
  readonly broadcast: string;
  readonly lease: string;
  readonly yields: boolean;
  readonly claimId?: string;
}

/** This request was granted already, and its answer was lost on the way. */
export const isRepeat = (live: Live, claimId: string): boolean =>
  live.session.claimId === claimId && live.endedAt === undefined && live.session.closedAt === undefined;

/** Give a stream to an encoder: the present broadcast goes on if it can, else a new one begins. */
export function claim(
  live: Live | undefined,
  settings: StreamSettings,
  fresh: Fresh,
  now: number,
): Result<Live, AlreadyLive> {
  const { lease, yields, claimId } = fresh;
  const session = { ordinal: 1, lease, lastHeardAt: now, yields, ...(claimId !== undefined && { claimId }) };
  if (live === undefined || isOver(live, now)) {
    return ok({ broadcast: fresh.broadcast, settings, startedAt: now, session, visible: false });
  }
  const givesWay = live.session.yields === true && !fresh.yields;
  if (isAlive(live, now) && !givesWay) return fail(alreadyLive(live));
  return ok({ ...live, settings, session: { ...session, ordinal: live.session.ordinal + 1 } });
}

/** Leave a broadcast whose tracks do not fit any more: the same encoder, a new show. */
export const restart = (live: Live, broadcast: string, now: number): Live => ({
  broadcast,
  settings: live.settings,
  startedAt: now,
  before: { broadcast: live.broadcast, ordinal: live.session.ordinal },
  session: { ...live.session, ordinal: 1, lastHeardAt: now },
  visible: false,
});

export type LeaseError =
  /** Not the secret that was given out. */
  | { readonly reason: "unknown-lease" }
  /** Another session has the stream now. */
  | { readonly reason: "fenced" }
  /** This session, or its broadcast, was closed. */
  | { readonly reason: "closed" };

/** A writer, as it names itself in a request. */
export interface Writer {
  readonly broadcast: string;
  readonly ordinal: number;
  readonly lease: string;
}

/** Check a writer. `sameSecret` compares without telling by its timing how much was right. */
export function checkLease(
  live: Live | undefined,
  writer: Writer,
  sameSecret: (a: string, b: string) => boolean,
): Result<Live, LeaseError> {
  if (live === undefined) return fail({ reason: "unknown-lease" });
  const isBefore = live.before?.broadcast === writer.broadcast && live.before.ordinal === writer.ordinal;
  if (isBefore && sameSecret(live.session.lease, writer.lease)) return ok(live);
  if (live.broadcast !== writer.broadcast || live.session.ordinal > writer.ordinal)
    return fail({ reason: "fenced" });
  if (live.session.ordinal < writer.ordinal || !sameSecret(live.session.lease, writer.lease)) {
    return fail({ reason: "unknown-lease" });
  }
  if (live.endedAt !== undefined || live.session.closedAt !== undefined) return fail({ reason: "closed" });
  return ok(live);
}

/** The session gave a sign of life. */
export const heard = (live: Live, now: number): Live => ({
  ...live,
  session: { ...live.session, lastHeardAt: now },
});

/** The encoder is gone; the broadcast waits for it. */
export const closeSession = (live: Live, now: number): Live => ({
  ...live,
  session: { ...live.session, closedAt: now },
});

/** An encoder holds the stream and has been heard of lately. */
export const isAlive = (live: Live, now: number): boolean =>
  live.endedAt === undefined &&
  live.session.closedAt === undefined &&
  now - live.session.lastHeardAt < SILENCE_MS;

/** When the broadcast ends if nothing more is heard. */
export function endsAt(live: Live): number {
  const { closedAt, lastHeardAt } = live.session;
  const waitMs = live.settings.reconnectSeconds * 1000;
  return closedAt !== undefined ? closedAt + waitMs : lastHeardAt + Math.max(SILENCE_MS, waitMs);
}

/** Ended, or due to be. */
export const isOver = (live: Live, now: number): boolean => live.endedAt !== undefined || now >= endsAt(live);

/** What viewers are told. */
export function stateOf(live: Live | undefined, now: number): StreamState {
  if (live === undefined) return "offline";
  if (live.endedAt !== undefined) return live.visible ? "ended" : "offline";
  if (!live.visible) return isAlive(live, now) ? "starting" : "offline";
  return isAlive(live, now) ? "live" : "interrupted";
}

/** When to look again without being asked; `undefined` once the broadcast is over. */
export function nextCheckAt(live: Live, now: number): number | undefined {
  if (live.endedAt !== undefined) return undefined;
  const silentAt = live.session.lastHeardAt + SILENCE_MS;
  return live.session.closedAt === undefined && silentAt > now ? silentAt : endsAt(live);
}

/** A broadcast keeps its kinds of track, as players chose their decoders when it began; one without tracks yet takes any. */
export function fits(
  tracks: readonly { readonly kind: "video" | "audio" }[],
  source: { readonly video?: unknown; readonly audio?: unknown },
): boolean {
  const has = (kind: "video" | "audio") => tracks.some((track) => track.kind === kind);
  const kinds =
    has("video") === (source.video !== undefined) && has("audio") === (source.audio !== undefined);
  return tracks.length === 0 || kinds;
}

/** The open segment's session is gone: nobody will close it. */
export const isAbandoned = (
  live: Live,
  timeline: { readonly broadcast: string; readonly open?: { readonly session: number } },
): boolean =>
  timeline.open !== undefined &&
  (live.broadcast !== timeline.broadcast ||
    live.endedAt !== undefined ||
    live.session.closedAt !== undefined ||
    live.session.ordinal > timeline.open.session);
