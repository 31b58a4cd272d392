/** The live chat in real browsers: people talk, are moderated, lose the line and come back. The stream is offline all the while. */
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { WebSocket } from "ws";
import { chatChannel } from "../../wire/chat.ts";
import { startBrowser } from "../support/browser.ts";
import { SocketLine, tokenOf } from "../support/socket-line.ts";
import { Stack, until } from "../support/stack.ts";

let stack: Stack;
let browser: Browser;
let streams = 0;
let stream = "";
const opened: Viewer[] = [];

beforeAll(async () => {
  stack = Stack.attach(inject("millrace"));
  browser = await startBrowser();
});
beforeEach(async () => {
  streams += 1;
  stream = `chat-${streams}`;
  await stack.createStream(stream);
});
afterEach(async () => {
  for (const viewer of opened.splice(0)) {
    expect(viewer.errors).toEqual([]);
    await viewer.page.context().close();
  }
});
afterAll(async () => {
  await browser.close();
  await stack.stop();
});

/** The machine may be busy with other tests: what is slow is not wrong. */
const LIMIT_MS = 30_000;

interface Person {
  readonly sub: string;
  readonly name?: string;
  readonly role?: "member" | "moderator";
}
const ALICE: Person = { sub: "alice", name: "Alice" };
const BOB: Person = { sub: "bob", name: "Bob" };
const MODERATOR: Person = { sub: "mia", name: "Mia", role: "moderator" };

/** Somebody at the watch page. */
class Viewer {
  readonly page: Page;
  readonly errors: string[] = [];
  readonly line = new SocketLine();

  private constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.errors.push(error.message));
  }

  static async enter(person?: Person, size = { width: 1280, height: 800 }): Promise<Viewer> {
    const context = await browser.newContext({ viewport: size });
    const viewer = new Viewer(await context.newPage());
    opened.push(viewer);
    await viewer.line.cross(viewer.page);
    const fragment = person ? `#token=${await tokenOf(stack, person)}` : "";
    await viewer.page.goto(`${stack.dev.edge}/watch/${stream}${fragment}`);
    await viewer.get("chat").waitFor({ timeout: LIMIT_MS });
    return viewer;
  }

  get(testid: string): Locator {
    return this.page.getByTestId(testid);
  }

  row(text: string): Locator {
    return this.get("chat-message").filter({ hasText: text });
  }

  async say(text: string): Promise<void> {
    await this.get("chat-field").fill(text);
    await this.page.keyboard.press("Enter");
  }

  async sees(text: string): Promise<Locator> {
    await this.row(text).first().waitFor({ timeout: LIMIT_MS });
    return this.row(text).first();
  }

  async seesNoMore(text: string): Promise<void> {
    await this.row(text).first().waitFor({ state: "detached", timeout: LIMIT_MS });
  }

  texts(): Promise<string[]> {
    return this.get("chat-text").allTextContents();
  }

  async readsSoon(...texts: readonly string[]): Promise<void> {
    await until(
      `${texts.join(", ")}`,
      async () => (JSON.stringify(await this.texts()) === JSON.stringify(texts) ? true : undefined),
      LIMIT_MS,
    );
  }

  async saysThat(testid: string, words: RegExp): Promise<void> {
    await this.get(testid).filter({ hasText: words }).waitFor({ timeout: LIMIT_MS });
  }
}

/** Have a moderator do something that the page has no button for. */
async function moderate(method: string, data: object): Promise<void> {
  const token = await tokenOf(stack, MODERATOR);
  const url = `${stack.dev.edge.replace("http", "ws")}/connection/websocket?stream=${stream}`;
  const socket = new WebSocket(url);
  const answers: string[] = [];
  socket.on("message", (frame) => answers.push(String(frame)));
  socket.on("open", () => {
    socket.send(JSON.stringify({ id: 1, connect: { token } }));
    socket.send(JSON.stringify({ id: 2, rpc: { method, data: { room: stream, ...data } } }));
  });
  const answer = await until(`an answer to ${method}`, () => answers.find((one) => one.includes('"id":2')));
  expect(answer).toContain('"rpc"');
  socket.close();
}

