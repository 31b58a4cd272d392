/** Where a watch page is: its stream, and what stands before `/watch/` when it was opened by a signed path. Pure text. */
import { STREAM_ID } from "../../media/address.ts";

export interface Place {
  /** Stands before every path that the page asks for: empty, or `/p/<token>`. */
  readonly base: string;
  readonly stream: string;
}

/** Read the page's own path. A name that cannot exist becomes one that is surely nobody's: the answer is 404. */
export function placeOf(pathname: string): Place {
  const [, base = "", name = ""] = /^(.*)\/watch\/([^/]*)/s.exec(pathname) ?? [];
  return { base, stream: STREAM_ID.test(name) ? name : "-" };
}

/** Path of what the API says of the stream; the paths in its answer carry the base already. */
export const statusPath = ({ base, stream }: Place): string =>
  `${base}/api/streams/${encodeURIComponent(stream)}`;

/** Path of the timeline that the events of `live:<stream>` go on from. */
export const timelinePath = ({ base, stream }: Place): string =>
  `${base}/live/${encodeURIComponent(stream)}/timeline.json`;

/** Address of the socket, for a page at `location`. */
export const socketUrl = (
  { base, stream }: Place,
  { protocol, host }: { readonly protocol: string; readonly host: string },
): string =>
  `${protocol === "https:" ? "wss" : "ws"}://${host}${base}/connection/websocket?stream=${encodeURIComponent(stream)}`;
