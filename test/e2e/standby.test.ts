/** Two real encoders on one stream: the second waits, takes over when the first hangs, and viewers see a discontinuity, not an outage. */
import type { ChildProcess } from "node:child_process";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { checkPlaylist } from "../support/hls-checker.ts";
import { endChild, type LogLine, Stack } from "../support/stack.ts";

let stack: Stack;
beforeAll(() => {
  stack = Stack.attach(inject("millrace"));
});
afterAll(() => stack.stop());

const PICTURE = ["--size", "426x240", "--kbps", "400"];
const at = ({ at: time }: LogLine): number => Date.parse(time);

describe.each(["cold", "warm"])("with a %s standby", (standby) => {
  it("a show goes on when its first encoder hangs", async () => {
    const id = `standby-${standby}`;
    const key = await stack.createStream(id, { standby });
    const first = stack.broadcast(key, PICTURE);
    await stack.state(id, "live");
    const second: ChildProcess = stack.broadcast(`${key}?backup=1`, PICTURE);
    await stack.logged("standby-accepted", ({ stream }) => stream === id);
    if (standby === "warm") await stack.logged("warming-up", ({ stream }) => stream === id);
    // It waits until the first is known to say often how it does.
    const { startSeconds } = await stack.logged("published", ({ stream }) => stream === id);
    await stack.logged(
      "published",
      (line) => line.stream === id && Number(line.startSeconds) > Number(startSeconds) + 6,
    );
    const hangsAt = Date.now();
    first.kill("SIGSTOP");
    try {
      const takes = await stack.logged("standby-takes-over", ({ stream }) => stream === id);
      expect(takes.warm).toBe(standby === "warm");
      const begins = await stack.logged(
        "published",
        (line) => line.stream === id && String(line.session).endsWith(".2"),
      );
      console.log(
        `${standby} standby: took over ${((at(takes) - hangsAt) / 1000).toFixed(2)} s after the first hung, ` +
          `first part ${((at(begins) - hangsAt) / 1000).toFixed(2)} s after (target 2 s)`,
      );
      await stack.logged(
        "published",
        (line) => line.stream === id && String(line.session).endsWith(".2") && line.type === "segment",
      );
    } finally {
      first.kill("SIGCONT");
    }
    // Awake again, the first is told that it lost its stream.
    await stack.logged(
      "encoder-dropped",
      ({ stream, description }) => stream === id && /taken over/.test(String(description)),
    );
    const playlist = await (await stack.get(`/live/${id}/v240/index.m3u8`)).text();
    expect(checkPlaylist(playlist).violations).toEqual([]);
    expect(playlist.match(/^#EXT-X-DISCONTINUITY$/gm)).toHaveLength(1);
    await endChild(second);
    await endChild(first);
  });
});

it("without a standby a second encoder is refused as before", async () => {
  const key = await stack.createStream("standby-none", { standby: "off" });
  const first = stack.broadcast(key, PICTURE);
  await stack.state("standby-none", "live");
  const second = stack.broadcast(`${key}?backup=1`, PICTURE);
  await stack.logged("publish-refused", ({ reason }) => reason === "already-live");
  await Promise.all([endChild(first), endChild(second)]);
});
