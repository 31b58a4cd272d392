/** Whether those who are to be brought into a conversation would have it: their inboxes are asked before it begins, and before they come. */
import type { Denial } from "../core/chat/membership.ts";
import { within } from "../deadline.ts";

/** What an inbox says of somebody who would bring its user into a room; `hasty`: its user has brought too many into rooms today. */
export type Welcome = "welcome" | "blocked" | "full" | "hasty";

/** For all of them. */
const ANSWER_MS = 3_000;

/** Why they are not all brought in; `"unavailable"`: somebody's inbox did not answer. */
export async function denialOf(
  users: readonly string[],
  ask: (user: string) => Promise<Welcome>,
): Promise<Denial | "unavailable" | undefined> {
  try {
    const welcomes = await within(ANSWER_MS, "welcomes", Promise.all(users.map(ask)));
    if (welcomes.includes("hasty")) return { name: "tooFast" };
    if (welcomes.includes("blocked")) return { name: "blocked" };
    return welcomes.includes("full") ? { name: "tooManyRooms" } : undefined;
  } catch (error) {
    console.warn("an inbox did not say whom it welcomes", { error: String(error) });
    return "unavailable";
  }
}
