/** The socket of a page in a browser: it can be cut, and more can come through it than the server sends. And tokens for who uses it. */
import type { Page, WebSocketRoute } from "playwright-core";
import type { Stack } from "./stack.ts";

/** A token for somebody; `person` as `POST /admin/tokens` takes it. */
export async function tokenOf(stack: Stack, person: object): Promise<string> {
  const answer = await stack.admin("/tokens", { method: "POST", body: JSON.stringify(person) });
  const { token }: { token: string } = JSON.parse(await answer.text());
  return token;
}

export class SocketLine {
  /** Closed at once where it is not: nobody gets through. */
  isOpen = true;
  #page: WebSocketRoute | undefined;
  #server: WebSocketRoute | undefined;

  /** Stand between a page and the server, before it goes anywhere. */
  async cross(page: Page): Promise<void> {
    await page.routeWebSocket(/\/connection\/websocket/, (socket) => {
      if (!this.isOpen) {
        void socket.close({ code: 1011 });
        return;
      }
      this.#page = socket;
      this.#server = socket.connectToServer();
    });
  }

  /** Cut it, and let nobody through. */
  async cut(): Promise<void> {
    this.isOpen = false;
    await Promise.all([this.#page?.close({ code: 1011 }), this.#server?.close({ code: 1000 })]);
  }

  /** A publication of a channel, as if the server had sent it. */
  push(channel: string, data: object, offset?: number): void {
    const pub = { data, ...(offset !== undefined && { offset }) };
    this.#page?.send(JSON.stringify({ push: { channel, pub } }));
  }
}
