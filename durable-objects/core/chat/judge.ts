/** Whether a room takes what somebody says. Decides by what it is told; looks nothing up and keeps nothing. */
import { fail, ok, type Result } from "../../../media/result.ts";
import type { ChatErrorName, ChatSettings } from "../../../wire/chat.ts";
import type { Role } from "../../../wire/socket-token.ts";
import { hasLink, hasWord, isBlank, isEmotes, lettersOf, tidy } from "./text.ts";

/** Somebody in a room, as their token says. */
export interface Speaker {
  /** Empty: nobody that is known, who may read. */
  readonly user: string;
  readonly name?: string;
  readonly role: Role;
  /** What the app says that they are to this stream: `follower`, `subscriber`. */
  readonly badges: readonly string[];
  /** Hash of the address that they come from. */
  readonly address: string;
}

/** What the room knows of somebody. */
export interface Past {
  /** Until when they may not write, milliseconds since 1970; `"ever"`: banned. */
  readonly silencedUntil?: number | "ever";
  /** Of their newest message, milliseconds since 1970. */
  readonly spokeAt?: number;
  /** Messages that they sent within `PACE_MS`. */
  readonly lately: number;
  /** They said the same within `REPEAT_MS`. */
  readonly isRepeated: boolean;
}

/** Messages of one person that a room takes, and in what time. */
export const PACE_MESSAGES = 8;
export const PACE_MS = 10_000;
/** Before that nobody says the same thing twice. */
export const REPEAT_MS = 30_000;

/** Lines of a message in a conversation; more are joined. */
const CONVERSATION_LINES = 2_000;

/** Why not. */
export interface Refusal {
  readonly name: ChatErrorName;
  /** When it may be tried again. */
  readonly seconds?: number;
}

/** Who runs the show is not bound by how it is run. */
export const isModerator = ({ user, role }: Speaker): boolean =>
  user !== "" && (role === "moderator" || role === "owner");

/** The text as it is kept, or why it is not taken. */
export function readText(
  text: string,
  limit: { readonly letters: number } | { readonly bytes: number },
): Result<string, Refusal> {
  // Nothing that is far too long is looked at: four units are a letter at most, and no letter is made of less than one.
  const roughly = "letters" in limit ? 4 * limit.letters : limit.bytes;
  if (text.length > roughly) return fail({ name: "tooLong" });
  const tidied = "letters" in limit ? tidy(text) : tidy(text, CONVERSATION_LINES);
  if (tidied === undefined) return fail({ name: "malformedText" });
  if (isBlank(tidied)) return fail({ name: "empty" });
  const isLong = "letters" in limit ? lettersOf(tidied) > limit.letters : bytesOf(tidied) > limit.bytes;
  return isLong ? fail({ name: "tooLong" }) : ok(tidied);
}

/** Judge somebody who wants to write at all; `undefined`: they may. */
export function judgeSpeaker(
  speaker: Speaker,
  past: Pick<Past, "silencedUntil">,
  settings: ChatSettings,
  now: number,
): Refusal | undefined {
  if (speaker.user === "") return { name: "readOnly" };
  const silenced = judgePast(past, now);
  if (silenced) return silenced;
  if (isModerator(speaker)) return undefined;
  if (!settings.enabled) return { name: "chatOff" };
  if (speaker.role === "guest" && !settings.guestsWrite) return { name: "readOnly" };
  const isSubscriber = speaker.badges.includes("subscriber");
  if (settings.access === "subscribers" && !isSubscriber) return { name: "subscribersOnly" };
  if (settings.access === "followers" && !isSubscriber && !speaker.badges.includes("follower")) {
    return { name: "followersOnly" };
  }
  return undefined;
}

function judgePast({ silencedUntil }: Pick<Past, "silencedUntil">, now: number): Refusal | undefined {
  if (silencedUntil === "ever") return { name: "banned" };
  if (silencedUntil === undefined || silencedUntil <= now) return undefined;
  return { name: "timedOut", seconds: secondsUntil(silencedUntil, now) };
}

/** Judge a text of a live room that `readText` has read; `undefined`: it is taken. */
export function judgeText(
  speaker: Speaker,
  text: string,
  past: Past,
  settings: ChatSettings,
  now: number,
): Refusal | undefined {
  const refused = judgeSpeaker(speaker, past, settings, now);
  if (refused) return refused;
  if (past.lately >= PACE_MESSAGES) return { name: "tooFast", seconds: PACE_MS / 1000 };
  if (isModerator(speaker)) return undefined;
  const slowUntil = (past.spokeAt ?? Number.NEGATIVE_INFINITY) + 1000 * settings.slowSeconds;
  if (slowUntil > now) return { name: "slowMode", seconds: secondsUntil(slowUntil, now) };
  if (past.isRepeated) return { name: "repeated" };
  if (settings.emotesOnly && !isEmotes(text)) return { name: "emotesOnly" };
  if (!settings.links && hasLink(text)) return { name: "noLinks" };
  if (hasWord(text, settings.blockedWords)) return { name: "blockedWord" };
  return undefined;
}

const secondsUntil = (moment: number, now: number): number => Math.max(1, Math.ceil((moment - now) / 1000));

/** Bytes of UTF-8 of well-formed text. */
export function bytesOf(text: string): number {
  let bytes = 0;
  for (const letter of text) {
    const point = letter.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}
