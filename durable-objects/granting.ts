/**
 * What a session is granted: its names and its lease, and, once its source is known, the plan it is to keep to. And what one
 * that stands by is told.
 */
import { BROADCAST_SECRET_BYTES, broadcastId, sessionId } from "../media/address.ts";
import { planLadder } from "../media/ladder.ts";
import { emptyTimeline, type Timeline } from "../media/timeline.ts";
import type { SessionGrant, Source, Waiting } from "../wire/ingest.ts";
import type { Described } from "./answers.ts";
import { fits, type Live, restart, type StreamSettings } from "./core/live.ts";
import type { LiveState } from "./live-state.ts";

/** A grant without a plan. */
export const grantOf = (live: Live): SessionGrant => ({
  session: sessionId(live.broadcast, live.session.ordinal),
  stream: live.settings.id,
  broadcast: live.broadcast,
  lease: live.session.lease,
});

/**
 * Plan a session from what its encoder sends. A source whose kinds of track differ from the broadcast's begins a new
 * broadcast, so the grant may name other ids than `live`.
 */
export function planSession(state: LiveState, live: Live, described: Described, now: number): SessionGrant {
  const { source, allowCopy = true, lighter = 0 } = described;
  state.stored.source = source;
  const known = state.timeline?.broadcast === live.broadcast ? state.timeline : undefined;
  if (known && !fits(known.renditions, source))
    return planSession(state, beginAnew(state, live, known, now), described, now);
  const { timing, plan } = planLadder(source, live.settings.profile, fixedBy(known), allowCopy, lighter);
  const timeline = known ?? emptyTimeline(live.broadcast, live.settings.id, timing, state.timeline);
  if (!known) state.saveTimeline(timeline, []);
  // A segment that could not be closed in time becomes a gap when this session describes its tracks.
  const nextMsn = timeline.nextMsn + (timeline.open ? 1 : 0);
  return { ...grantOf(live), plan: { ...plan, nextMsn } };
}

/** What a broadcast keeps from its beginning. */
function fixedBy(known: Timeline | undefined) {
  const video = known?.renditions.filter(({ kind }) => kind === "video").map(({ name }) => name) ?? [];
  return known && { timing: known.timing, video };
}

/** What an encoder that stands by is told: with `warm`, the plan that it would get now. Changes nothing. */
export function waitingFor(
  { timeline, live }: LiveState,
  { id, profile, standby }: StreamSettings,
  source: Source | undefined,
): Waiting["standby"] {
  const known = timeline?.broadcast === live?.broadcast ? timeline : undefined;
  if (standby !== "warm" || !source || (known && !fits(known.renditions, source))) return { stream: id };
  const { plan } = planLadder(source, profile, fixedBy(known));
  return { stream: id, plan: { ...plan, nextMsn: known?.nextMsn ?? 0 } };
}

/** End a broadcast whose tracks do not fit any more, and begin the next with the same encoder. */
function beginAnew(state: LiveState, live: Live, timeline: Timeline, now: number): Live {
  state.saveLive({ ...live, endedAt: now }, now);
  state.endTimeline(timeline);
  const secret = crypto.getRandomValues(new Uint8Array(BROADCAST_SECRET_BYTES));
  const next = restart(live, broadcastId(live.settings.id, secret), now);
  state.saveLive(next, now);
  return next;
}
