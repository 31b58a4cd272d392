/** Whether an encoder still shows anything, judged by a steady clock: nobody may hold a stream for nothing. Pure. */

/** An encoder that sends neither sound nor pictures for this long is sent away. */
export const MAX_SILENCE_MS = 10_000;
/** The longest look at a source: ten seconds to its first keyframe, four more to its second, and some network. */
export const MAX_PROBE_MS = 20_000;
/** Media goes into a session and none comes out: FFmpeg hangs, or cannot decode what it gets. */
export const MAX_STANDSTILL_MS = 15_000;

/** What is known of a connection; times on one steady clock, milliseconds. */
export interface Signs {
  /** When audio or video last came. */
  readonly heardAt: number;
  /** When the present look at the source, or the present session, began. */
  readonly since: number;
  /** Media that the session has cut, seconds; absent while the source is looked at. */
  readonly cutSeconds?: number;
}

/** How far a session had come, and since when it stands there. */
export interface Progress {
  readonly cutSeconds: number;
  readonly at: number;
}

export type Judgement =
  | { readonly verdict: "alive"; readonly progress: Progress }
  | { readonly verdict: "silent"; readonly seconds: number }
  | { readonly verdict: "undecided"; readonly seconds: number }
  | { readonly verdict: "standstill"; readonly seconds: number };

/** Judge a connection; `before` is what the last judgement said of its progress. */
export function judge(
  { heardAt, since, cutSeconds }: Signs,
  before: Progress | undefined,
  now: number,
): Judgement {
  if (now - heardAt > MAX_SILENCE_MS) return { verdict: "silent", seconds: MAX_SILENCE_MS / 1000 };
  if (cutSeconds === undefined) {
    if (now - since > MAX_PROBE_MS) return { verdict: "undecided", seconds: MAX_PROBE_MS / 1000 };
    return { verdict: "alive", progress: { cutSeconds: 0, at: now } };
  }
  const stood = before !== undefined && before.at >= since && before.cutSeconds === cutSeconds;
  const progress = stood ? before : { cutSeconds, at: now };
  if (now - progress.at > MAX_STANDSTILL_MS)
    return { verdict: "standstill", seconds: MAX_STANDSTILL_MS / 1000 };
  return { verdict: "alive", progress };
}
