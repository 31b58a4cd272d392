/** Every sentence and label of the chat that depends on what happens. Pure text. */
import type { ToldSettings } from "../../wire/chat.ts";
import { CHAT_ERROR } from "../../wire/chat.ts";
import type { Role } from "../../wire/socket-token.ts";
import type { Obstacle } from "./standing.ts";

/** Letters left from which on they are counted. */
const COUNTED_FROM = 50;

/** Seconds in a protocol's error (`slow mode, 12 s`). */
export function secondsOf(message: string): number | undefined {
  const found = /, (\d{1,9}) s$/.exec(message)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** `12 s`, `4 min`, `2 h 5 min`, `3 days`. */
export function waitWords(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours >= 48) return `${Math.ceil(hours / 24)} days`;
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}

const REFUSALS: Readonly<Record<number, string>> = {
  [CHAT_ERROR.empty.code]: "There is nothing to read in it.",
  [CHAT_ERROR.tooLong.code]: "It is too long.",
  [CHAT_ERROR.malformedText.code]: "It has letters that nobody could read.",
  [CHAT_ERROR.nonceReused.code]: "Something went wrong. Send it again.",
  [CHAT_ERROR.chatOff.code]: "The chat is off.",
  [CHAT_ERROR.readOnly.code]: "You can only read here.",
  [CHAT_ERROR.followersOnly.code]: "Only followers can write.",
  [CHAT_ERROR.subscribersOnly.code]: "Only subscribers can write.",
  [CHAT_ERROR.banned.code]: "You are banned from this chat.",
  [CHAT_ERROR.timedOut.code]: "You are timed out.",
  [CHAT_ERROR.slowMode.code]: "Slow mode.",
  [CHAT_ERROR.tooFast.code]: "That was fast.",
  [CHAT_ERROR.repeated.code]: "You said the same a moment ago.",
  [CHAT_ERROR.emotesOnly.code]: "Only emoji and :emotes: at the moment.",
  [CHAT_ERROR.noLinks.code]: "Links are not allowed here.",
  [CHAT_ERROR.blockedWord.code]: "It has a word that is not allowed here.",
  [CHAT_ERROR.unknownMessage.code]: "The message you answered is gone.",
  [CHAT_ERROR.notAMember.code]: "You are not in this conversation any more.",
  [CHAT_ERROR.blocked.code]: "You cannot write to this person.",
  [CHAT_ERROR.tooManyMembers.code]: "A group has room for 100 people.",
  [CHAT_ERROR.tooManyRooms.code]: "They are in too many conversations already.",
  [CHAT_ERROR.lastOwner.code]: "Make somebody else an owner first.",
  [CHAT_ERROR.badPhoto.code]: "This photo cannot be sent.",
  [CHAT_ERROR.badEndpoint.code]: "Notifications cannot be sent to this browser.",
  [CHAT_ERROR.tooManyFriends.code]: "There are too many friends already.",
  [CHAT_ERROR.tooManyReactions.code]: "This message has enough different reactions.",
  [CHAT_ERROR.tooManyBlocked.code]: "There are too many blocked people already.",
  [CHAT_ERROR.notKept.code]: "That is too long ago.",
};

/** Why a message was not taken. */
export function refusalWords({ code, message }: { readonly code: number; readonly message: string }): string {
  const known = REFUSALS[code] ?? "It could not be sent.";
  const seconds = secondsOf(message);
  return seconds === undefined ? known : `${known} You can write in ${waitWords(seconds)}.`;
}

/** Why something that a moderator asked for was not done. */
export const actionRefusalWords = (code: number): string =>
  code === CHAT_ERROR.unknownMessage.code ? "That message is gone already." : "That did not work. Try again.";

/** Nobody could be asked. */
export const UNSENT = "There is no connection.";

/** Why the viewer cannot write, in place of the composer. `hasLapsed`: they could until their token ended. */
export function obstacleWords(obstacle: Obstacle, nowMs: number, hasLapsed = false): string {
  switch (obstacle.type) {
    case "nobody":
      return "Choose a name to join in.";
    case "signed-out":
      return hasLapsed
        ? "You are not signed in any more. Come back from where you signed in to write."
        : "Only people who are signed in can write here.";
    case "guests-read":
      return "Guests can only read here.";
    case "chat-off":
      return "The chat is off at the moment.";
    case "followers":
      return "Only followers can write at the moment.";
    case "subscribers":
      return "Only subscribers can write at the moment.";
    case "banned":
      return "You are banned from this chat.";
    case "timed-out": {
      const seconds = Math.ceil((obstacle.untilMs - nowMs) / 1000);
      return `You are timed out. You can write again in ${waitWords(seconds)}.`;
    }
  }
}

/** How the room is run, in a line; empty when nothing is special. */
export function modeWords({ slowSeconds, access, emotesOnly, links }: ToldSettings): string {
  const modes = [
    slowSeconds > 0 && `Slow mode, ${waitWords(slowSeconds)}`,
    access === "followers" && "Followers only",
    access === "subscribers" && "Subscribers only",
    emotesOnly && "Emotes only",
    !links && "No links",
  ].filter((mode) => mode !== false);
  return modes.join(" · ");
}

/** Code points of a text: what the room counts. */
export const lettersOf = (text: string): number => [...text].length;

/** `12 left`, `3 too many`, or nothing while there is room enough. */
export function counterWords(letters: number, maxLetters: number): string {
  const left = maxLetters - letters;
  if (left < 0) return `${-left} too many`;
  return left <= Math.min(COUNTED_FROM, maxLetters / 4) ? `${left} left` : "";
}

/** Of a room in which nobody said anything yet. */
export const emptyWords = (mayWrite: boolean): string =>
  mayWrite ? "No messages yet. Say hello." : "No messages yet.";

/** Of the button that leads to the end. */
export const unreadWords = (unread: number): string =>
  unread === 0
    ? "To the newest"
    : unread === 1
      ? "1 new message"
      : `${unread > 999 ? "999+" : unread} new messages`;

/** What stands before a name; empty for everybody else. */
export function badgeWords(role: Role): string {
  switch (role) {
    case "owner":
      return "Host";
    case "moderator":
      return "Mod";
    case "guest":
      return "Guest";
    case "member":
      return "";
  }
}

/** What a moderator is asked before it is done. */
export function confirmWords(
  deed: "ban" | "timeout",
  name: string,
): { readonly question: string; readonly detail: string; readonly action: string } {
  return deed === "ban"
    ? {
        question: `Ban ${name}?`,
        detail: "Their messages are deleted, and they cannot write here any more.",
        action: "Ban",
      }
    : {
        question: `Time ${name} out?`,
        detail: "Their messages are deleted, and they cannot write for 10 minutes.",
        action: "Time out",
      };
}

/** Why a guest has no name yet, by the status of the answer; 0: there was none. */
export function guestRefusalWords(status: number): string {
  if (status === 400) return "That name does not work. Try another one.";
  if (status === 429) return "Too many tries. Wait a moment.";
  return "That did not work. Try again.";
}
