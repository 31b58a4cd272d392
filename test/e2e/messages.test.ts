/** The messages page in real browsers: people write to each other, in groups too, send photos, lose the line and come back. */
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { WebSocket } from "ws";
import { chatChannel } from "../../wire/chat.ts";
import { startBrowser } from "../support/browser.ts";
import { SocketLine, tokenOf } from "../support/socket-line.ts";
import { Stack, until } from "../support/stack.ts";

let stack: Stack;
let browser: Browser;
/** Members of another run are others. */
const RUN = Date.now().toString(36);
let people = 0;
const opened: Member[] = [];

beforeAll(async () => {
  stack = Stack.attach(inject("millrace"));
  browser = await startBrowser();
});
afterEach(async () => {
  for (const member of opened.splice(0)) {
    expect(member.errors).toEqual([]);
    await member.page.context().close();
  }
});
afterAll(async () => {
  await browser.close();
  await stack.stop();
});

/** As much of a service worker's scope as is used here. */
interface ServiceWorkerScope extends EventTarget {
  readonly registration: { getNotifications(): Promise<readonly object[]> };
  readonly NotificationEvent: new (type: string, init: object) => Event;
}

/** The machine may be busy with other tests: what is slow is not wrong. */
const LIMIT_MS = 30_000;

/** Somebody at the messages page; each time somebody else. */
class Member {
  readonly page: Page;
  readonly user: string;
  readonly errors: string[] = [];
  readonly line = new SocketLine();

  private constructor(page: Page, user: string) {
    this.page = page;
    this.user = user;
    page.on("pageerror", (error) => this.errors.push(error.message));
  }

  static async enter(name: string, size = { width: 1280, height: 800 }): Promise<Member> {
    people += 1;
    const context = await browser.newContext({ viewport: size });
    const member = new Member(await context.newPage(), `member-${people}-${RUN}`);
    opened.push(member);
    await member.line.cross(member.page);
    const token = await tokenOf(stack, { sub: member.user, name });
    await member.page.goto(`${stack.dev.edge}/messages#token=${token}`);
    await member.get("rooms-empty").waitFor({ timeout: LIMIT_MS });
    return member;
  }

  get(testid: string): Locator {
    return this.page.getByTestId(testid);
  }

  row(text: string): Locator {
    return this.get("message").filter({ hasText: text }).first();
  }

  async say(text: string): Promise<void> {
    await this.get("field").fill(text);
    await this.page.keyboard.press("Enter");
  }

  async sees(text: string): Promise<Locator> {
    await this.row(text).waitFor({ timeout: LIMIT_MS });
    return this.row(text);
  }

  async saysThat(testid: string, words: RegExp): Promise<void> {
    await this.get(testid).filter({ hasText: words }).first().waitFor({ timeout: LIMIT_MS });
  }

  /** Begin a one-to-one room. */
  async writeTo({ user }: Member): Promise<void> {
    await this.get("new-message").click();
    await this.get("begin-people").fill(user);
    await this.get("begin-do").click();
    await this.get("field").waitFor({ timeout: LIMIT_MS });
  }

  /** Open a room of the list. */
  async open(title: string): Promise<void> {
    await this.get("room-item").filter({ hasText: title }).click({ timeout: LIMIT_MS });
    await this.get("field").waitFor({ timeout: LIMIT_MS });
  }

  async readsSoon(...texts: readonly string[]): Promise<void> {
    const rows = this.get("message").locator(".text");
    await until(
      texts.join(", "),
      async () => (JSON.stringify(await rows.allTextContents()) === JSON.stringify(texts) ? true : undefined),
      LIMIT_MS,
    );
  }

  /** One of the buttons of a message. */
  async act(text: string, testid: string): Promise<void> {
    await (await this.sees(text)).hover();
    await this.get(testid).click();
  }
}

/** Say much in the room that a member has open, faster than anybody types. */
async function pour({ user, page }: Member, texts: readonly string[]): Promise<void> {
  const room = new URL(page.url()).hash.replace("#room=", "");
  const token = await tokenOf(stack, { sub: user });
  const socket = new WebSocket(`${stack.dev.edge.replace("http", "ws")}/connection/websocket`);
  let answers = "";
  socket.on("message", (frame) => {
    answers += String(frame);
  });
  socket.on("open", () => {
    socket.send(JSON.stringify({ id: 1, connect: { token } }));
    texts.forEach((text, i) => {
      const publish = { channel: chatChannel(room), data: { text, nonce: `poured ${text}` } };
      socket.send(JSON.stringify({ id: 2 + i, publish }));
    });
  });
  await until("answers", () => (answers.split('"publish"').length > texts.length ? true : undefined));
  socket.close();
}

