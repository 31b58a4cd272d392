/**
 * A broadcast of 24 hours against a clock that is set: 43,200 segments of five tracks. What the object holds and what an
 * append costs must not depend on how long the show has lasted. workerd's clock stands still while it computes, so rows
 * are counted here; time is measured in test/unit/media/long-timeline.test.ts.
 */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import { LiveStorage } from "../../durable-objects/live-storage.ts";
import type { LiveStream } from "../../durable-objects/live-stream.ts";
import { parseSessionId } from "../../media/address.ts";
import type { Entry, Tracks } from "../../media/timeline.ts";
import { createStream, Encoder, fresh, SOURCE, textOf } from "./encoder.ts";
import { liveStream, recordOf } from "./stream-object.ts";

const SEGMENTS = 43_200;
/** An hour, and ten minutes in which a mark may be older. */
const KEPT_SEGMENTS = 1800 + 300;
const WINDOW_SEGMENTS = 450;

/** Counts what statements read and write, and how many objects were deleted from R2. */
interface Counts {
  read: number;
  written: number;
  deleted: number;
}

const RENDITIONS = ["v1080", "v720", "v480", "v360", "audio"];
const tracks = (bytes: number): Tracks =>
  Object.fromEntries(RENDITIONS.map((name) => [name, { bytes, independent: true }]));

function entriesOf(msn: number, at: number): Entry[] {
  const parts = [0, 1, 2, 3].map(
    (part): Entry => ({ type: "part", msn, part, at, duration: 0.5, tracks: tracks(50_000) }),
  );
  return [...parts, { type: "segment", msn, at, duration: 2, tracks: tracks(200_000) }];
}

/** Let the object's statements be counted, and its deletions too. */
function count(object: LiveStream, storage: DurableObjectStorage): Counts {
  const counts: Counts = { read: 0, written: 0, deleted: 0 };
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  Object.defineProperty(sql, "exec", {
    configurable: true,
    value: (...args: Parameters<typeof exec>) => {
      const cursor = exec(...args);
      const rows = cursor.toArray();
      counts.read += cursor.rowsRead;
      counts.written += cursor.rowsWritten;
      return { toArray: () => rows, one: () => rows[0], [Symbol.iterator]: () => rows[Symbol.iterator]() };
    },
  });
  const holder = object as unknown as { env: Record<string, unknown> };
  const MEDIA = {
    delete: async (keys: string[]) => {
      counts.deleted += keys.length;
      expect(keys.length).toBeLessThanOrEqual(1000);
    },
  };
  holder.env = { ...holder.env, MEDIA };
  return counts;
}

it("costs as much at its end as at its beginning", { timeout: 120_000 }, async () => {
  const key = await createStream("day");
  const encoder = await Encoder.open(key, {
    ...SOURCE,
    video: SOURCE.video && { ...SOURCE.video, width: 1920, height: 1080 },
  });
  const { session, lease, broadcast } = encoder.grant;
  const stub = liveStream("day");
  const named = parseSessionId(session);
  if (!named) throw new Error("no session");
  vi.useFakeTimers({ toFake: ["Date"] });
  const began = Date.now();
  await runInDurableObject(stub, async (object, state) => {
    const counts = count(object, state.storage);
    const costs: { read: number; written: number }[] = [];
    for (let msn = 0; msn < SEGMENTS; msn += 1) {
      const at = began + 2000 * msn;
      vi.setSystemTime(at + 2000);
      const before = { ...counts };
      const answer = object.append({ ...named, lease }, entriesOf(msn, at));
      costs.push({ read: counts.read - before.read, written: counts.written - before.written });
      if (!answer.ok) throw new Error(JSON.stringify(answer.error));
      if (msn % 300 === 0) for (let i = 0; i < 3; i += 1) await object.alarm();
    }
    const [first, last] = [costs.slice(500, 1500), costs.slice(-1000)];
    for (const what of ["read", "written"] as const)
      expect(Math.max(...last.map((cost) => cost[what])), `rows ${what}`).toBeLessThanOrEqual(
        Math.max(...first.map((cost) => cost[what])),
      );
    expect(costs[0]?.read, "rows are counted at all").toBeGreaterThan(0);
    const rows = (table: string) =>
      [...state.storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)][0]?.n ?? 0;
    expect(rows("segment")).toBe(SEGMENTS);
    expect(rows("part")).toBeLessThanOrEqual(4 * KEPT_SEGMENTS);
    expect(counts.deleted).toBe(5 * (4 * SEGMENTS - rows("part")));
  });
  vi.setSystemTime(began + 2000 * SEGMENTS);
  const playlist = await textOf(fresh("/live/day/v720/index.m3u8"));
  expect(playlist.match(/#EXTINF/g)).toHaveLength(WINDOW_SEGMENTS);
  expect(playlist).toContain(`#EXT-X-MEDIA-SEQUENCE:${SEGMENTS - WINDOW_SEGMENTS}\n`);
  expect(await recordOf(broadcast)).toMatchObject({ segments: SEGMENTS, seconds: 2 * SEGMENTS, gaps: 0 });

  // An object that wakes reads its window, and not the day.
  await evictDurableObject(stub);
  const read = await runInDurableObject(stub, async (object, state) => {
    const counts = count(object, state.storage);
    const { timeline } = new LiveStorage(state.storage).load();
    expect(timeline?.segments).toHaveLength(WINDOW_SEGMENTS);
    return counts.read;
  });
  expect(read).toBeLessThan(3 * WINDOW_SEGMENTS);
  expect(await textOf(fresh("/live/day/v720/index.m3u8"))).toBe(playlist);
});