describe("people in a room", () => {
  it("talk, answer and mention each other", async () => {
    const alice = await Viewer.enter(ALICE);
    const bob = await Viewer.enter(BOB);
    expect(new URL(alice.page.url()).hash).toBe("");
    await alice.saysThat("chat-empty", /Say hello/);
    await alice.say("hello there");
    await (await bob.sees("hello there")).hover();
    await bob.get("chat-reply").click();
    await bob.saysThat("chat-replying", /Alice/);
    await bob.say("hi back");
    const answer = await alice.sees("hi back");
    expect(await answer.getByTestId("chat-quote").textContent()).toBe("Alice hello there");
    expect(await answer.getAttribute("data-mention")).toBe("true");

    await bob.get("chat-field").pressSequentially("so @al");
    await bob.get("chat-name-option").waitFor();
    await bob.page.keyboard.press("Tab");
    expect(await bob.get("chat-field").inputValue()).toBe("so @Alice ");
    await bob.page.keyboard.type("look :wa");
    expect(await bob.get("chat-name-option").allTextContents()).toEqual(["👋 wave"]);
    await bob.page.keyboard.press("Tab");
    expect(await bob.get("chat-field").inputValue()).toBe("so @Alice look :wave: ");
    await bob.page.keyboard.type("🎉");
    await bob.page.keyboard.press("Enter");
    const mention = await alice.sees("look 👋 🎉");
    expect(await mention.getAttribute("data-mention")).toBe("true");
    expect(await mention.getByRole("img", { name: "wave" }).getAttribute("title")).toBe(":wave:");
    expect(await (await bob.sees("look 👋")).getAttribute("data-mention")).toBeNull();
    for (const viewer of [alice, bob]) {
      await viewer.readsSoon("hello there", "hi back", "so @Alice look 👋 🎉");
      await viewer.get("chat-pending").waitFor({ state: "detached" });
    }

    // Who comes later, or again, sees the same.
    await alice.page.reload();
    await alice.readsSoon("hello there", "hi back", "so @Alice look 👋 🎉");
    await alice.say("still me");
    expect(await (await bob.sees("still me")).getByTestId("chat-name").textContent()).toBe("Alice");
  });

  it("write text, and nothing else", async () => {
    const evil = `<script>window.pwned=1</script><img src=x onerror="window.pwned=1">`;
    const eve = await Viewer.enter({ sub: "eve", name: "<img src=x onerror=pwned=1>" });
    const bob = await Viewer.enter(BOB);
    await eve.say(evil);
    await bob.readsSoon(evil);
    expect(await bob.get("chat-name").textContent()).toBe("<img src=x onerror=pwned=1>");
    await bob.row("pwned").hover();
    await bob.get("chat-reply").click();
    await bob.say("no");
    await eve.sees("no");
    for (const { page } of [eve, bob]) {
      expect(await page.evaluate(() => "pwned" in window)).toBe(false);
      expect(await page.locator("#chat img, #chat script").count()).toBe(0);
    }
  });

  it("are moderated: a message goes, and then somebody for a while", async () => {
    const alice = await Viewer.enter(ALICE);
    const bob = await Viewer.enter(BOB);
    const mia = await Viewer.enter(MODERATOR);
    await alice.say("first of alice");
    await bob.say("bob is nice");
    await alice.say("second of alice");
    await alice.readsSoon("first of alice", "bob is nice", "second of alice");

    await (await mia.sees("first of alice")).hover();
    await mia.get("chat-more").click();
    await mia.get("chat-delete").click();
    for (const viewer of [alice, bob, mia]) await viewer.readsSoon("bob is nice", "second of alice");

    // All by keyboard.
    await mia.get("chat-list").focus();
    await mia.page.keyboard.press("ArrowUp");
    await mia.page.keyboard.press("Tab");
    await mia.page.keyboard.press("Tab");
    await mia.page.keyboard.press("Enter");
    for (let i = 0; i < 3; i += 1) await mia.page.keyboard.press("ArrowDown");
    await mia.page.keyboard.press("Enter");
    await mia.saysThat("chat-ask", /Time Alice out\?/);
    await mia.get("chat-ask-yes").click();
    for (const viewer of [alice, bob, mia]) await viewer.readsSoon("bob is nice");
    await alice.saysThat("chat-closed", /You are timed out. You can write again in 10 min/);
    expect(await alice.get("chat-form").isVisible()).toBe(false);
    expect(await bob.get("chat-form").isVisible()).toBe(true);
    await mia.get("chat-badge").waitFor({ state: "detached" });
  });

  it("are told how the room is run", async () => {
    const alice = await Viewer.enter(ALICE);
    await moderate("chat.settings", { settings: { slowSeconds: 30, maxLetters: 20 } });
    await alice.saysThat("chat-mode", /Slow mode, 30 s/);
    await alice.get("chat-field").fill("x".repeat(18));
    await alice.saysThat("chat-counter", /^2 left$/);
    await alice.get("chat-field").fill("x".repeat(23));
    await alice.saysThat("chat-counter", /^3 too many$/);
    expect(await alice.get("chat-send").isDisabled()).toBe(true);
    await alice.say("slowly");
    await alice.readsSoon("slowly");
    await alice.saysThat("chat-send", /^[12][0-9] s$/);
    await moderate("chat.announce", { text: "the end is near", nonce: "a" });
    expect(await (await alice.sees("the end is near")).getAttribute("data-announcement")).toBe("true");
    await moderate("chat.settings", { settings: { enabled: false } });
    await alice.saysThat("chat-closed", /^The chat is off at the moment\.$/);
  });
});

