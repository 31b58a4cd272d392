/** From a real player to an operator: what hls.js says of itself in CMCD is what origin tells. */
import { expect, inject, it } from "vitest";
import { EdgeAnswerSchema, QoeAnswerSchema } from "../../wire/admin-edge.ts";
import { parseJson } from "../../wire/parse.ts";
import { CMCD_PARAMETER, parseCmcd } from "../../workers/edge/core/cmcd.ts";
import { startBrowser } from "../support/browser.ts";
import { endChild, Stack, until } from "../support/stack.ts";

it("a viewer is counted, and how the player does", async () => {
  const stack = Stack.attach(inject("millrace"));
  const picture = stack.broadcast(await stack.createStream("qoe"));
  await stack.state("qoe", "live");
  const browser = await startBrowser();
  try {
    const page = await browser.newPage();
    const asked: URL[] = [];
    page.on("request", (request) => asked.push(new URL(request.url())));
    await page.goto(`${stack.dev.edge}/watch/qoe`);
    const answer = await until(
      "the player's start to be told",
      async () => {
        const told = parseJson(QoeAnswerSchema, await (await stack.admin("/qoe/qoe?minutes=5")).text());
        return told.ok && told.value.startDelay && told.value.latency ? told.value : undefined;
      },
      45_000,
    );
    expect(answer.requests).toBeGreaterThan(5);
    expect(answer.startups).toBeGreaterThan(0);
    expect(answer.startDelay?.count).toBe(1);
    expect(answer.startDelay?.mean).toBeLessThan(60_000);
    expect(answer.latency?.mean).toBeGreaterThan(100);
    expect(answer.latency?.mean).toBeLessThan(30_000);
    // FFmpeg was asked for 800 kbit/s of a small picture, and sound.
    expect(answer.bitrate?.mean).toBeGreaterThan(100);
    expect(answer.bitrate?.mean).toBeLessThan(5_000);
    expect(answer.buffer?.count).toBeGreaterThan(0);

    const said = asked.flatMap(({ searchParams }) => parseCmcd(searchParams.get(CMCD_PARAMETER) ?? "") ?? []);
    expect(said.map(({ ot }) => ot)).toEqual(expect.arrayContaining(["v", "a"]));
    expect(new Set(said.map(({ sid }) => sid)).size).toBe(1);
    const known = new Set(["bl", "br", "bs", "ltc", "msd", "mtp", "ot", "sf", "sid", "st", "su", "v"]);
    expect(said.flatMap((one) => Object.keys(one)).filter((key) => !known.has(key))).toEqual([]);
    // Delivery directives survive beside it. The first playlists are asked for without: a busy machine may be slow to ask again.
    for (const directive of ["_HLS_msn", "_HLS_skip"])
      await until(
        `a request with ${directive}`,
        () => asked.some((url) => url.searchParams.has(directive)) || undefined,
      );

    const edge = parseJson(EdgeAnswerSchema, await (await stack.admin("/edge?minutes=5")).text());
    const mine = edge.ok ? edge.value.streams.find(({ stream }) => stream === "qoe") : undefined;
    expect(mine?.media.requests).toBeGreaterThan(0);
    expect(mine?.playlists.requests).toBeGreaterThan(0);
    expect(mine?.streamCalls).toBeGreaterThan(0);
  } finally {
    await browser.close();
    await endChild(picture);
    await stack.stop();
  }
});
