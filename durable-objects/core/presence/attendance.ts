/**
 * What a shard tells a presence channel of its people, and how somebody left, by how their socket ended. Differences, with a sum over
 * all who are there: where the channel's own sum is another it asks for the whole list. Pure.
 */
import { DISCONNECT } from "../../../wire/centrifugo.ts";
import { hash } from "../viewers/ring.ts";

/** Who left like that: `gone` for good, `broken` off and perhaps soon back. */
export type Leaving = "gone" | "broken";

/** Somebody whom a shard has, however many of their tabs it has. */
export interface Attendee {
  readonly user: string;
  /** JSON text with `role` and, where there are some, `name` and `info`. */
  readonly info: string;
}

/** What a shard tells, of one channel. Told twice it does no harm. */
export interface Attendance {
  readonly shard: string;
  /** Higher than that of the one before: one that was under way for long is passed over. */
  readonly number: number;
  /** Who has come, or is another than they were. */
  readonly came: readonly Attendee[];
  readonly left: readonly { readonly user: string; readonly leaving: Leaving }[];
  /** `came` are all who are there. */
  readonly isWhole: boolean;
  /** Of all who are there after that. */
  readonly sum: string;
}

/** What a presence channel answers. */
export interface Attended {
  /** It has not the same people as the shard: the whole list is wanted. */
  readonly again: boolean;
}

/** A number for somebody; numbers of all of them are added up, in whatever order they came. */
export const weightOf = ({ user, info }: Attendee): number => hash(`${user}\n${info}`);
/** The sum of so many weights. */
export const sumOf = (users: number, weight: number): string => `${users}:${weight % 2 ** 32}`;

/** WebSocket close codes of who closes on purpose: "normal closure", and what `close()` of a browser says without one (RFC 6455 7.4.1). */
const ON_PURPOSE: readonly number[] = [1000, 1005];

/** How somebody left whose client closed, or whose connection broke. */
export const leavingOfClient = (code: number): Leaving => (ON_PURPOSE.includes(code) ? "gone" : "broken");

/** How somebody left whom the shard sent away: below 3500 clients come back, but not one that has been silent for a minute. */
export const leavingOfServer = (code: number): Leaving =>
  code === DISCONNECT.noPong.code || code >= 3500 ? "gone" : "broken";
