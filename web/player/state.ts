/**
 * What the watch page is doing and what it does next: `decide(state, event)` gives the new state and the effects.
 * No DOM, no hls.js, no clock: the shell runs the effects and reports back as events.
 */
import type { StreamState, StreamStatus } from "../../wire/public.ts";
import { pollDelayMs, retryDelayMs } from "./backoff.ts";

/** What the engine does with the source it was given. */
export type Playback =
  /** No source. */
  | "none"
  /** A source, and no frame of it yet. */
  | "opening"
  | "playing"
  /** The buffer ran dry. */
  | "stalled"
  | "paused"
  /** The browser wants a click first, even without sound. */
  | "blocked"
  /** The last frame of a broadcast that ended. */
  | "finished";

export interface PlayerState {
  /** Last answer about the stream: not asked yet, no such stream, not for this viewer, or what it said. */
  readonly stream: "unasked" | "missing" | "closed" | StreamStatus;
  /** Questions about the stream that failed in a row. */
  readonly failures: number;
  readonly hidden: boolean;
  /** The socket tells of changes. */
  readonly fed: boolean;
  /** What the socket told and no answer has said yet: answers may be copies, and some seconds old. */
  readonly told?: { readonly state: StreamState; readonly startedAt?: string };
  readonly playback: Playback;
  /** The broadcast that is open, see `broadcastOf`. */
  readonly source?: string;
  /** Fatal network errors since frames last moved. */
  readonly networkErrors: number;
  /** Media errors close to each other, and when the last one was. */
  readonly mediaErrors: number;
  readonly mediaErrorAtMs: number;
}

/** `random` is 0 to 1, for jitter; `atMs` is any steady clock. */
export type PlayerEvent =
  | { readonly type: "status"; readonly status: StreamStatus; readonly random: number }
  | { readonly type: "missing"; readonly random: number }
  /** The signed path has ended, has not begun, or is for somebody else. */
  | { readonly type: "closed"; readonly random: number }
  | { readonly type: "unanswered"; readonly random: number }
  | { readonly type: "visibility"; readonly hidden: boolean }
  | { readonly type: "connected" }
  /** From the socket: whether it tells of changes, a change of state, another title. */
  | {
      readonly type: "fed";
      readonly fed: boolean;
      /** Changes may have been missed before. */
      readonly missed: boolean;
      readonly random: number;
    }
  | {
      readonly type: "told";
      readonly state: StreamState;
      readonly startedAt?: string;
      readonly random: number;
    }
  | { readonly type: "titled"; readonly title: string }
  /** From the engine. */
  | { readonly type: "playing" }
  | { readonly type: "stalled" }
  | { readonly type: "paused" }
  | { readonly type: "refused" }
  | { readonly type: "finished" }
  | { readonly type: "network-error"; readonly random: number }
  | { readonly type: "media-error"; readonly atMs: number }
  /** A playlist of another broadcast, or none, came where ours was. */
  | { readonly type: "source-changed" }
  /** Nothing comes from the source any more, though its playlist grows. */
  | { readonly type: "starved" }
  /** The wait that `retry` asked for is over. */
  | { readonly type: "retry-due" }
  /** From the viewer. */
  | { readonly type: "toggle" }
  | { readonly type: "go-live" }
  | { readonly type: "replay" };

export type Effect =
  | { readonly type: "ask" }
  | { readonly type: "ask-later"; readonly afterMs: number }
  | { readonly type: "open"; readonly status: StreamStatus; readonly from: "live" | "start" }
  | { readonly type: "close" }
  | { readonly type: "play" }
  | { readonly type: "pause" }
  | { readonly type: "go-live" }
  /** Start loading again where it stopped. */
  | { readonly type: "resume" }
  /** Give the decoder a fresh buffer. */
  | { readonly type: "recover" }
  | { readonly type: "retry"; readonly afterMs: number };

export interface Decision {
  readonly state: PlayerState;
  readonly effects: readonly Effect[];
}

/** What the page shows; also `document.documentElement.dataset.player`. */
export type Phase =
  | "loading"
  | "unknown"
  | "closed"
  | "offline"
  | "starting"
  | "playing"
  | "paused"
  | "blocked"
  | "buffering"
  | "interrupted"
  | "ended"
  | "trouble";

export const INITIAL: PlayerState = {
  stream: "unasked",
  failures: 0,
  hidden: false,
  fed: false,
  playback: "none",
  networkErrors: 0,
  mediaErrors: 0,
  mediaErrorAtMs: 0,
};

/** Media errors further apart than this have nothing to do with each other. */
const MEDIA_ERROR_MEMORY_MS = 30_000;
/** After so many attempts to go on where loading stopped, the source is opened anew. */
const RESUMES = 2;

/** One broadcast told from the next on the same stream: its path is the stream's, so its start is what differs. */
export const broadcastOf = (status: StreamStatus): string => status.startedAt ?? status.playlist ?? "";

