/** What stands in the fragment of the page's address: the room that is open. Pure text. */
import { ULID } from "../../wire/chat.ts";

/** The room that a fragment names; `undefined`: the list. */
export function roomOfHash(hash: string): string | undefined {
  const room = new URLSearchParams(hash.replace(/^#/, "")).get("room");
  return room !== null && ULID.test(room) ? room : undefined;
}

/** The address of a room on this page. */
export const hashOfRoom = (room: string): string => `#room=${room}`;
/** And the whole of it. */
export const pathOfRoom = (room: string): string => `/messages${hashOfRoom(room)}`;

/** Where a photo of a room is, and its thumbnail. */
export const photoPath = (room: string, id: string): string => `/photos/${room}/${id}`;
export const thumbnailPath = (room: string, id: string): string => `${photoPath(room, id)}/thumbnail`;

/** Address of the socket of a page that belongs to no stream. */
export const socketUrl = ({ protocol, host }: { readonly protocol: string; readonly host: string }): string =>
  `${protocol === "https:" ? "wss" : "ws"}://${host}/connection/websocket`;
