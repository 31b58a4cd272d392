/** Who is in a room right now, as `presence:<room>` tells it. Pure. */
import type { PresenceEvent, PresenceState } from "../../wire/presence.ts";

export interface Presence {
  readonly isKnown: boolean;
  readonly users: number;
  /** Empty where there are too many to name. */
  readonly present: ReadonlySet<string>;
  /** What came since the state was asked for: an older state does not undo it. */
  readonly since: readonly Heard[];
}

/** A publication of the channel. */
export interface Heard {
  readonly event: PresenceEvent;
  /** Of `changes`. */
  readonly offset?: number | undefined;
}

/** Far more than come while an answer is on its way. */
const MAX_SINCE = 200;

export const NOBODY_HERE: Presence = { isKnown: false, users: 0, present: new Set(), since: [] };

/** The state is being asked for. */
export const asking = (presence: Presence): Presence => ({ ...presence, since: [] });

/** The state was told. */
export const told = (presence: Presence, { users, present = [], offset }: PresenceState): Presence =>
  presence.since
    .filter((heard) => heard.offset === undefined || heard.offset > offset)
    .reduce(apply, {
      ...presence,
      isKnown: true,
      users,
      present: new Set(present.map(({ user }) => user)),
    });

/** Somebody came or went. */
export const hear = (presence: Presence, heard: Heard): Presence => ({
  ...apply(presence, heard),
  since: [...presence.since, heard].slice(-MAX_SINCE),
});

function apply(presence: Presence, { event }: Heard): Presence {
  if (event.type === "count") return { ...presence, users: event.users };
  const present = new Set(presence.present);
  for (const user of event.went) present.delete(user);
  for (const { user } of event.came) present.add(user);
  return { ...presence, users: event.users, present };
}
