/**
 * Which transcoders there are: reports, silence, drains, and the sessions that a host leaves behind when it goes. Pure:
 * times come in as milliseconds since 1970.
 */
import { fail, ok, type Result } from "../../media/result.ts";
import type { Report, TranscoderRecord, TranscoderState } from "../../wire/fleet.ts";
import type { Transcoder } from "../../wire/ingest.ts";

/** Three heartbeats: a host that was not heard for this long is silent. */
export const SILENT_MS = 30_000;
/** A host that is gone is shown for a day. */
export const FORGET_MS = 24 * 3600 * 1000;
/** Transcoders of one origin. */
export const MAX_HOSTS = 1000;
/** Boots that are remembered as replaced; a process that was replaced goes on reporting, an older one hardly does. */
const KEPT_BOOTS = 4;

/** A host, as last heard of. */
export interface Host extends Transcoder {
  readonly version: string;
  readonly ffmpeg: string;
  readonly url?: string;
  readonly slots: number;
  readonly sessions: readonly string[];
  /** It says that it takes no new encoders. */
  readonly draining: boolean;
  /** The operator wants it drained; stays so over restarts. */
  readonly drain: boolean;
  readonly lastSeenAt: number;
  /** Why nothing is expected of it. */
  readonly gone?: "silent" | "stopped";
  /** Boots that this one has replaced, newest first. */
  readonly before: readonly string[];
}

/** A session whose host is gone. */
export interface Orphan {
  readonly session: string;
  readonly transcoder: Transcoder;
  /** Its process has ended; else it may only be unable to report, and the session live on. */
  readonly certain: boolean;
}

/** Another process has registered with this host's id since. */
export interface Superseded {
  readonly reason: "superseded";
}

/** Take a report. */
export function register(
  known: Host | undefined,
  id: string,
  report: Report,
  now: number,
): Result<{ readonly host: Host; readonly orphans: readonly Orphan[] }, Superseded> {
  const { boot, stopping, url, ...told } = report;
  if (known?.before.includes(boot)) return fail({ reason: "superseded" });
  const isSame = known?.boot === boot;
  // A report that a goodbye has overtaken.
  if (isSame && known.gone === "stopped") return ok({ host: known, orphans: [] });
  const host: Host = {
    id,
    boot,
    version: told.version,
    ffmpeg: told.ffmpeg,
    ...(url !== undefined && { url }),
    slots: told.slots,
    sessions: stopping ? [] : told.sessions,
    draining: told.draining,
    drain: known?.drain ?? false,
    lastSeenAt: now,
    ...(stopping && { gone: "stopped" as const }),
    before: isSame || !known ? (known?.before ?? []) : [known.boot, ...known.before].slice(0, KEPT_BOOTS),
  };
  const left = isSame || !known ? [] : orphansOf(known, true);
  const given = stopping ? orphansOf({ ...host, sessions: told.sessions }, true) : [];
  return ok({ host, orphans: [...left, ...given] });
}

/** What a look at the clock changes. */
export interface Checked {
  /** Hosts that fell silent. */
  readonly silent: readonly Host[];
  readonly forgotten: readonly Host[];
  readonly orphans: readonly Orphan[];
}

/** See who has fallen silent, and who was gone for long enough to be forgotten. */
export function check(hosts: Iterable<Host>, now: number): Checked {
  const due = [...hosts].filter((host) => now >= checkAt(host));
  const fallen = due.filter(({ gone }) => gone === undefined);
  return {
    silent: fallen.map((host) => ({ ...host, gone: "silent" })),
    forgotten: due.filter(({ gone }) => gone !== undefined),
    orphans: fallen.flatMap((host) => orphansOf(host, false)),
  };
}

/** When to check next; `undefined` without hosts. */
export function nextCheckAt(hosts: Iterable<Host>): number | undefined {
  const times = [...hosts].map(checkAt);
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** How operators see a host. */
export function recordOf(host: Host): TranscoderRecord {
  const { id, version, ffmpeg, url, slots, sessions, drain, lastSeenAt } = host;
  const state = stateOf(host);
  return {
    id,
    state,
    version,
    ffmpeg,
    ...(url !== undefined && { url }),
    slots,
    sessions: [...sessions],
    freeSlots: state === "up" ? Math.max(0, slots - sessions.length) : 0,
    draining: drain,
    lastSeenAt: new Date(lastSeenAt).toISOString(),
  };
}

function stateOf({ gone, drain, draining }: Host): TranscoderState {
  return gone ?? (drain || draining ? "draining" : "up");
}

const checkAt = ({ gone, lastSeenAt }: Host): number =>
  lastSeenAt + (gone === undefined ? SILENT_MS : FORGET_MS);

const orphansOf = ({ id, boot, sessions }: Host, certain: boolean): readonly Orphan[] =>
  sessions.map((session) => ({ session, transcoder: { id, boot }, certain }));