/** One step. */
export function decide(state: PlayerState, event: PlayerEvent): Decision {
  switch (event.type) {
    case "status":
      return onStatus(believed(state, event.status), event.status, event.random);
    case "missing":
    case "closed":
      return onMissing({ ...state, stream: event.type, failures: 0 }, event.random);
    case "unanswered":
      return later({ ...state, failures: state.failures + 1 }, event.random);
    case "visibility":
      return only({ ...state, hidden: event.hidden }, event.hidden ? [] : [{ type: "ask" }]);
    case "connected":
      return only(state, state.networkErrors > 0 ? [{ type: "ask" }, { type: "resume" }] : [{ type: "ask" }]);
    case "fed":
      return event.missed
        ? only({ ...state, fed: event.fed }, [askSoon(event.random)])
        : later({ ...state, fed: event.fed }, event.random);
    case "told":
      return onTold(state, event);
    case "titled":
      return only(
        typeof state.stream === "object"
          ? { ...state, stream: { ...state.stream, title: event.title } }
          : state,
      );
    case "playing":
      return state.playback === "none"
        ? only(state)
        : only({ ...state, playback: "playing", networkErrors: 0 });
    case "stalled":
      // A show that ends or breaks off is noticed here first.
      return state.playback === "playing"
        ? only({ ...state, playback: "stalled" }, [{ type: "ask" }])
        : only(state);
    case "paused":
      return isOpen(state) && state.playback !== "finished"
        ? only({ ...state, playback: "paused" })
        : only(state);
    case "refused":
      return isOpen(state) ? only({ ...state, playback: "blocked" }) : only(state);
    case "finished":
      return isOpen(state) ? only({ ...state, playback: "finished" }, [{ type: "ask" }]) : only(state);
    case "network-error":
      return onNetworkError(state, event.random);
    case "media-error":
      return onMediaError(state, event.atMs);
    case "source-changed":
      return only(state, [{ type: "ask" }]);
    case "starved":
      return onStarved(state);
    case "retry-due":
      return onRetryDue(state);
    case "toggle":
      return onToggle(state);
    case "go-live":
      return isOpen(state) && state.playback !== "finished"
        ? only(state, [{ type: "go-live" }, { type: "play" }])
        : only(state);
    case "replay":
      return onReplay(state);
  }
}

/** What to show for a state. */
export function phaseOf(state: PlayerState): Phase {
  const { stream, playback } = state;
  if (playback === "playing" || playback === "paused" || playback === "blocked") return playback;
  if (stream === "missing") return "unknown";
  if (stream === "closed") return "closed";
  if (stream === "unasked") return state.failures > 0 ? "trouble" : "loading";
  if (playback === "finished") return "ended";
  if (state.failures > 0 || state.networkErrors > 0) {
    return stream.state === "interrupted" && state.failures === 0 ? "interrupted" : "trouble";
  }
  if (stream.state === "interrupted") return "interrupted";
  if (playback === "stalled") return "buffering";
  if (playback === "opening") return stream.state === "starting" ? "starting" : "loading";
  return stream.state === "live" ? "starting" : stream.state;
}

/** A broadcast that is over is being watched again. */
export const isReplay = (state: PlayerState): boolean =>
  isOpen(state) && typeof state.stream === "object" && state.stream.state === "ended";

const isOpen = (state: PlayerState): boolean => state.playback !== "none";
const only = (state: PlayerState, effects: readonly Effect[] = []): Decision => ({ state, effects });

/** States in which a playlist is worth opening without being asked to. */
const ON_AIR: readonly StreamState[] = ["starting", "live", "interrupted"];

function onStatus(before: PlayerState, status: StreamStatus, random: number): Decision {
  const state: PlayerState = { ...before, stream: status, failures: 0 };
  if (status.playlist !== undefined && ON_AIR.includes(status.state)) {
    if (state.source !== broadcastOf(status)) return andAsk(open(state, status, "live"), random);
    // The encoder or the server is back: why wait for the next attempt?
    const wasAway =
      typeof before.stream !== "object" || before.stream.state !== status.state || before.failures > 0;
    const back = status.state === "live" && wasAway && state.networkErrors > 0;
    return later(state, random, back ? [{ type: "resume" }] : []);
  }
  // Frames that are still there may be watched; what waits for more of them waits in vain.
  const watching = state.playback === "playing" || state.playback === "paused";
  if (status.state === "offline" && isOpen(state) && !watching) return andAsk(close(state), random);
  if (status.state === "ended" && state.playback === "stalled" && state.networkErrors > 0) {
    return later(forget({ ...state, playback: "finished" }), random);
  }
  return later(state.playback === "finished" ? forget(state) : state, random);
}

/** Viewers who have to ask for more, spread over this long: they were all told at once. */
const ASK_SPREAD_MS = 500;
const askSoon = (random: number): Effect => ({
  type: "ask-later",
  afterMs: Math.round(ASK_SPREAD_MS * random),
});