it("lets guests write where they may, and not before", async () => {
  const guest = await Viewer.enter();
  const alice = await Viewer.enter(ALICE);
  await guest.saysThat("chat-closed", /signed in/);
  expect(await guest.get("chat-guest").isVisible()).toBe(false);
  await moderate("chat.settings", { settings: { guestsWrite: true } });
  await guest.get("chat-guest-name").fill("Gus");
  await guest.get("chat-guest-join").click();
  await guest.get("chat-field").waitFor();
  await guest.say("may I?");
  const row = await alice.sees("may I?");
  expect(await row.getByTestId("chat-badge").textContent()).toBe("Guest");
  expect(await row.getByTestId("chat-name").textContent()).toBe("Gus");
  await guest.readsSoon("may I?");
  await moderate("chat.settings", { settings: { guestsWrite: false } });
  await guest.saysThat("chat-closed", /^Guests can only read here\.$/);
});

describe("a line that breaks", () => {
  it("loses nothing and doubles nothing", async () => {
    const alice = await Viewer.enter(ALICE);
    const bob = await Viewer.enter(BOB);
    await alice.say("before");
    await bob.readsSoon("before");
    await alice.line.cut();
    await alice.saysThat("chat-link", /Reconnecting/);
    await bob.say("meanwhile 1");
    await bob.say("meanwhile 2");
    await alice.say("said without a line");
    await bob.readsSoon("before", "meanwhile 1", "meanwhile 2");
    await alice.get("chat-pending").waitFor();
    alice.line.isOpen = true;
    await bob.readsSoon("before", "meanwhile 1", "meanwhile 2", "said without a line");
    await alice.readsSoon("before", "meanwhile 1", "meanwhile 2", "said without a line");
    await alice.get("chat-pending").waitFor({ state: "detached" });
    await alice.get("chat-link").waitFor({ state: "hidden" });
  });

  it("in the moment of sending sends once", async () => {
    const alice = await Viewer.enter(ALICE);
    const bob = await Viewer.enter(BOB);
    for (let n = 1; n <= 3; n += 1) {
      await alice.say(`message ${n}`);
      await alice.line.cut();
      alice.line.isOpen = true;
    }
    await bob.readsSoon("message 1", "message 2", "message 3");
    await alice.readsSoon("message 1", "message 2", "message 3");
  });
});

