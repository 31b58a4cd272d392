/** Moments as people read them, in the clock and the language of this browser. Pure: the present comes in as an argument. */

const DAY_MS = 86_400_000;

const dayOf = (moment: Date): number =>
  Math.round(Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate()) / DAY_MS);

/** Whether two moments (ISO 8601) are of one day here. */
export const isSameDay = (one: string, other: string): boolean =>
  dayOf(new Date(one)) === dayOf(new Date(other));

const isMoment = (moment: Date): boolean => !Number.isNaN(moment.getTime());

/** `14:05`. */
export function timeWords(at: string): string {
  const moment = new Date(at);
  return isMoment(moment) ? moment.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" }) : "";
}

/** `Today`, `Yesterday`, `Tuesday`, `3 May`, `3 May 2025`. */
export function dayWords(at: string, nowMs: number): string {
  const [moment, now] = [new Date(at), new Date(nowMs)];
  if (!isMoment(moment)) return "";
  const days = dayOf(now) - dayOf(moment);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days > 1 && days < 7) return moment.toLocaleDateString([], { weekday: "long" });
  const isThisYear = moment.getFullYear() === now.getFullYear();
  return moment.toLocaleDateString([], {
    day: "numeric",
    month: "long",
    ...(!isThisYear && { year: "numeric" }),
  });
}

/** For a list: the time of today, else the day in short. */
export function shortWords(at: string, nowMs: number): string {
  const [moment, now] = [new Date(at), new Date(nowMs)];
  if (!isMoment(moment)) return "";
  const days = dayOf(now) - dayOf(moment);
  if (days === 0) return timeWords(at);
  if (days === 1) return "Yesterday";
  if (days > 1 && days < 7) return moment.toLocaleDateString([], { weekday: "short" });
  return moment.toLocaleDateString([], { day: "numeric", month: "short" });
}

/** Everything, for who points at a time. */
export function fullWords(at: string): string {
  const moment = new Date(at);
  return isMoment(moment) ? moment.toLocaleString([], { dateStyle: "full", timeStyle: "short" }) : "";
}

/** `just now`, `5 min ago`, `3 h ago`, `yesterday`, `on 3 May`. */
export function agoWords(at: string, nowMs: number): string {
  const minutes = Math.floor((nowMs - Date.parse(at)) / 60_000);
  if (Number.isNaN(minutes)) return "";
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  const day = dayWords(at, nowMs);
  return day === "Yesterday" ? "yesterday" : `on ${day}`;
}