/** The socket tells only the state; what else another broadcast changes has to be asked. */
function onTold(state: PlayerState, event: PlayerEvent & { type: "told" }): Decision {
  const { stream } = state;
  const { state: told, startedAt, random } = event;
  const heard = { ...state, told: { state: told, ...(startedAt !== undefined && { startedAt }) } };
  const isSame =
    typeof stream === "object" &&
    stream.playlist !== undefined &&
    told !== "offline" &&
    (startedAt === undefined || startedAt === stream.startedAt);
  return isSame ? onStatus(heard, { ...stream, state: told }, random) : only(heard, [askSoon(random)]);
}

/** An answer that says what was told: there is no more to be asked about it. */
function believed(state: PlayerState, { state: said, startedAt }: StreamStatus): PlayerState {
  const { told, ...rest } = state;
  const isSaid = told?.state === said && (told.startedAt === undefined || told.startedAt === startedAt);
  return isSaid ? rest : state;
}

/** The next broadcast is a new one, even if the server doesn't say when it began. */
function forget({ source: _source, ...rest }: PlayerState): PlayerState {
  return rest;
}

function onMissing(state: PlayerState, random: number): Decision {
  return isOpen(state) ? andAsk(close(state), random) : later(state, random);
}

function onNetworkError(state: PlayerState, random: number): Decision {
  if (!isOpen(state) || state.playback === "finished") return only(state);
  const networkErrors = state.networkErrors + 1;
  return only({ ...state, networkErrors }, [
    { type: "ask" },
    { type: "retry", afterMs: retryDelayMs(networkErrors, random) },
  ]);
}

function onRetryDue(state: PlayerState): Decision {
  const { stream } = state;
  if (!isOpen(state) || state.playback === "finished" || typeof stream !== "object") return only(state);
  if (state.networkErrors <= RESUMES || stream.playlist === undefined)
    return only(state, [{ type: "resume" }]);
  const opened = reopen(state, stream);
  return only({ ...opened.state, networkErrors: state.networkErrors }, opened.effects);
}

function onStarved(state: PlayerState): Decision {
  const { stream, playback } = state;
  const isWaiting = playback === "opening" || playback === "stalled";
  return isWaiting && typeof stream === "object" && stream.playlist !== undefined
    ? reopen(state, stream)
    : only(state);
}

function onMediaError(state: PlayerState, atMs: number): Decision {
  if (!isOpen(state) || state.playback === "finished" || typeof state.stream !== "object") return only(state);
  const near = atMs - state.mediaErrorAtMs < MEDIA_ERROR_MEMORY_MS;
  const mediaErrors = near ? state.mediaErrors + 1 : 1;
  const counted = { ...state, mediaErrors, mediaErrorAtMs: atMs };
  if (mediaErrors === 1) return only(counted, [{ type: "recover" }]);
  if (mediaErrors === 2 && state.stream.playlist !== undefined) {
    return reopen(counted, state.stream);
  }
  // Neither helped: slow down, or the page would do nothing but fail.
  return only({ ...counted, playback: "stalled", networkErrors: RESUMES + 1 }, [
    { type: "retry", afterMs: retryDelayMs(mediaErrors, 0.5) },
  ]);
}

function onToggle(state: PlayerState): Decision {
  switch (state.playback) {
    case "none":
    case "finished":
      return onReplay(state);
    case "paused":
    case "blocked":
      return only(state, [{ type: "play" }]);
    case "opening":
    case "playing":
    case "stalled":
      return only(state, [{ type: "pause" }]);
  }
}

function onReplay(state: PlayerState): Decision {
  const { stream } = state;
  if (typeof stream !== "object" || stream.state !== "ended" || stream.playlist === undefined)
    return only(state);
  return open(state, stream, "start");
}

function open(state: PlayerState, status: StreamStatus, from: "live" | "start"): Decision {
  const next: PlayerState = {
    ...state,
    source: broadcastOf(status),
    playback: "opening",
    networkErrors: 0,
  };
  return only(next, [{ type: "open", status, from }]);
}

/** Open what was open: a recording has no live edge. */
const reopen = (state: PlayerState, status: StreamStatus): Decision =>
  open(state, status, status.state === "ended" ? "start" : "live");

function close(state: PlayerState): Decision {
  return only({ ...forget(state), playback: "none", networkErrors: 0 }, [{ type: "close" }]);
}

const andAsk = (decision: Decision, random: number): Decision =>
  later(decision.state, random, decision.effects);

/** The status is asked for again, sooner or later. */
function later(state: PlayerState, random: number, effects: readonly Effect[] = []): Decision {
  const afterMs = pollDelayMs({
    settled: state.playback === "playing" || state.playback === "paused",
    missing: state.stream === "missing" || state.stream === "closed",
    hidden: state.hidden,
    fed: isFed(state),
    failures: state.failures,
    random,
  });
  return only(state, [...effects, { type: "ask-later", afterMs }]);
}

/** The socket will tell what comes next: nothing is under way that only an answer could say. */
function isFed({ fed, told, stream, playback }: PlayerState): boolean {
  const isResting = typeof stream === "object" && (stream.state === "offline" || stream.state === "ended");
  return fed && told === undefined && (playback === "playing" || playback === "paused" || isResting);
}
