/**
 * What each socket of a channel is sent of a delivery: the same text to nearly all of them, written once. In a huge room some of it is for
 * moderators and for who said it only. Decides by the connection; sends nothing.
 */
import { publicationPush } from "../../../../wire/centrifugo.ts";
import type { LivePublication } from "../viewer-messages.ts";
import type { Connection } from "./connection.ts";

/** Lines for a connection, one a publication; empty: there is nothing for it. */
export type Telling = (connection: Pick<Connection, "who">) => string;

/** Write publications of a channel for everybody who is subscribed to it. */
export function tellingOf(channel: string, publications: readonly LivePublication[]): Telling {
  const textFor = (isMeant: (publication: LivePublication) => boolean): string =>
    publications
      .filter(isMeant)
      .map(({ data, offset }) => publicationPush(channel, data, offset))
      .join("\n");
  const most = textFor(({ only }) => only === undefined);
  const senders = new Set(publications.flatMap(({ only }) => only?.user ?? []));
  if (senders.size === 0) return () => most;
  const all = textFor(() => true);
  /** A person may have several sockets here. */
  const own = new Map<string, string>();
  const ownOf = (user: string): string => {
    const known = own.get(user) ?? textFor(({ only }) => only === undefined || only.user === user);
    own.set(user, known);
    return known;
  };
  return ({ who }) => {
    if (who?.role === "moderator" || who?.role === "owner") return all;
    const user = who?.user ?? "";
    return senders.has(user) ? ownOf(user) : most;
  };
}
