/** Replies that carry publications: their data is JSON text already and is not read again, however many ask for it. */
import { type Results, reply } from "../../../../wire/centrifugo.ts";
import type { Kept } from "./feed.ts";

const list = (publications: readonly Kept[]): string =>
  `[${publications.map(({ data, offset }) => `{"data":${data},"offset":${offset}}`).join(",")}]`;

/** JSON text of a result, with a list of publications. */
const withPublications = (result: object, publications: readonly Kept[]): string => {
  const text = JSON.stringify(result).slice(0, -1);
  return `${text}${text === "{" ? "" : ","}"publications":${list(publications)}}`;
};

/** A subscription's result as JSON text. */
export const subscribeText = (result: Results["subscribe"], publications: readonly Kept[]): string =>
  publications.length === 0 ? JSON.stringify(result) : withPublications(result, publications);

/** The answer to `subscribe`. */
export const subscribeReply = (id: number, result: string): string => `{"id":${id},"subscribe":${result}}`;

/** The answer to `connect`; `subs` are results of subscriptions as JSON text, by channel. */
export function connectReply(
  id: number,
  result: Results["connect"],
  subs: readonly (readonly [channel: string, result: string])[],
): string {
  if (subs.length === 0) return reply(id, "connect", result);
  const members = subs.map(([channel, text]) => `${JSON.stringify(channel)}:${text}`).join(",");
  return `{"id":${id},"connect":${JSON.stringify(result).slice(0, -1)},"subs":{${members}}}}`;
}

/** The answer to `history`. */
export const historyReply = (
  id: number,
  position: { readonly epoch: string; readonly offset: number },
  publications: readonly Kept[],
): string =>
  `{"id":${id},"history":${withPublications({ epoch: position.epoch, offset: position.offset }, publications)}}`;