/** Alice has written to Bob, and both look at it. */
async function alongside(): Promise<readonly [Member, Member]> {
  const [alice, bob] = [await Member.enter("Alice"), await Member.enter("Bob")];
  await alice.writeTo(bob);
  await alice.say("hello Bob");
  await bob.open("Alice");
  await bob.sees("hello Bob");
  return [alice, bob];
}

it("is for members, and says how to get in", async () => {
  const page = await browser.newPage();
  await page.goto(`${stack.dev.edge}/messages`);
  await page.getByTestId("signed-out").waitFor();
  expect(await page.getByTestId("room-list").isVisible()).toBe(false);
  const bob = await Member.enter("Bob");
  expect(new URL(bob.page.url()).hash).toBe("");
  // Who comes again is known.
  await bob.page.goto(`${stack.dev.edge}/messages`);
  await bob.get("rooms-empty").waitFor();
  await bob.get("me").click();
  await bob.get("sign-out").click();
  await bob.get("signed-out").waitFor();
  await bob.page.reload();
  await bob.get("signed-out").waitFor();
  await page.close();
});

it("sends who has a token that is none to sign in again", async () => {
  const page = await browser.newPage();
  const token = await tokenOf(stack, { sub: "mallory" });
  await page.goto(`${stack.dev.edge}/messages#token=${token.slice(0, -10)}AAAAAAAAAA`);
  await page.getByTestId("signed-out").getByText("not signed in any more").waitFor({ timeout: LIMIT_MS });
  await page.close();
});

it("becomes somebody else's only when whoever is here wants it", async () => {
  const page = await browser.newPage();
  const as = async (name: string) =>
    `${stack.dev.edge}/messages#token=${await tokenOf(stack, { sub: `${name}-${RUN}`, name })}`;
  const isHere = (name: string) => page.getByTestId("me").getByText(name).waitFor({ timeout: LIMIT_MS });
  await page.goto(await as("Ann"));
  await isHere("Ann");
  const asked: string[] = [];
  let answer = false;
  page.on("dialog", (dialog) => {
    asked.push(dialog.message());
    return answer ? dialog.accept() : dialog.dismiss();
  });
  await page.goto(await as("Eve"));
  await until("the question", () => (asked.length === 1 ? true : undefined));
  await page.reload();
  await isHere("Ann");
  answer = true;
  await page.goto(await as("Eve"));
  await isHere("Eve");
  expect(asked).toEqual(Array(2).fill("You are here as Ann. Go on as Eve?"));
  await page.close();
});

it("is a link above the chat of a show, for members", async () => {
  const stream = `messages-${RUN}`;
  await stack.createStream(stream);
  const page = await browser.newPage();
  await page.goto(`${stack.dev.edge}/watch/${stream}`);
  await page.getByTestId("chat").waitFor({ timeout: LIMIT_MS });
  expect(await page.getByTestId("chat-messages").isVisible()).toBe(false);
  await page.goto(
    `${stack.dev.edge}/watch/${stream}#token=${await tokenOf(stack, { sub: `fan-${RUN}`, name: "Fan" })}`,
  );
  await page.getByTestId("chat-messages").click({ timeout: LIMIT_MS });
  await page.getByTestId("rooms-empty").waitFor({ timeout: LIMIT_MS });
  expect(await page.getByTestId("me").textContent()).toContain("Fan");
  await page.close();
});

