/** What a LiveStream is asked and answers over RPC, besides what stands in wire/. Types only. */
import type { Timing } from "../media/profile.ts";
import type { Source, Stats, Transcoder } from "../wire/ingest.ts";
import type { StreamState } from "../wire/public.ts";
import type { Report, SessionRow } from "./archive.ts";
import type { PublicStatus } from "./live-state.ts";
import type { AudienceHealth } from "./viewers/audience.ts";

/** Why a playlist is not to be had. */
export type ReachError =
  | { readonly reason: "not-live" }
  | { readonly reason: "no-rendition" }
  | { readonly reason: "too-far" }
  | { readonly reason: "timed-out" };

/** A playlist, and what decides how long it may be kept. */
export interface DrawnPlaylist {
  readonly text: string;
  readonly timing: Timing;
  readonly ended: boolean;
}

/** What pages show. */
export interface LiveStatus extends PublicStatus {
  /** People who watch; absent when there is nothing to watch. */
  readonly viewers?: number;
}

/** How the present session does, and those who watch it. */
export interface LiveHealth extends AudienceHealth {
  readonly state: StreamState;
  readonly source?: Source;
  /** Oldest first. */
  readonly samples: readonly Stats[];
}

/** How an encoder asks for a stream. */
export interface Asked {
  readonly yields: boolean;
  /** It may wait behind another encoder. */
  readonly backup?: boolean;
  /** Names this request, so that a repeat of it gets the same answer. */
  readonly claimId?: string;
  readonly source?: Source;
  /** The host that asks. */
  readonly transcoder?: Transcoder;
}

/** What an encoder turned out to send, and what its host can do with it. */
export interface Described {
  readonly source: Source;
  /** A track may be passed through. */
  readonly allowCopy?: boolean;
  /** Encoded rungs to leave out, from the top. */
  readonly lighter?: number;
}

/** What is known of a broadcast, live or over; times in milliseconds since 1970. */
export interface BroadcastFacts {
  readonly state: StreamState;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly sessions: readonly SessionRow[];
  /** Of its history, whatever R2 holds. */
  readonly segments: number;
  readonly seconds: number;
  readonly gaps: number;
  /** How many watched at a time, at most and on average; absent when nobody was counted. */
  readonly viewers?: { readonly peak: number; readonly average: number };
  readonly report?: Report;
  /** When history is compared with R2 next. */
  readonly checkAt?: number;
}
