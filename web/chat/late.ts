/** Brings the chat in when the page has a socket. The page's own script holds no more of it than this, and who the viewer is. */
import type { Centrifuge } from "centrifuge";
import type { Place } from "../player/place.ts";
import { Visitor } from "./identity.ts";

/** Take the viewer's token; the answer takes the socket, before it connects. */
export function lateChat({ stream }: Place): (client: Centrifuge) => void {
  const visitor = new Visitor();
  return (client) => {
    visitor.use(client);
    import("./main.ts").then(
      ({ openChat }) => openChat(client, stream, visitor),
      // A page that was deployed over meanwhile: it goes on as it is.
      () => undefined,
    );
  };
}