describe("two people", () => {
  it("write, answer, react, and see that it was seen", async () => {
    const [alice, bob] = [await Member.enter("Alice"), await Member.enter("Bob")];
    await alice.writeTo(bob);
    await alice.saysThat("room-empty", /Say hello/);
    await alice.say("hello Bob");
    await alice.say("are you there?");
    await alice.saysThat("seen", /^Sent$/);
    await bob.saysThat("badge", /^2$/);
    expect(await bob.page.title()).toBe("(2) Messages");
    await bob.open("Alice");
    await bob.saysThat("new-marker", /New/);
    await bob.get("badge").waitFor({ state: "detached", timeout: LIMIT_MS });
    await alice.saysThat("seen", /^Seen$/);
    await alice.saysThat("room-words", /here now/);

    await bob.get("field").pressSequentially("one mo");
    await alice.saysThat("typing", /writing…/);
    await bob.act("hello Bob", "reply");
    await bob.say("here I am");
    await alice.get("typing").filter({ hasNotText: /./ }).waitFor({ timeout: LIMIT_MS });
    const answer = await alice.sees("here I am");
    expect(await answer.getByTestId("quote").textContent()).toBe("Alicehello Bob");

    await alice.act("here I am", "react");
    await alice.get("emoji").first().click();
    await bob.saysThat("reaction", /👍1/);
    await (await bob.sees("here I am")).getByTestId("reaction").click();
    await alice.saysThat("reaction", /👍2/);

    await alice.act("are you there?", "more");
    await alice.get("delete").click();
    await alice.get("ask-yes").click();
    for (const member of [alice, bob]) await member.readsSoon("hello Bob", "here I am");

    await alice.page.reload();
    await alice.readsSoon("hello Bob", "here I am");
    await alice.saysThat("reaction", /👍2/);
    await alice.get("field").fill("not yet");
    await alice.page.goto(`${stack.dev.edge}/messages`);
    await alice.saysThat("room-item", /Draft:not yet/);
  });

  it("lose the line, and neither lose nor double anything", async () => {
    const [alice, bob] = await alongside();
    await alice.line.cut();
    await alice.saysThat("link-state", /Reconnecting/);
    await bob.say("meanwhile 1");
    await bob.say("meanwhile 2");
    await alice.say("said without a line");
    await alice.get("pending").waitFor();
    await bob.readsSoon("hello Bob", "meanwhile 1", "meanwhile 2");
    alice.line.isOpen = true;
    const all = ["hello Bob", "meanwhile 1", "meanwhile 2", "said without a line"];
    await bob.readsSoon(...all);
    await alice.readsSoon(...all);
    await alice.get("pending").waitFor({ state: "detached" });
    await alice.get("link-state").waitFor({ state: "hidden" });
    // In the moment of sending.
    for (let n = 1; n <= 3; n += 1) {
      await alice.say(`again ${n}`);
      await alice.line.cut();
      alice.line.isOpen = true;
    }
    for (const member of [alice, bob]) await member.readsSoon(...all, "again 1", "again 2", "again 3");
  });

  it("send a photo, without where it was taken", async () => {
    const [alice, bob] = await alongside();
    // A picture of the browser's own; in front of its data stands what a camera would say.
    const picture = await alice.page.evaluate(async () => {
      const canvas = document.createElement("canvas");
      canvas.width = 3_000;
      canvas.height = 1_500;
      const context = canvas.getContext("2d");
      if (context) {
        context.fillStyle = "#2a8";
        context.fillRect(0, 0, 3_000, 1_500);
      }
      const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg"));
      return [...new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer(0))];
    });
    const secret = new TextEncoder().encode("Exif\0\0GPS 52.5N 13.4E");
    const marked = Buffer.from([
      ...picture.slice(0, 2),
      ...[0xff, 0xe1, 0, secret.length + 2, ...secret],
      ...picture.slice(2),
    ]);
    await alice.get("files").setInputFiles({ name: "mill.jpg", mimeType: "image/jpeg", buffer: marked });
    await alice.get("photos").locator("img").waitFor();
    await alice.say("the mill");
    const shown = (await bob.sees("the mill")).getByTestId("thumbnail");
    await until("the thumbnail", async () =>
      (await shown.evaluate((image: HTMLImageElement) => image.naturalWidth)) === 320 ? true : undefined,
    );
    await bob.row("the mill").locator(".photo").click();
    const whole = bob.get("photo-image");
    await until("the photo", async () =>
      (await whole.evaluate((image: HTMLImageElement) => image.naturalWidth)) === 2_048 ? true : undefined,
    );
    const address = await whole.evaluate((image: HTMLImageElement) => image.src);
    const bytes = Buffer.from(await (await fetch(address)).arrayBuffer());
    expect(marked.includes("GPS")).toBe(true);
    expect(bytes.includes("GPS")).toBe(false);
    await alice.get("pending").waitFor({ state: "detached", timeout: LIMIT_MS });
  });

  it("write long texts, which are shown cut until somebody wants all", async () => {
    const [alice, bob] = await alongside();
    const long = `beginning ${"word ".repeat(4_000)}end`;
    await alice.say(long);
    const row = await bob.sees("beginning");
    const text = row.locator(".text");
    expect((await text.textContent())?.length).toBeLessThan(1_000);
    await row.getByTestId("show-all").click();
    await until("all of it", async () => ((await text.textContent()) === long ? true : undefined));
  });

  it("find what was said, also far up", async () => {
    const [alice, bob] = await alongside();
    await alice.say("the needle lies here");
    const straws = Array.from({ length: 60 }, (_, i) => `straw ${i + 1}`);
    await alice.sees("the needle");
    await pour(alice, straws.slice(0, 30));
    await pour(bob, straws.slice(30));
    await bob.sees("straw 60");
    await bob.page.reload();
    await bob.sees("straw 60");
    await bob.get("room-search").click();
    await bob.get("search-field").fill("needle");
    await bob.page.keyboard.press("Enter");
    await bob.get("hit").click({ timeout: LIMIT_MS });
    await bob.page.locator("[data-found]").filter({ hasText: "needle" }).waitFor({ timeout: LIMIT_MS });
    // Down again, through what is loaded on the way.
    await bob.get("to-newest").click();
    await until("the end", async () =>
      (await bob.row("straw 60").isVisible()) && !(await bob.get("to-newest").isVisible()) ? true : undefined,
    );
    const texts = await bob.get("message").locator(".text").allTextContents();
    expect(new Set(texts).size).toBe(texts.length);
  });

  it("write text, and nothing else", async () => {
    const evil = `<img src=x onerror="window.pwned=1">`;
    const [eve, bob] = [await Member.enter(evil), await Member.enter("Bob")];
    await eve.writeTo(bob);
    await eve.say(`${evil} in a text`);
    await bob.saysThat("room-item", /onerror/);
    await bob.get("room-item").click();
    await bob.act("in a text", "reply");
    await bob.say("no");
    await eve.sees("no");
    await eve.get("new-group").click();
    await eve.get("begin-name").fill(evil);
    await eve.get("begin-people").fill(`${bob.user}, <script>window.pwned=1</script>`);
    await eve.get("begin-do").click();
    await eve.saysThat("room-title", /onerror/);
    await eve.get("room-details").click();
    await eve.saysThat("member", /<script>/);
    await bob.get("room-item").filter({ hasText: "New group" }).click({ timeout: LIMIT_MS });
    await bob.saysThat("room-title", /onerror/);
    await bob.get("search-field").fill(evil, { force: true });
    for (const { page } of [eve, bob]) {
      expect(await page.evaluate(() => "pwned" in window)).toBe(false);
      expect(await page.locator("main img, main script, dialog img[src=x], dialog script").count()).toBe(0);
    }
  });
});

