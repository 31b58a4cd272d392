/** A viewer in a real browser: the picture moves, and the page finds its way through everything an encoder does. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { shownMoment, startBrowser } from "../support/browser.ts";
import { endChild, Stack, until } from "../support/stack.ts";

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

/** A page whose errors fail the test that asks for them. */
async function open(path: string, width = 1280): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage({ viewport: { width, height: 800 } });
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(`${stack.dev.edge}${path}`);
  return { page, errors };
}

const becomes = (page: Page, ...states: string[]): Promise<string> =>
  until(
    `the player to be ${states.join(" or ")}`,
    async () => {
      const state = await page.evaluate(() => document.documentElement.dataset.player);
      return state !== undefined && states.includes(state) ? state : undefined;
    },
    45_000,
  );

/** The picture moves on, and shows a time that is not far from now. */
async function expectMovingPicture(page: Page): Promise<void> {
  const first = await until("a picture", () => shownMoment(page));
  const later = await until("the picture to move on", async () => {
    const shown = await shownMoment(page);
    return shown !== undefined && shown > first + 500 ? shown : undefined;
  });
  const behind = Date.now() - later;
  expect(behind).toBeGreaterThan(0);
  expect(behind).toBeLessThan(40_000);
}

describe("the watch page", () => {
  it.each(["low", "ultra", "standard"])("shows a live picture, profile %s", async (profile) => {
    const stream = `watch-${profile}`;
    const picture = stack.broadcast(
      await stack.createStream(stream, { profile, title: `A ${profile} show` }),
    );
    await stack.state(stream, "live");
    const { page, errors } = await open(`/watch/${stream}`);
    await becomes(page, "playing");
    await expectMovingPicture(page);
    expect(await page.getByTestId("title").textContent()).toBe(`A ${profile} show`);
    expect(errors).toEqual([]);
    await page.close();
    await endChild(picture);
  });

  it("asks for playlists that wait, also when the page had the first one before the player was there", async () => {
    const stream = "watch-early";
    const picture = stack.broadcast(await stack.createStream(stream, { profile: "low" }));
    await stack.state(stream, "live");
    const page = await browser.newPage();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.routeWebSocket(/connection\/websocket/, (socket) => socket.close());
    // hls.js is held back until the page has its playlist.
    const early = page.waitForResponse(`**/live/${stream}/index.m3u8`);
    await page.route("**/assets/engine-hls-*.js", async (route) => {
      await (await early).finished();
      await route.continue();
    });
    await page.goto(`${stack.dev.edge}/watch/${stream}`);
    await becomes(page, "playing");
    await expectMovingPicture(page);
    const playlists = asked.filter((url) => url.includes(`/live/${stream}/`) && !url.endsWith("/index.m3u8"));
    expect(asked.filter((url) => url.includes(`/live/${stream}/index.m3u8`))).toHaveLength(1);
    expect(playlists.filter((url) => url.includes("_HLS_msn=")).length).toBeGreaterThan(2);
    expect(playlists.every((url) => url.includes("CMCD="))).toBe(true);
    await page.close();
    await endChild(picture);
  });

  it("waits for a show that has not begun, goes through a dropped connection, and starts again after the end", async () => {
    const key = await stack.createStream("watch-life", { reconnectSeconds: 6 });
    const { page } = await open("/watch/watch-life");
    await becomes(page, "offline");

    const first = stack.broadcast(key);
    await becomes(page, "playing");
    await expectMovingPicture(page);

    first.kill("SIGKILL");
    await becomes(page, "interrupted");
    const second = stack.broadcast(key);
    await becomes(page, "playing");
    // The page knows of the encoder before there is a part of it.
    const drawn = async () => (await stack.get("/live/watch-life/v360/index.m3u8")).text();
    const playlist = await until("parts of the second encoder", async () => {
      const text = await drawn();
      return text.includes("#EXT-X-DISCONTINUITY\n") ? text : undefined;
    });
    expect(playlist).not.toContain("#EXT-X-ENDLIST");
    await expectMovingPicture(page);

    await endChild(second);
    await becomes(page, "ended");
    const third = stack.broadcast(key);
    await becomes(page, "playing");
    await expectMovingPicture(page);
    await endChild(third);
    await page.close();
  });

  it("says so when there is no such stream", async () => {
    const { page } = await open("/watch/nobody");
    await becomes(page, "unknown");
    await page.close();
  });

  it.each([360, 1440])("fits %d pixels, with its controls reachable by keyboard", async (width) => {
    const stream = `watch-${width}`;
    const picture = stack.broadcast(await stack.createStream(stream));
    await stack.state(stream, "live");
    const { page } = await open(`/watch/${stream}`, width);
    await becomes(page, "playing");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    const reached = new Set<string>();
    for (let i = 0; i < 25; i += 1) {
      await page.keyboard.press("Tab");
      const id = await page.evaluate(() => document.activeElement?.getAttribute("data-testid"));
      if (id) reached.add(id);
    }
    expect([...reached]).toEqual(expect.arrayContaining(["play", "mute", "quality", "fullscreen"]));
    await page.close();
    await endChild(picture);
  });
});

describe("the home page", () => {
  it("lists who is live, and leads there", async () => {
    const picture = stack.broadcast(await stack.createStream("home-show", { title: "On the home page" }));
    await stack.state("home-show", "live");
    const { page, errors } = await open("/");
    await page.getByText("On the home page").click();
    await becomes(page, "playing");
    expect(new URL(page.url()).pathname).toBe("/watch/home-show");
    expect(errors).toEqual([]);
    await page.close();
    await endChild(picture);
  });

  it("keeps hashed assets for a year, and pages not at all", async () => {
    const home = await stack.get("/");
    expect(home.headers.get("cache-control")).toBe("public, max-age=0, must-revalidate");
    expect(home.headers.get("content-security-policy")).toContain("default-src 'self'");
    const asset = /\/assets\/[\w.-]+\.js/.exec(await home.text())?.[0] ?? "none";
    expect((await stack.get(asset)).headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  });
});
