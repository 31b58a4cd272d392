/** What users of other live servers ran into and nothing smaller than the whole can show; docs/field-bugs.md has the list. */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { checkPlaylist } from "../support/hls-checker.ts";
import { all, lastOf, partTargetOf, type ReadPlaylist } from "../support/hls-reader.ts";
import { clip, RtmpPush } from "../support/rtmp-push.ts";
import { Stack } from "../support/stack.ts";

let stack: Stack;
beforeAll(() => {
  stack = Stack.attach(inject("millrace"));
});
afterAll(() => stack.stop());

/** Broadcast while `during` runs. */
async function onAir(
  stream: string,
  tags: ReturnType<typeof clip>,
  during: () => Promise<void>,
): Promise<void> {
  const key = await stack.createStream(stream, { reconnectSeconds: 0 });
  const { push, code } = await RtmpPush.open(stack.dev.rtmp, key);
  expect(code).toBe("NetStream.Publish.Start");
  const sent = push.send(tags);
  await stack.state(stream, "live");
  await during();
  push.drop();
  await sent;
}

async function reload(
  stream: string,
  rendition: string,
  query = "",
): Promise<{ playlist: ReadPlaylist; ms: number }> {
  const startedAt = performance.now();
  const answer = await stack.get(`/live/${stream}/${rendition}/index.m3u8${query}`);
  expect(answer.status).toBe(200);
  const { violations, state } = checkPlaylist(await answer.text());
  expect(violations).toEqual([]);
  return { playlist: state.playlist, ms: performance.now() - startedAt };
}

/** Whether a playlist has a segment, or a part of it. */
const reaches = (playlist: ReadPlaylist, msn: number, part: number): boolean => {
  const [last] = lastOf(playlist);
  const segment = all(playlist).find((one) => one.msn === msn);
  return last > msn || (segment?.parts.length ?? 0) > part;
};

const hinted = ({ hints }: ReadPlaylist): string =>
  hints.find((hint) => hint.get("TYPE") === "PART")?.get("URI") ?? "none";

describe.concurrent("field bugs", { timeout: 60_000 }, () => {
  it("14: a player that changes its rendition by the rendition report finds what was reported, and goes on", async () => {
    const stream = "field-switch";
    await onAir(stream, clip({ seconds: 20, size: "854x480" }), async () => {
      const names = ["v480", "v360", "audio"];
      let { playlist } = await reload(stream, "v480");
      for (let i = 1; i <= 9; i += 1) {
        const to = names[i % 3] ?? "";
        const report = playlist.reports.find((one) => one.get("URI")?.includes(`${to}/`));
        const [msn, part] = [Number(report?.get("LAST-MSN")), Number(report?.get("LAST-PART"))];
        const switched = await reload(stream, to, `?_HLS_msn=${msn}&_HLS_part=${part}`);
        expect(reaches(switched.playlist, msn, part)).toBe(true);
        // It was there already: nobody waits for it.
        expect(switched.ms).toBeLessThan(400);
        // And the next one is waited for where the player now is.
        const [nextMsn, nextPart] =
          /part-(\d+)\.(\d+)/.exec(hinted(switched.playlist))?.slice(1).map(Number) ?? [];
        const next = await reload(stream, to, `?_HLS_msn=${nextMsn}&_HLS_part=${nextPart}`);
        expect(reaches(next.playlist, nextMsn ?? 0, nextPart ?? 0)).toBe(true);
        playlist = next.playlist;
      }
    });
  });

  it("7: sound alone has parts where it offers blocking reloads, and none times out", async () => {
    const stream = "field-sound";
    const sound = clip({ seconds: 20 }).filter(({ kind }) => kind === "audio");
    await onAir(stream, sound, async () => {
      let { playlist } = await reload(stream, "audio");
      const partTarget = partTargetOf(playlist);
      expect(partTarget).toBe(0.51);
      for (let i = 0; i < 8; i += 1) {
        const [msn, part] = /part-(\d+)\.(\d+)/.exec(hinted(playlist))?.slice(1).map(Number) ?? [];
        const next = await reload(stream, "audio", `?_HLS_msn=${msn}&_HLS_part=${part}`);
        expect(reaches(next.playlist, msn ?? 0, part ?? 0)).toBe(true);
        expect(next.ms).toBeLessThan(2_000);
        playlist = next.playlist;
      }
    });
  });

  it("5, 9: whoever comes, at whatever moment, finds where to begin and gets the hinted part", async () => {
    const stream = "field-join";
    await onAir(stream, clip({ seconds: 20 }), async () => {
      for (let i = 0; i < 8; i += 1) {
        await new Promise((resolve) => setTimeout(resolve, 170 * (i % 4)));
        const { playlist } = await reload(stream, "v180");
        const listed = all(playlist).flatMap(({ parts }) => parts);
        expect(listed.some(({ independent }) => independent)).toBe(true);
        const numbers = all(playlist).map(({ parts }) =>
          parts.map(({ uri }) => Number(/\.(\d+)\.m4s$/.exec(uri)?.[1])),
        );
        for (const own of numbers) expect(own).toEqual(own.map((_, at) => at));
        const uri = new URL(hinted(playlist), `${stack.dev.edge}/live/${stream}/v180/index.m3u8`);
        const part = await fetch(uri);
        expect(part.status).toBe(200);
        expect((await part.arrayBuffer()).byteLength).toBeGreaterThan(100);
      }
    });
  });
});