describe("who may see how somebody is", () => {
  it("asks, is let, and sees it; a status is on all devices", async () => {
    const [alice, bob] = await alongside();
    await alice.get("room-details").click();
    await alice.get("follow").click();
    await alice.get("unfollow").waitFor({ timeout: LIMIT_MS });
    await alice.page.keyboard.press("Escape");
    await bob.saysThat("requests", /Alice asks to see when you are online/);
    await bob.page.locator("#requests-show").click();
    await bob.get("allow").click();
    await bob.get("requests").waitFor({ state: "hidden", timeout: LIMIT_MS });
    await bob.page.keyboard.press("Escape");
    const dot = (status: string) => alice.page.locator(`[data-testid=dot][data-status=${status}]`);
    await dot("online").waitFor({ timeout: LIMIT_MS });
    await bob.get("me").click();
    await bob.get("status-dnd").click();
    await dot("dnd").waitFor({ timeout: LIMIT_MS });
    await alice.saysThat("room-words", /here now/);
    await bob.get("me").click();
    await bob.get("status-invisible").click();
    await alice.saysThat("room-words", /^(?!.*here now)/);
    await bob.get("me").click();
    await bob.get("status-online").click();
    await alice.saysThat("room-words", /here now/);
  });

  it("does not hear from who is blocked", async () => {
    const [alice, bob] = await alongside();
    await bob.get("room-details").click();
    await bob.get("block").click();
    await bob.get("ask-yes").click();
    await bob.saysThat("details", /Unblock/);
    await bob.page.keyboard.press("Escape");
    await alice.say("one more thing");
    await alice.saysThat("pending", /Not sent\. You cannot write to this person/);
    expect(await bob.row("one more thing").count()).toBe(0);
  });
});

