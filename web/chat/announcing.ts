/** What a screen reader is told of the room: one sentence now and then, and of a busy room only what is meant for the listener. Pure. */

export const SAY_EVERY_MS = 4_000;
/** More messages than this in that time is a busy room. */
const BUSY_MESSAGES = 5;
const BUSY_MS = 10_000;
/** Longest text that is read out. */
const MAX_LETTERS = 200;

/** A message as it would be said. */
export interface Sayable {
  readonly name: string;
  readonly text: string;
  /** A mention of the listener, an answer to them, or an announcement. */
  readonly isForMe: boolean;
}

export interface Announcing {
  readonly saidAtMs: number;
  /** When the newest messages came. */
  readonly cameAtMs: readonly number[];
  readonly unsaid: readonly Sayable[];
}

export const SILENT: Announcing = { saidAtMs: Number.NEGATIVE_INFINITY, cameAtMs: [], unsaid: [] };

/** A message came. */
export const hear = (announcing: Announcing, message: Sayable, nowMs: number): Announcing => ({
  ...announcing,
  cameAtMs: [...announcing.cameAtMs, nowMs].slice(-BUSY_MESSAGES - 1),
  unsaid: [...announcing.unsaid, message].slice(-100),
});

/** What is to be said now, if anything. */
export function speak(
  announcing: Announcing,
  nowMs: number,
): { readonly announcing: Announcing; readonly said?: string } {
  const { saidAtMs, cameAtMs, unsaid } = announcing;
  if (unsaid.length === 0 || nowMs - saidAtMs < SAY_EVERY_MS) return { announcing };
  const isBusy = cameAtMs.length > BUSY_MESSAGES && nowMs - (cameAtMs[0] ?? 0) < BUSY_MS;
  const chosen = unsaid.findLast(({ isForMe }) => isForMe) ?? (isBusy ? undefined : unsaid.at(-1));
  const next = { ...announcing, unsaid: [] };
  if (!chosen) return { announcing: next };
  const others = unsaid.length - 1;
  const before = others > 0 && !isBusy ? `${others} more. ` : "";
  const text = [...chosen.text].slice(0, MAX_LETTERS).join("");
  return { announcing: { ...next, saidAtMs: nowMs }, said: `${before}${chosen.name}: ${text}` };
}
