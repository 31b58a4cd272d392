/** Playlists over the socket in a real browser: none is asked for while it is up, and nobody sees it go or come back. */
import type { Browser, Page, WebSocketRoute } from "playwright-core";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { startBrowser, watchPicture } from "../support/browser.ts";
import { endChild, Stack, until } from "../support/stack.ts";

/** What the page says of itself (web/player/diagnostics.ts). */
declare global {
  interface Window {
    millrace?: {
      readonly snapshot: {
        readonly phase: string;
        readonly stalls: number;
        readonly reading?: { readonly pushed?: boolean };
      };
      readonly feed?: { readonly isConnected: boolean };
    };
  }
}

let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  stack = Stack.attach(inject("millrace"));
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  await stack.stop();
});

/** Requests for media playlists of a stream, and for its media, with the time of each. */
class Requests {
  readonly playlists: { readonly url: string; readonly atMs: number }[] = [];
  readonly media: string[] = [];

  constructor(page: Page, stream: string) {
    page.on("request", (request) => {
      const url = request.url();
      if (/\/live\/[^/]+\/[^/]+\/index\.m3u8/.test(url) && url.includes(`/${stream}/`))
        this.playlists.push({ url, atMs: Date.now() });
      if (url.includes("/media/")) this.media.push(url);
    });
  }

  forget(): void {
    this.playlists.length = this.media.length = 0;
  }
}

/** The page's sockets, which can be cut. */
class Line {
  isOpen = true;
  readonly #ends = new Set<WebSocketRoute>();

  async cross(page: Page): Promise<void> {
    await page.routeWebSocket(/\/connection\/websocket/, (socket) => {
      if (!this.isOpen) {
        void socket.close({ code: 1011 });
        return;
      }
      this.#ends.add(socket).add(socket.connectToServer());
    });
  }

  async cut(): Promise<void> {
    this.isOpen = false;
    await Promise.all([...this.#ends].map((end) => end.close({ code: 1011 })));
    this.#ends.clear();
  }
}

const isPushed = (page: Page): Promise<boolean> =>
  page.evaluate(() => window.millrace?.snapshot.reading?.pushed === true);
const pushes = (page: Page, wanted: boolean): Promise<true> =>
  until(`playlists ${wanted ? "" : "not "}to be pushed`, async () =>
    (await isPushed(page)) === wanted ? true : undefined,
  );

it.each(["low", "ultra", "standard"])("needs no playlists while its socket is up: %s", async (profile) => {
  const stream = `push-${profile}`;
  const picture = stack.broadcast(await stack.createStream(stream, { profile }));
  await stack.state(stream, "live");
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  const requests = new Requests(page, stream);
  await page.goto(`${stack.dev.edge}/watch/${stream}`);
  await pushes(page, true);
  await until("a moving picture", () =>
    page.evaluate(() => (window.millrace?.snapshot.phase === "playing" ? true : undefined)),
  );

  requests.forget();
  const { played } = await watchPicture(page, 10);
  expect(played).toBeGreaterThan(8);
  expect(requests.playlists).toEqual([]);
  expect(requests.media.length).toBeGreaterThan(3);

  await until("a count of viewers", async () => {
    const words = await page.getByTestId("viewers").textContent();
    return /^[1-9][0-9]* watching$/.test(words ?? "") ? true : undefined;
  });
  expect(await page.getByTestId("viewers").isVisible()).toBe(true);
  expect(errors).toEqual([]);
  await page.close();
  await endChild(picture);
});

it("asks for playlists within a second when its socket drops, and no more when it is back", async () => {
  const stream = "push-drop";
  const picture = stack.broadcast(await stack.createStream(stream, { profile: "low" }));
  await stack.state(stream, "live");
  const page = await browser.newPage();
  const line = new Line();
  await line.cross(page);
  const requests = new Requests(page, stream);
  await page.goto(`${stack.dev.edge}/watch/${stream}`);
  await pushes(page, true);
  const stalls = () => page.evaluate(() => window.millrace?.snapshot.stalls);
  const stallsBefore = await stalls();

  requests.forget();
  const cutMs = Date.now();
  await line.cut();
  const first = await until("a playlist to be asked for", () => requests.playlists[0], 5_000);
  expect(first.atMs - cutMs).toBeLessThan(1_000);
  // As it was waiting: for the next part, not for what there is.
  expect(first.url).toMatch(/_HLS_msn=[0-9]+&_HLS_part=[0-9]+/);
  await pushes(page, false);
  const without = await watchPicture(page, 5);
  expect(without.played).toBeGreaterThan(4);
  expect(requests.playlists.length).toBeGreaterThan(10);

  line.isOpen = true;
  await pushes(page, true);
  await until("the last playlist that was asked for", () =>
    Date.now() - (requests.playlists.at(-1)?.atMs ?? 0) > 1_500 ? true : undefined,
  );
  requests.forget();
  const back = await watchPicture(page, 5);
  expect(back.played).toBeGreaterThan(4);
  expect(requests.playlists).toEqual([]);
  expect(await stalls()).toBe(stallsBefore);
  await page.close();
  await endChild(picture);
});

it("tells a page that waits when the show begins, and when it ends", async () => {
  const stream = "push-told";
  const key = await stack.createStream(stream, { reconnectSeconds: 5 });
  const page = await browser.newPage();
  await page.goto(`${stack.dev.edge}/watch/${stream}`);
  await until("the page to follow", () =>
    page.evaluate(() => (window.millrace?.feed?.isConnected ? true : undefined)),
  );
  const picture = stack.broadcast(key);
  await pushes(page, true);
  await endChild(picture);
  await until("the end", () =>
    page.evaluate(() => (window.millrace?.snapshot.phase === "ended" ? true : undefined)),
  );
  expect(await page.getByTestId("viewers").isVisible()).toBe(false);
  await page.close();
});
