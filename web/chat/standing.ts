/** Whether the viewer may write, and what keeps them from it: what the room would say, so that nobody types in vain. Pure. */
import type { ChatState, ToldSettings } from "../../wire/chat.ts";
import { CHAT_ERROR } from "../../wire/chat.ts";
import type { Who } from "./who.ts";

/** Until when somebody is silenced, milliseconds since 1970; `"ever"`: banned. */
export type Silence = number | "ever";

/** What keeps somebody from writing. `nobody` may become a guest, `signed-out` may not. */
export type Obstacle =
  | { readonly type: "nobody" | "signed-out" | "guests-read" | "chat-off" | "followers" | "subscribers" }
  | { readonly type: "banned" }
  | { readonly type: "timed-out"; readonly untilMs: number };

export interface Standing {
  readonly who: Who;
  readonly mayModerate: boolean;
  readonly silence?: Silence | undefined;
}

/** What the room's answer says of a sanction. */
export function silenceOf({ why, until }: ChatState["you"]): Silence | undefined {
  if (why === CHAT_ERROR.banned.message) return "ever";
  return why === CHAT_ERROR.timedOut.message && until !== undefined ? Date.parse(until) : undefined;
}

/** What keeps them from writing now; `undefined`: nothing. */
export function obstacleOf(
  { who, mayModerate, silence }: Standing,
  settings: ToldSettings,
  nowMs: number,
): Obstacle | undefined {
  if (who.user === "") return ofNobody(settings);
  if (silence === "ever") return { type: "banned" };
  if (silence !== undefined && silence > nowMs) return { type: "timed-out", untilMs: silence };
  if (mayModerate) return undefined;
  if (!settings.enabled) return { type: "chat-off" };
  if (who.role === "guest" && !settings.guestsWrite) return { type: "guests-read" };
  const isSubscriber = who.badges.includes("subscriber");
  if (settings.access === "subscribers" && !isSubscriber) return { type: "subscribers" };
  const isFollower = isSubscriber || who.badges.includes("follower");
  return settings.access === "followers" && !isFollower ? { type: "followers" } : undefined;
}

function ofNobody({ enabled, access, guestsWrite }: ToldSettings): Obstacle {
  if (!enabled) return { type: "chat-off" };
  if (access !== "everyone") return { type: access };
  return { type: guestsWrite ? "nobody" : "signed-out" };
}
