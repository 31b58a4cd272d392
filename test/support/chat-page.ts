/** People at watch pages with a chat, for end-to-end tests: what they see of it and do in it. The stream may be offline. */
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { chatChannel } from "../../wire/chat.ts";
import { SocketLine, tokenOf } from "./socket-line.ts";
import { type Stack, until } from "./stack.ts";

/** The machine may be busy with other tests: what is slow is not wrong. */
const LIMIT_MS = 30_000;

/** Whom a token is for. */
export interface Person {
  readonly sub: string;
  readonly name?: string;
  readonly role?: "member" | "moderator";
}

export class ChatPage {
  readonly page: Page;
  readonly errors: string[] = [];
  readonly #stream: string;
  readonly #line = new SocketLine();

  private constructor(page: Page, stream: string) {
    this.page = page;
    this.#stream = stream;
    page.on("pageerror", (error) => this.errors.push(error.message));
  }

  /** Come to the page of a stream and wait for its chat. */
  static async enter(
    stack: Stack,
    browser: Browser,
    stream: string,
    person?: Person,
    options: BrowserContextOptions = { viewport: { width: 1280, height: 800 } },
  ): Promise<ChatPage> {
    const context = await browser.newContext(options);
    const own = new ChatPage(await context.newPage(), stream);
    await own.#line.cross(own.page);
    const fragment = person ? `#token=${await tokenOf(stack, person)}` : "";
    await own.page.goto(`${stack.dev.edge}/watch/${stream}${fragment}`);
    await own.get("chat").waitFor({ timeout: LIMIT_MS });
    return own;
  }

  get(testid: string): Locator {
    return this.page.getByTestId(testid);
  }

  /** Wait for something that says this. */
  async sees(testid: string, words: RegExp | string): Promise<Locator> {
    const found = this.get(testid).filter({ hasText: words }).first();
    await found.waitFor({ timeout: LIMIT_MS });
    return found;
  }

  async say(text: string): Promise<void> {
    await this.get("chat-field").fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Choose something in the menu of a message. */
  async moderate(text: string, item: string): Promise<void> {
    await (await this.sees("chat-message", text)).hover();
    await this.get("chat-more").click();
    await this.get(item).click();
  }

  /** A publication of the room, as if the server had sent it. */
  push(data: object, offset?: number): void {
    this.#line.push(chatChannel(this.#stream), data, offset);
  }

  /** Wait until a condition holds on the page. */
  async soon(what: string, look: () => Promise<boolean>): Promise<void> {
    await until(what, async () => ((await look()) ? true : undefined), LIMIT_MS);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