/** A message that nobody sent. */
const flood = (seq: number): object => ({
  type: "message",
  id: `01ARYZ6S41${String(seq).padStart(16, "0")}`,
  seq,
  user: `user-${seq % 30}`,
  name: `User ${seq % 30}`,
  role: "member",
  text: `flood ${seq}`,
  nonce: String(seq),
  at: new Date().toISOString(),
});

describe("fifty messages a second", () => {
  it("are 200 rows at most, and never move what somebody reads", async () => {
    const alice = await Viewer.enter(ALICE);
    await alice.say("the first");
    await alice.readsSoon("the first");
    let seq = 1;
    const pour = async (seconds: number): Promise<void> => {
      const beginMs = Date.now();
      const first = seq;
      const last = first + 50 * seconds;
      while (seq < last) {
        const due = Math.min(last, first + Math.ceil((Date.now() - beginMs) / 20));
        while (seq < due) {
          seq += 1;
          alice.line.push(chatChannel(stream), flood(seq), seq);
        }
        await new Promise((resolve) => setTimeout(resolve, 40));
        expect(await alice.get("chat-message").count()).toBeLessThanOrEqual(200);
      }
    };
    await pour(5);
    const isAtEnd = () =>
      alice.get("chat-list").evaluate((list) => list.scrollHeight - list.scrollTop - list.clientHeight < 2);
    await alice.sees(`flood ${seq}`);
    expect(await alice.get("chat-message").count()).toBe(200);
    expect(await isAtEnd()).toBe(true);

    await alice.get("chat-list").hover();
    await alice.page.mouse.wheel(0, -600);
    await alice.get("chat-new").waitFor();
    const shown = () =>
      alice.get("chat-list").evaluate((list) => {
        const box = list.getBoundingClientRect();
        const row = document.elementFromPoint(box.left + 60, box.top + 80)?.closest("[data-seq]");
        return [row?.textContent, row?.getBoundingClientRect().top];
      });
    const before = await shown();
    await pour(5);
    expect(await shown()).toEqual(before);
    await alice.saysThat("chat-new", /^250 new messages/);
    await alice.get("chat-new").click();
    await alice.sees(`flood ${seq}`);
    expect(await isAtEnd()).toBe(true);
    expect(await alice.get("chat-message").count()).toBe(200);
  });
});

describe("where the chat is", () => {
  it("stands beside the video, which does not change its size when it comes", async () => {
    const alice = await Viewer.enter(ALICE, { width: 1440, height: 900 });
    const video = () => alice.get("player").boundingBox();
    const chat = await alice.get("chat").boundingBox();
    const shown = await video();
    expect(chat?.x).toBeGreaterThanOrEqual((shown?.x ?? 0) + (shown?.width ?? 0));
    await alice.get("chat-toggle").click();
    expect(await alice.get("chat").isVisible()).toBe(false);
    expect((await video())?.width).toBeGreaterThan(shown?.width ?? 0);
    await alice.page.reload();
    await alice.get("chat-toggle").waitFor();
    expect(await alice.get("chat").isVisible()).toBe(false);
    await alice.get("chat-toggle").click();
    expect(await video()).toEqual(shown);
    expect(await alice.get("chat").boundingBox()).toEqual(chat);
  });

  it("stands below it on a phone, with the composer at the foot", async () => {
    const alice = await Viewer.enter(ALICE, { width: 360, height: 780 });
    await alice.say("x".repeat(300));
    await alice.sees("xxx");
    const [video, field] = [
      await alice.get("player").boundingBox(),
      await alice.get("chat-field").boundingBox(),
    ];
    expect(field?.y).toBeGreaterThan((video?.y ?? 0) + (video?.height ?? 0));
    expect((field?.y ?? 0) + (field?.height ?? 0)).toBeLessThanOrEqual(780);
    expect(await alice.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });

  it("leaves its keys to itself", async () => {
    const alice = await Viewer.enter(ALICE);
    await alice.get("chat-field").waitFor();
    await alice.get("chat-field").pressSequentially("mkfs? m");
    expect(await alice.get("chat-field").inputValue()).toBe("mkfs? m");
    expect(await alice.page.locator("#help").isVisible()).toBe(false);
    expect(await alice.get("stats").isVisible()).toBe(false);
  });
});
