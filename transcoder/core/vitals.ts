/** How an encoder's connection does: its figures for origin, and what the clock says of it. Acts on nothing; times on one steady clock. */
import type { Stats } from "../../wire/ingest.ts";
import type { MediaMessage } from "./flv.ts";
import { InputMeter, SpeedMeter } from "./input-meter.ts";
import { type Judgement, judge, type Progress } from "./liveness.ts";
import { MAX_READINGS, type PaceReading, slowness } from "./pace.ts";

/** What a running session shows of itself. */
export interface SessionFigures {
  readonly cutSeconds: number;
  readonly waitingBytes: number;
  readonly queuedBytes: number;
}

export class Vitals {
  readonly #meter = new InputMeter();
  readonly #speed = new SpeedMeter();
  #pace: readonly PaceReading[] = [];
  #progress: Progress | undefined;
  /** When audio or video last came. */
  #heardAt: number;
  /** Until then the encoder was made to wait. */
  #heldUpTo = 0;

  constructor(nowMs: number) {
    this.#heardAt = nowMs;
  }

  /** A message came. */
  hear(message: MediaMessage, nowMs: number): void {
    this.#meter.add(message);
    if (message.kind !== "data") this.#heardAt = nowMs;
  }

  /** The encoder is kept waiting up to now: nothing that it sends is read, and that is no silence of its own. */
  holdUp(nowMs: number): void {
    this.#heldUpTo = nowMs;
  }

  /** For how long nothing has come. */
  silentSeconds(nowMs: number): number {
    return Math.round(Math.max(0, nowMs - this.#heardAt)) / 1000;
  }

  /** Figures since the last call, with those of the session if one runs. */
  read(session: SessionFigures | undefined, nowMs: number): Stats {
    const stats = { ...this.#meter.read(nowMs), silentSeconds: this.silentSeconds(nowMs) };
    if (!session) return stats;
    const { waitingBytes, queuedBytes, cutSeconds } = session;
    const encodeSpeed = this.#speed.read(cutSeconds, nowMs);
    return { ...stats, waitingBytes, queuedBytes, ...(encodeSpeed !== undefined && { encodeSpeed }) };
  }

  /** Is there still anything to be shown? `since` is when the present look or session began. */
  judge(since: number, session: SessionFigures | undefined, nowMs: number): Judgement {
    const cut = session ? { cutSeconds: session.cutSeconds } : {};
    const heardAt = Math.max(this.#heardAt, this.#heldUpTo);
    const judged = judge({ heardAt, since, ...cut }, this.#progress, nowMs);
    if (judged.verdict === "alive") this.#progress = judged.progress;
    return judged;
  }

  /** Media seconds per second when FFmpeg is slower than live; cuts come every `stepSeconds`. Asks anew after an answer. */
  slowness(
    { cutSeconds, queuedBytes }: SessionFigures,
    stepSeconds: number,
    nowMs: number,
  ): number | undefined {
    this.#pace = [...this.#pace.slice(1 - MAX_READINGS), { nowMs, cutSeconds, queuedBytes }];
    const speed = slowness(this.#pace, stepSeconds);
    if (speed !== undefined) this.#pace = [];
    return speed;
  }

  /** Another session begins. */
  beginSession(): void {
    this.#pace = [];
  }
}
