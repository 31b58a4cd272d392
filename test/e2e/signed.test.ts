/** A private stream in a real browser: who has an address watches, who has none finds nothing, and who had one is told. */
import { expect, inject, it } from "vitest";
import { parseJson } from "../../wire/parse.ts";
import { SignedSchema } from "../../wire/watch-token.ts";
import { startBrowser } from "../support/browser.ts";
import { endChild, Stack, until } from "../support/stack.ts";

it("a private stream plays at a signed address, and nowhere else", async () => {
  const stack = Stack.attach(inject("millrace"));
  const picture = stack.broadcast(await stack.createStream("signed", { access: "private" }));
  const sign = async (wish: Record<string, unknown>): Promise<string> => {
    const answer = await stack.admin("/streams/signed/sign", { method: "POST", body: JSON.stringify(wish) });
    const signed = parseJson(SignedSchema, await answer.text());
    if (!signed.ok) throw new Error(`signing: ${answer.status} ${signed.error.detail}`);
    return signed.value.watch;
  };
  const browser = await startBrowser();
  const becomes = async (path: string, state: string) => {
    const page = await browser.newPage();
    const asked: URL[] = [];
    page.on("request", (request) => asked.push(new URL(request.url())));
    await page.goto(`${stack.dev.edge}${path}`);
    await until(
      `${state} at ${path.replace(/\/p\/[^/]+/, "/p/…")}`,
      async () => (await page.evaluate(() => document.documentElement.dataset.player)) === state || undefined,
      60_000,
    );
    const text = await page.evaluate(() => document.body.textContent ?? "");
    await page.close();
    return { text, asked };
  };
  try {
    const watch = await sign({ maxHeight: 360 });
    const { asked } = await becomes(watch, "playing");
    const loaded = asked.filter(({ pathname }) => /\.(m3u8|m4s|mp4)$/.test(pathname));
    expect(loaded.length).toBeGreaterThan(3);
    // Whatever the player loads keeps the token in front.
    const token = watch.slice(0, watch.indexOf("/watch/"));
    expect(loaded.filter(({ pathname }) => !pathname.startsWith(`${token}/`))).toEqual([]);
    expect((await becomes("/watch/signed", "unknown")).text).toContain("There is no such stream");
    const over = await sign({ seconds: 1 });
    await until(
      "the address to end",
      async () => ((await stack.get(over)).status === 403 ? true : undefined),
      10_000,
    );
    expect((await becomes(over, "closed")).text).toContain("This address does not open here");
  } finally {
    await browser.close();
    await endChild(picture);
    await stack.stop();
  }
});
