/** Reads that are shared: none is waited for for ever, and who takes them slowly cannot fill the memory. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Source } from "../../../workers/edge/filling.ts";
import { beginReading, end, hasRoom, readingOf } from "../../../workers/edge/readings.ts";

const MB = 2 ** 20;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const source = (chunks: readonly Uint8Array[]): Source => ({
  head: { status: 200, headers: {}, size: chunks.reduce((sum, { byteLength }) => sum + byteLength, 0) },
  body: new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  }),
});

it("forgets a read whose request must be over", async () => {
  const filling = beginReading("lost", false, () => new Promise<Source>(() => {}));
  expect(readingOf("lost")?.filling).toBe(filling);
  vi.advanceTimersByTime(44_000);
  expect(readingOf("lost")?.filling).toBe(filling);
  vi.advanceTimersByTime(2_000);
  expect(readingOf("lost")).toBeUndefined();
});

it("does not end a read that took the place of another", () => {
  const first = beginReading("key", true, () => new Promise<Source>(() => {}));
  const second = beginReading("key", false, () => new Promise<Source>(() => {}));
  end("key", first);
  expect(readingOf("key")?.filling).toBe(second);
  end("key", second);
  expect(readingOf("key")).toBeUndefined();
});

it("counts what slow readers hold, and lets them go only after a while, when memory is short", async () => {
  const large = beginReading("large", false, async () =>
    source([new Uint8Array(30 * MB), new Uint8Array(30 * MB)]),
  );
  const [slow, quick] = [large.body().getReader(), large.body()];
  await large.finished;
  expect((await slow.read()).value?.byteLength).toBe(30 * MB);
  await quick.cancel();
  expect(hasRoom()).toBe(false);
  vi.advanceTimersByTime(9_000);
  expect(hasRoom()).toBe(false);
  vi.advanceTimersByTime(2_000);
  expect(hasRoom()).toBe(true);
  // What the stream had taken ahead may still come; the rest does not.
  await expect(async () => {
    for (;;) if ((await slow.read()).done) return;
  }).rejects.toThrow("memory is short");
});

it("holds nothing when all have read to the end, or have gone", async () => {
  const large = beginReading("read", false, async () => source([new Uint8Array(60 * MB)]));
  const [one, other] = [large.body(), large.body()];
  await large.finished;
  expect(hasRoom()).toBe(false);
  await one.cancel();
  expect((await new Response(other).arrayBuffer()).byteLength).toBe(60 * MB);
  expect(hasRoom()).toBe(true);
});
