/** How much a socket may ask for, and how long it may take (docs/wire.md, "Limits of the socket"). Clocks are arguments. */

/** Commands that a socket may send at once, and the rate at which that fills up again. */
export const COMMANDS_BURST = 60;
export const COMMANDS_PER_SECOND = 30;
/** Commands at once that only a client gone wrong sends. */
export const COMMANDS_FAR_TOO_MANY = 10 * COMMANDS_BURST;
/** A frame costs one command more for so many letters, */
const LETTERS_A_COMMAND = 4_096;
/** and so does a reply: the history is long, and may be asked for over and over by who never reads it. */
const REPLY_LETTERS_A_COMMAND = 16_384;
/** But no more than this: a client that comes back has something left to say. */
const MAX_REPLY_COST = COMMANDS_BURST / 2;
/** Between reports of a player that are counted; it sends one every 10 s. */
export const QOE_MS = 5_000;
/** Channels that a socket may be subscribed to. */
export const MAX_CHANNELS = 32;
/** Clients in a channel up to which they are listed. */
export const MAX_PRESENCE_CLIENTS = 200;

/** From the upgrade to the `connect`. */
export const CONNECT_MS = 10_000;
/** From the end of a token to the refresh. */
export const REFRESH_GRACE_MS = 25_000;
/** From one ping of the server to the next. */
export const PING_MS = 25_000;
/** From a ping that was not answered, as the one before it, to the end: a minute after a client was heard last it is gone. */
export const PONG_MS = 10_000;
/** A slow reader has this long to catch up. */
export const SLOW_MS = 10_000;
/** Publications that a client may be behind by what it says itself. */
export const MAX_BEHIND = 128;

/** Commands that a socket has left. Below 0: what it sent all the same. */
export interface Allowance {
  readonly commands: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export const fullAllowance = (now: number): Allowance => ({ commands: COMMANDS_BURST, at: now });

/** Commands that a frame costs beside those that are in it. */
export const costOfFrame = (letters: number): number => Math.floor(letters / LETTERS_A_COMMAND);

/** Take what a reply costs, afterwards. */
export const spendOnReply = ({ commands, at }: Allowance, letters: number): Allowance => ({
  commands: commands - Math.min(MAX_REPLY_COST, Math.floor(letters / REPLY_LETTERS_A_COMMAND)),
  at,
});

/** Take commands from an allowance. */
export function spend(
  { commands, at }: Allowance,
  now: number,
  cost = 1,
): { readonly allowance: Allowance; readonly verdict: "go" | "too-many" | "far-too-many" } {
  // A clock that steps back gives nothing.
  const filled = commands + (Math.max(0, now - at) / 1000) * COMMANDS_PER_SECOND;
  const left = Math.min(COMMANDS_BURST, filled) - cost;
  const verdict =
    left >= 0 ? "go" : left >= COMMANDS_BURST - COMMANDS_FAR_TOO_MANY ? "too-many" : "far-too-many";
  return { allowance: { commands: left, at: now }, verdict };
}

/** When the server pinged last, and the time before: who was not heard since then has missed two pings. */
export interface Pings {
  readonly last: number;
  readonly before: number;
}

/** The pings with another one. After a pause the one before says nothing: nobody could have answered on time. */
export const afterPing = ({ last }: Pings, now: number): Pings => ({
  last: now,
  before: now - last > 2 * PING_MS ? 0 : last,
});
