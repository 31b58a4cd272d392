/** What a stream's broadcasts were, read from its history: for operators, and for sessions that may complete it. Reads only. */
import type { HistorySegment } from "../media/history.ts";
import { MAX_MISSING_SEGMENTS, type MissingOfSession } from "../wire/broadcasts.ts";
import type { BroadcastFacts } from "./answers.ts";
import type { Archive, SessionRow } from "./archive.ts";
import { stateOf } from "./core/live.ts";
import { averageOf } from "./core/viewers/rollup.ts";
import type { HistoryRows } from "./history-rows.ts";
import type { LiveState } from "./live-state.ts";

/** What is known of a broadcast, live or over. */
export function factsOf(
  { live, archive }: LiveState,
  history: HistoryRows,
  id: string,
  now: number,
): BroadcastFacts | undefined {
  const record = live && recordOf(archive, history, id);
  if (!record) return undefined;
  const { visible, ...facts } = record;
  const over = visible ? "ended" : "offline";
  return { ...facts, state: live.broadcast === id ? stateOf(live, now) : over };
}

/** But for its state. */
function recordOf(
  archive: Archive,
  history: HistoryRows,
  broadcast: string,
): (Omit<BroadcastFacts, "state"> & { readonly visible: boolean }) | undefined {
  const row = archive.find(broadcast);
  if (!row) return undefined;
  const { startedAt, endedAt, visible, report, checkAt } = row;
  let [segments, seconds, gaps, before] = [0, 0, 0, -1];
  for (const session of allSessions(archive, broadcast)) {
    const live = history.liveRange(broadcast, session.ordinal, before);
    const named = namesOf(history, broadcast, session);
    before = live.to;
    for (const segment of history.all(broadcast, session.ordinal, live)) {
      segments += 1;
      seconds += segment.duration;
      gaps += gapsOf(segment, named).length;
    }
  }
  const watched = archive.watched(broadcast);
  return {
    startedAt,
    ...(endedAt !== undefined && { endedAt }),
    visible,
    sessions: archive.sessions(broadcast),
    segments,
    seconds,
    gaps,
    ...(watched && { viewers: { peak: watched.peak, average: Math.round(100 * averageOf(watched)) / 100 } }),
    ...(report && { report }),
    ...(checkAt !== undefined && { checkAt }),
  };
}

/** What a session may still hand in: what history lacks, and what the newest check did not find in R2. */
export function missingOf(
  archive: Archive,
  history: HistoryRows,
  broadcast: string,
  ordinal: number,
): MissingOfSession {
  const report = archive.find(broadcast)?.report;
  const absent = (report?.missing ?? []).filter(
    ({ session, why }) => session === ordinal && why === "absent",
  );
  const byMsn = new Map<number, string[]>();
  const add = (msn: number, rendition: string) => byMsn.set(msn, [...(byMsn.get(msn) ?? []), rendition]);
  for (const { msn, rendition } of absent) if (msn !== undefined) add(msn, rendition);
  const [session] = archive.sessions(broadcast, ordinal - 1, 1);
  const named = session ? namesOf(history, broadcast, session) : [];
  for (const segment of history.all(broadcast, ordinal, history.liveRange(broadcast, ordinal, -1))) {
    if (byMsn.size >= MAX_MISSING_SEGMENTS) break;
    for (const rendition of gapsOf(segment, named)) add(segment.msn, rendition);
  }
  return {
    inits: absent.filter(({ msn }) => msn === undefined).map(({ rendition }) => rendition),
    segments: [...byMsn]
      .map(([msn, renditions]) => ({ msn, renditions }))
      .sort((a, b) => a.msn - b.msn)
      .slice(0, MAX_MISSING_SEGMENTS),
    ...(report && { checkedAt: report.checkedAt }),
  };
}

const gapsOf = ({ tracks }: HistorySegment, named: readonly string[]): readonly string[] =>
  named.filter((rendition) => tracks[rendition] === undefined);

/** Renditions that a session would have in each of its segments. */
const namesOf = (history: HistoryRows, broadcast: string, session: SessionRow): readonly string[] => [
  ...new Set([...session.renditions, ...history.renditions(broadcast, session.ordinal)]),
];

function* allSessions(archive: Archive, broadcast: string): Generator<SessionRow> {
  for (let after: number | undefined = 0; after !== undefined; ) {
    const sessions = archive.sessions(broadcast, after);
    yield* sessions;
    after = sessions.at(-1)?.ordinal;
  }
}
