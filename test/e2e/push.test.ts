/** Playlists over the socket in a real browser: none is asked for while it is up, and the show goes on when it goes and comes back. */
import type { Browser, Page, WebSocketRoute } from "playwright-core";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { startBrowser } from "../support/browser.ts";
import { endChild, Stack, until } from "../support/stack.ts";

/** What the page says of itself (web/player/diagnostics.ts). */
declare global {
  interface Window {
    millrace?: {
      readonly snapshot: {
        readonly phase: string;
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

/** Small: other tests encode and decode beside these. */
const PICTURE = ["--size", "640x360", "--kbps", "600", "--gop-seconds", "1"];
/** The machine may be busy with other tests: what is slow is not wrong. */
const LIMIT_MS = 60_000;

const isPushed = (page: Page): Promise<boolean> =>
  page.evaluate(() => window.millrace?.snapshot.reading?.pushed === true);
const pushes = (page: Page, wanted: boolean): Promise<true> =>
  until(
    `playlists ${wanted ? "" : "not "}to be pushed`,
    async () => ((await isPushed(page)) === wanted ? true : undefined),
    LIMIT_MS,
  );
const shows = (page: Page, phase: string): Promise<true> =>
  until(
    `a page that is ${phase}`,
    async () => ((await page.evaluate(() => window.millrace?.snapshot.phase)) === phase ? true : undefined),
    LIMIT_MS,
  );
const position = (page: Page): Promise<number> =>
  page.evaluate(() => document.querySelector("video")?.currentTime ?? 0);

/**
 * Watch until so many seconds were played in a row without a request for a playlist. An encoder that falls silent on a busy
 * machine is asked for over HTTP, and rightly so: then it begins anew.
 */
async function playWithoutPlaylists(page: Page, requests: Requests, seconds: number): Promise<void> {
  requests.forget();
  let from = await position(page);
  await until(
    `${seconds} s without a playlist`,
    async () => {
      const now = await position(page);
      if (requests.playlists.length > 0) {
        requests.forget();
        from = now;
      }
      return now - from >= seconds && requests.media.length > 1 ? true : undefined;
    },
    LIMIT_MS,
  );
}

it.each(["low", "ultra"])("needs no playlists while its socket is up: %s", async (profile) => {
  const stream = `push-${profile}`;
  const picture = stack.broadcast(await stack.createStream(stream, { profile }), PICTURE);
  await stack.state(stream, "live");
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  const requests = new Requests(page, stream);
  await page.goto(`${stack.dev.edge}/watch/${stream}`);
  await pushes(page, true);
  await shows(page, "playing");
  await playWithoutPlaylists(page, requests, 6);

  await until("a count of viewers", async () => {
    const words = await page.getByTestId("viewers").textContent();
    return /^[1-9][0-9]* watching$/.test(words ?? "") ? true : undefined;
  });
  expect(await page.getByTestId("viewers").isVisible()).toBe(true);
  expect(errors).toEqual([]);
  await page.close();
  await endChild(picture);
});

it("asks for playlists at once when its socket drops, and no more when it is back", async () => {
  const stream = "push-drop";
  const picture = stack.broadcast(await stack.createStream(stream, { profile: "low" }), PICTURE);
  await stack.state(stream, "live");
  const page = await browser.newPage();
  const line = new Line();
  await line.cross(page);
  const requests = new Requests(page, stream);
  await page.goto(`${stack.dev.edge}/watch/${stream}`);
  await pushes(page, true);
  await playWithoutPlaylists(page, requests, 1);

  requests.forget();
  const cutMs = Date.now();
  await line.cut();
  const first = await until("a playlist to be asked for", () => requests.playlists[0], LIMIT_MS);
  // That it is the same moment is tested where nothing else runs (test/unit/web/feed).
  expect(first.atMs - cutMs).toBeLessThan(5_000);
  // As it was waiting: for the next part, not for what there is.
  expect(first.url).toMatch(/_HLS_msn=[0-9]+&_HLS_part=[0-9]+/);
  await pushes(page, false);
  const from = await position(page);
  await until(
    "the show to go on without the socket",
    async () => ((await position(page)) - from > 3 && requests.playlists.length > 5 ? true : undefined),
    LIMIT_MS,
  );
  expect(await isPushed(page)).toBe(false);

  line.isOpen = true;
  await pushes(page, true);
  await playWithoutPlaylists(page, requests, 4);
  await page.close();
  await endChild(picture);
});

it("tells a page that waits when the show begins, when it ends, and when the next one begins", async () => {
  const stream = "push-told";
  const key = await stack.createStream(stream, { reconnectSeconds: 1 });
  const page = await browser.newPage();
  await page.goto(`${stack.dev.edge}/watch/${stream}`);
  await until(
    "the page to follow",
    () => page.evaluate(() => (window.millrace?.feed?.isConnected ? true : undefined)),
    LIMIT_MS,
  );
  for (let show = 1; show <= 2; show += 1) {
    const picture = stack.broadcast(key, PICTURE);
    await shows(page, "playing");
    await pushes(page, true);
    await endChild(picture);
    await shows(page, "ended");
    expect(await page.getByTestId("viewers").isVisible()).toBe(false);
  }
  await page.close();
});
