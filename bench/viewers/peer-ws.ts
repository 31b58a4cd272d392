/** A peer of the shards: a Node process with the `ws` package that sends each message it is posted to all of its sockets. Runs by itself. */
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { WebSocketServer } from "ws";

const server = createServer((request, answer) => {
  void text(request).then((message) => {
    for (const socket of sockets.clients) socket.send(message);
    answer.writeHead(204).end();
  });
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.(typeof address === "object" ? address?.port : undefined);
});
process.on("disconnect", () => process.exit(0));