describe("a notification", () => {
  it("is shown, once for each room, and leads there", async () => {
    const [alice, bob] = await alongside();
    const context = bob.page.context();
    await context.grantPermissions(["notifications"], { origin: stack.dev.edge });
    const protocol = await context.newCDPSession(bob.page);
    const registered = new Promise<string>((resolve) =>
      protocol.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
        for (const { registrationId, scopeURL } of registrations)
          if (scopeURL.endsWith("/messages")) resolve(registrationId);
      }),
    );
    await protocol.send("ServiceWorker.enable");
    // The browser's own push service is not to be reached from here: only the way from it is real.
    await bob.page.evaluate(async () => {
      await navigator.serviceWorker.register("/notifications.js", { scope: "/messages", type: "module" });
      await navigator.serviceWorker.ready;
    });
    const registrationId = await registered;
    const room = new URL(alice.page.url()).hash.replace("#room=", "");
    const push = (about: object) =>
      protocol.send("ServiceWorker.deliverPushMessage", {
        origin: stack.dev.edge,
        registrationId,
        data: JSON.stringify({ room, title: "Alice", unread: 1, id: room, ...about }),
      });
    const shown = () =>
      bob.page.evaluate(async () => {
        const { getNotifications } = ServiceWorkerRegistration.prototype;
        const all = await getNotifications.call(await navigator.serviceWorker.ready);
        return all.map(({ title, body, tag }) => [title, body, tag]);
      });
    await bob.page.goto(`${stack.dev.edge}/messages`);
    await bob.get("room-item").waitFor({ timeout: LIMIT_MS });
    await push({ body: "first" });
    await push({ body: "second" });
    await protocol.send("ServiceWorker.deliverPushMessage", {
      origin: stack.dev.edge,
      registrationId,
      data: "<b>",
    });
    await until("the second", async () =>
      JSON.stringify(await shown()) === JSON.stringify([["Alice", "second", room]]) ? true : undefined,
    );
    const [worker] = context.serviceWorkers();
    await worker?.evaluate(async () => {
      const scope = globalThis as unknown as ServiceWorkerScope;
      const [notification] = await scope.registration.getNotifications();
      scope.dispatchEvent(new scope.NotificationEvent("notificationclick", { notification }));
    });
    await bob.sees("hello Bob");
    expect(new URL(bob.page.url()).hash).toBe(`#room=${room}`);
    expect(await shown()).toEqual([]);
  });
});

describe("a group", () => {
  it("is made, named, added to, and left behind by who is removed", async () => {
    const [alice, bob, carol] = [
      await Member.enter("Alice"),
      await Member.enter("Bob"),
      await Member.enter("Carol"),
    ];
    await alice.get("new-group").click();
    await alice.get("begin-name").fill("Mill");
    await alice.get("begin-people").fill(bob.user);
    await alice.get("begin-do").click();
    await alice.saysThat("happened", /You made the group/);
    await alice.say("welcome");
    await bob.open("Mill");
    await bob.sees("welcome");
    await alice.saysThat("room-words", /2 people · 2 here now/);

    await alice.get("room-details").click();
    await alice.get("invite-people").fill(carol.user);
    await alice.get("invite-do").click();
    await carol.open("Mill");
    await carol.sees("welcome");
    await carol.say("thanks");
    await alice.get("rename-name").fill("Old mill");
    await alice.get("rename-do").click();
    for (const member of [bob, carol]) {
      await member.saysThat("room-title", /^Old mill$/);
      await member.saysThat("room-item", /Old mill/);
      await member.saysThat("happened", /Alice named the group “Old mill”/);
    }
    await alice.page
      .locator(`[data-user="${bob.user}"]`)
      .getByTestId("member-role")
      .selectOption("moderator");
    await carol.saysThat("happened", /made (Bob|member-\S+) a moderator/);

    await alice.page.locator(`[data-user="${carol.user}"]`).getByTestId("member-remove").click();
    await alice.get("ask-yes").click();
    await carol.saysThat("closed", /not in this conversation any more/);
    await carol.get("room-item").waitFor({ state: "detached", timeout: LIMIT_MS });
    await bob.saysThat("happened", /Alice removed Carol/);
    await alice.page.keyboard.press("Escape");
    await alice.say("without Carol");
    await bob.sees("without Carol");
    expect(await carol.row("without Carol").count()).toBe(0);
    // A moderator takes back what others said.
    await bob.act("without Carol", "more");
    await bob.get("delete").click();
    await bob.get("ask-yes").click();
    await alice.row("without Carol").waitFor({ state: "detached", timeout: LIMIT_MS });
  });
});

describe("on a phone", () => {
  it("the list and the room are two screens, and nothing is wider than the screen", async () => {
    const alice = await Member.enter("Alice", { width: 360, height: 780 });
    const bob = await Member.enter("Bob");
    await alice.writeTo(bob);
    await alice.say("x".repeat(300));
    await alice.sees("xxx");
    expect(await alice.get("room-list").isVisible()).toBe(false);
    expect(await alice.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    const field = await alice.get("field").boundingBox();
    expect((field?.y ?? 0) + (field?.height ?? 0)).toBeLessThanOrEqual(780);
    await alice.get("room-back").click();
    await alice.get("room-item").waitFor();
    expect(await alice.get("room").isVisible()).toBe(false);
  });
});
