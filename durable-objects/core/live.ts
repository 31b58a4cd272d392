/**
 * Who may write to a stream, and when a broadcast is over: leases, silence, the wait for an encoder to come back.
 * Pure: times come in as milliseconds since 1970, ids and secrets as strings.
 */
import type { ProfileName } from "../../media/profile.ts";
import { fail, ok, type Result } from "../../media/result.ts";
import type { Standby } from "../../wire/admin.ts";
import type { Transcoder } from "../../wire/ingest.ts";
import type { StreamState } from "../../wire/public.ts";

/** A session that says nothing for this long may be taken over. */
export const SILENCE_MS = 10_000;
/** One that sends no media for this long is silent for an encoder that stands by. */
export const STANDBY_SILENCE_MS = 1_200;
/** Only from then on does a session say often enough that it is not silent: a standby waits this long at least. */
export const STANDBY_WATCH_MS = 3_000;
/** An alarm that comes this long after its time did not come late: nobody was there to be called, or to be heard. */
export const ABSENCE_MS = 10_000;

/** What origin knows of a stream when its encoder knocks. */
export interface StreamSettings {
  readonly id: string;
  readonly profile: ProfileName;
  readonly reconnectSeconds: number;
  /** What becomes of a second encoder. */
  readonly standby: Standby;
}

/** An encoder's time on the stream; times in milliseconds since 1970. */
export interface Session {
  /** From 1 within the broadcast; a higher one fences every lower one. */
  readonly ordinal: number;
  readonly lease: string;
  readonly lastHeardAt: number;
  /** When it last had media; absent before it said anything of it. */
  readonly mediaAt?: number;
  /** Gives way to any encoder that does not: a test picture, say. */
  readonly yields?: boolean;
  /** It said that it may wait behind another. */
  readonly backup?: boolean;
  /** Names the request that opened it. */
  readonly claimId?: string;
  /** The host it comes by. */
  readonly transcoder?: Transcoder;
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
  /** When the stream's object could hear again after an absence of its own: waiting begins anew here. */
  readonly backAt?: number;
  readonly endedAt?: number;
}

/** The stream has an encoder, and this one may not wait. */
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

/** The stream has an encoder, and this one may wait behind it. */
export interface StandsBy {
  readonly reason: "stands-by";
}

/** What a new session would be called, and whether it gives way. */
export interface Fresh {
  readonly broadcast: string;
  readonly lease: string;
  readonly yields: boolean;
  readonly backup?: boolean;
  /** Since when it has been asking for the stream, milliseconds since 1970. */
  readonly askingSince?: number;
  readonly claimId?: string;
  readonly transcoder?: Transcoder;
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
): Result<Live, AlreadyLive | StandsBy> {
  const { lease, yields, backup, claimId, transcoder } = fresh;
  const session = {
    ordinal: 1,
    lease,
    lastHeardAt: now,
    yields,
    ...(backup && { backup }),
    ...(claimId !== undefined && { claimId }),
    ...(transcoder && { transcoder }),
  };
  if (live === undefined || isOver(live, now)) {
    return ok({ broadcast: fresh.broadcast, settings, startedAt: now, session, visible: false });
  }
  const givesWay = live.session.yields === true && !fresh.yields;
  const isDead = isSucceeded(live.session.transcoder, fresh.transcoder);
  if (isAlive(live, now) && !givesWay && !isDead) {
    if (!mayStandBy(live, settings, fresh)) return fail(alreadyLive(live));
    if (!isSilent(live, fresh, now)) return fail({ reason: "stands-by" });
  }
  return ok({ ...live, settings, session: { ...session, ordinal: live.session.ordinal + 1 } });
}

/** Either of two encoders may wait for the other, if one of them says that it is the second. */
const mayStandBy = (live: Live, { standby }: StreamSettings, fresh: Fresh): boolean =>
  standby !== "off" && !fresh.yields && (fresh.backup === true || live.session.backup === true);

/** No media has come for so long that the encoder that waits takes over. */
function isSilent(
  { session }: Live,
  { askingSince = Number.POSITIVE_INFINITY }: Fresh,
  now: number,
): boolean {
  const silentFor = now - (session.mediaAt ?? session.lastHeardAt);
  return silentFor > STANDBY_SILENCE_MS && now - askingSince >= STANDBY_WATCH_MS;
}

/** The host was started anew since, so what it did before is over. */
const isSucceeded = (before: Transcoder | undefined, now: Transcoder | undefined): boolean =>
  before !== undefined && before.id === now?.id && before.boot !== now.boot;

/**
 * A host is gone, and with it the session it had here; `undefined` when this changes nothing. One that is only silent
 * (`certain: false`) may still be heard on the session itself.
 */
export function release(
  live: Live,
  { broadcast, ordinal }: Pick<Writer, "broadcast" | "ordinal">,
  { transcoder, certain }: { readonly transcoder: Transcoder; readonly certain: boolean },
  now: number,
): Live | undefined {
  const { session } = live;
  const isPresent = live.broadcast === broadcast && session.ordinal === ordinal;
  if (!isPresent || session.closedAt !== undefined || live.endedAt !== undefined) return undefined;
  // Ids of sessions are in the addresses of their media: only the host that opened this one can give it up.
  if (session.transcoder?.id !== transcoder.id || session.transcoder.boot !== transcoder.boot)
    return undefined;
  return certain || !isAlive(live, now) ? closeSession(live, now) : undefined;
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

/** Why a writer may not write. */
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
  if (!isBefore || !sameSecret(live.session.lease, writer.lease)) {
    if (live.broadcast !== writer.broadcast || live.session.ordinal > writer.ordinal)
      return fail({ reason: "fenced" });
    if (live.session.ordinal < writer.ordinal || !sameSecret(live.session.lease, writer.lease))
      return fail({ reason: "unknown-lease" });
  }
  if (live.endedAt !== undefined || live.session.closedAt !== undefined) return fail({ reason: "closed" });
  return ok(live);
}

/** The session gave a sign of life, and perhaps of media. */
export const heard = (live: Live, now: number, mediaAt = live.session.mediaAt): Live => ({
  ...live,
  session: { ...live.session, lastHeardAt: now, ...(mediaAt !== undefined && { mediaAt }) },
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
  const patience = Math.max(SILENCE_MS, waitMs);
  const due = closedAt !== undefined ? closedAt + waitMs : lastHeardAt + patience;
  return live.backAt === undefined ? due : Math.max(due, live.backAt + patience);
}

/**
 * An object wakes. If it should have been called to end the broadcast long ago, it was away itself (the platform was
 * down, `wrangler dev` was killed) and no encoder could be heard: the encoder has its waiting time again from now.
 */
export const afterAbsence = (live: Live, now: number): Live =>
  live.endedAt === undefined && now >= endsAt(live) + ABSENCE_MS ? { ...live, backAt: now } : live;

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
