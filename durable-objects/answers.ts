/** What a LiveStream is asked and answers over RPC, besides what stands in wire/. Types only. */
import type { Timing } from "../media/profile.ts";
import type { Source, Stats } from "../wire/ingest.ts";
import type { StreamState } from "../wire/public.ts";

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
export interface LiveStatus {
  readonly state: StreamState;
  /** Milliseconds since 1970. */
  readonly startedAt?: number;
}

/** How the present session does. */
export interface LiveHealth {
  readonly state: StreamState;
  readonly source?: Source;
  /** Oldest first. */
  readonly samples: readonly Stats[];
}

/** How an encoder asks for a stream. */
export interface Asked {
  readonly yields: boolean;
  /** Names this request, so that a repeat of it gets the same answer. */
  readonly claimId?: string;
  readonly source?: Source;
}
