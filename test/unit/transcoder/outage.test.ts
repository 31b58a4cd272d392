/** Origin away, in every way it can be: the publisher, the client, the spool and the flusher over real HTTP and a real disk. */
import { mkdtempSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Entry } from "../../../media/timeline.ts";
import { createOriginClient, type Refusal } from "../../../transcoder/origin-client.ts";
import type { MediaCut } from "../../../transcoder/packaging.ts";
import { Publisher, type PublisherLimits } from "../../../transcoder/publisher.ts";
import { Spool } from "../../../transcoder/spool.ts";
import { startFlusher } from "../../../transcoder/spool-flusher.ts";
import type { PlannedRendition } from "../../../wire/ingest.ts";

type Mood = "well" | "refusing" | "hanging" | "failing" | "slow" | "fenced";

/** An origin that keeps what it is given, in whatever mood; objects and timeline each have their own. */
class MoodyOrigin {
  readonly objects = new Map<string, number>();
  readonly entries: Entry[] = [];
  readonly late: number[] = [];
  mood: { objects: Mood; timeline: Mood } = { objects: "well", timeline: "well" };
  requests = 0;
  #url = "";
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => {});
    request.on("end", () => this.#answer(request.url ?? "", Buffer.concat(chunks), response));
  });

  static async start(): Promise<MoodyOrigin> {
    const origin = new MoodyOrigin();
    await new Promise<void>((resolve) => origin.#server.listen(0, "127.0.0.1", resolve));
    const address = origin.#server.address();
    origin.#url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    return origin;
  }

  get url(): string {
    return this.#url;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(url: string, body: Buffer, response: ServerResponse): void {
    this.requests += 1;
    const mood = url.includes("/objects/") ? this.mood.objects : this.mood.timeline;
    const well = () => this.#keep(url, body, response);
    switch (mood) {
      case "well":
        well();
        return;
      case "slow":
        setTimeout(well, 60);
        return;
      case "refusing":
        response.destroy();
        return;
      case "hanging":
        return;
      case "failing":
        response.writeHead(500).end();
        return;
      case "fenced":
        response.writeHead(409, { "content-type": "application/problem+json" });
        response.end(JSON.stringify({ type: "urn:millrace:problem:fenced", title: "Fenced.", status: 409 }));
    }
  }

  #keep(url: string, body: Buffer, response: ServerResponse): void {
    const object = /\/objects\/([^?]+)/.exec(url)?.[1];
    if (object !== undefined) {
      this.objects.set(object, body.length);
      response.writeHead(201).end();
    } else if (url.endsWith("/late")) {
      const { segments }: { segments: { msn: number }[] } = JSON.parse(body.toString());
      this.late.push(...segments.map(({ msn }) => msn));
      response.writeHead(204).end();
    } else {
      const { entries }: { entries: Entry[] } = JSON.parse(body.toString());
      this.entries.push(...entries);
      response.writeHead(200).end(JSON.stringify({ next: { msn: 0, part: 0 } }));
    }
  }

  /** Segments in the timeline, and whether each has its objects there. */
  get segments(): (readonly [number, "there" | "gap"])[] {
    return this.entries.flatMap((entry) =>
      entry.type === "segment" ? [[entry.msn, "v720" in entry.tracks ? "there" : "gap"] as const] : [],
    );
  }
}

const RENDITIONS: PlannedRendition[] = [
  { kind: "video", name: "v720", mode: "copy", width: 1280, height: 720, bitrate: 3e6, publishAs: ["v720"] },
];
const LIMITS: PublisherLimits = { lateMs: 1_500, spoolAfterMs: 50, waitingBytes: 1e6 };
const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function start(limits: Partial<PublisherLimits> = {}) {
  const origin = await MoodyOrigin.start();
  const client = createOriginClient(origin.url);
  const folder = mkdtempSync(join(tmpdir(), "millrace-outage-"));
  const spool = await Spool.open({ folder, origin: "o", limits: { bytes: 1e8, ageMs: 1e8 }, log: () => {} });
  const refusals: Refusal[] = [];
  const publisher = new Publisher({
    client,
    holder: { session: "show-abc.1", lease: "l" },
    renditions: RENDITIONS,
    spool: spool.session({ session: "show-abc.1", lease: "l" }),
    startedAt: 0,
    limits: { ...LIMITS, ...limits },
    onRefused: (refusal) => refusals.push(refusal),
  });
  const flush = () => {
    const flusher = startFlusher({
      spool,
      client,
      log: () => {},
      policy: { firstDelayMs: 5, maxDelayMs: 20, attempts: Number.POSITIVE_INFINITY },
    });
    ends.push(() => flusher.stop());
  };
  ends.push(() => origin.stop());
  return { origin, client, spool, folder, publisher, refusals, flush };
}

const track = (bytes: number) => ({ bytes, independent: true, chunks: [new Uint8Array(bytes)] });
const INIT = new Map([
  [
    "v720",
    {
      kind: "video" as const,
      codecs: "avc1.64001f",
      width: 1280,
      height: 720,
      timescale: 90_000,
      trackId: 1,
      defaults: { duration: 0, size: 0, flags: 0 },
      bytes: new Uint8Array(100),
    },
  ],
]);
const part = (msn: number, bytes = 500): MediaCut => ({
  type: "part",
  msn,
  part: 0,
  startSeconds: msn / 2,
  duration: 0.5,
  tracks: new Map([["v720", track(bytes)]]),
});
/** A segment of one part, with it. */
const both = (msn: number, bytes = 500): MediaCut[] => [
  part(msn, bytes),
  { type: "segment", msn, startSeconds: msn / 2, duration: 0.5, tracks: new Map([["v720", track(bytes)]]) },
];

/** Wait until it is true. */
async function until(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const TROUBLES = ["refusing", "hanging", "failing"] as const;

describe.each(TROUBLES)("an origin that is %s", (mood) => {
  it("for less than is late gets everything in order, and there is no gap", { timeout: 30_000 }, async () => {
    // A request that hangs is given up after five seconds.
    const { origin, publisher, spool } = await start({ lateMs: 15_000 });
    publisher.describe(INIT);
    publisher.publish(both(1));
    await until("the first segment", () => origin.segments.length === 1);
    origin.mood = { objects: mood, timeline: mood };
    for (const msn of [2, 3, 4]) publisher.publish(both(msn));
    await until("trouble", () => origin.requests > 4 && spool.depth.items === 3);
    origin.mood = { objects: "well", timeline: "well" };
    await until("the last segment", () => origin.segments.length === 4);
    expect(origin.segments).toEqual([1, 2, 3, 4].map((msn) => [msn, "there"]));
    await until("an empty spool", () => spool.depth.items === 0);
  });

  it("for longer finds the live edge at now, gaps behind it, and every segment late", {
    timeout: 30_000,
  }, async () => {
    const { origin, publisher, spool, flush } = await start();
    flush();
    publisher.describe(INIT);
    publisher.publish(both(1));
    await until("the first segment", () => origin.segments.length === 1);
    origin.mood = { objects: mood, timeline: mood };
    for (const msn of [2, 3]) publisher.publish(both(msn));
    await until("what waits to be late", () => publisher.waitingBytes === 0);
    expect(spool.depth.items, "both are on disk").toBe(2);
    origin.mood = { objects: "well", timeline: "well" };
    publisher.publish(both(4));
    await until("the live edge", () => origin.segments.length === 4);
    expect(origin.segments).toEqual([
      [1, "there"],
      [2, "gap"],
      [3, "gap"],
      [4, "there"],
    ]);
    await until("the late segments", () => origin.late.length === 2);
    expect(origin.late).toEqual([2, 3]);
    expect(origin.objects.has("v720/seg-2.m4s"), "the object came with it").toBe(true);
    expect(origin.objects.has("v720/part-2.0.m4s"), "a late part is worth nothing").toBe(false);
    await until("an empty spool", () => spool.depth.items === 0);
  });

  it("when the encoder leaves is told of everything by the next process", { timeout: 30_000 }, async () => {
    const { origin, client, publisher, spool, folder } = await start();
    publisher.describe(INIT);
    await until("the description", () => origin.entries.length === 1);
    origin.mood = { objects: mood, timeline: mood };
    for (const msn of [1, 2, 3]) publisher.publish(both(msn));
    await publisher.drain(100);
    await spool.settled();
    expect(spool.depth.items).toBe(3);
    origin.mood = { objects: "well", timeline: "well" };
    const next = await Spool.open({ folder, origin: "o", limits: { bytes: 1e8, ageMs: 1e8 }, log: () => {} });
    const flusher = startFlusher({ spool: next, client, log: () => {} });
    ends.push(() => flusher.stop());
    await until("all segments", () => origin.late.length === 3);
    expect(origin.late).toEqual([1, 2, 3]);
  });
});

describe("a bucket that fails behind an origin that answers", () => {
  it("leaves gaps in the playlist in time, and is back with the first object it takes", async () => {
    const { origin, publisher, flush } = await start();
    flush();
    publisher.describe(INIT);
    await until("the description", () => origin.entries.length === 1);
    origin.mood = { objects: "failing", timeline: "well" };
    publisher.publish(both(1));
    publisher.publish(both(2));
    await until("the gaps", () => origin.segments.length === 2);
    expect(origin.segments).toEqual([
      [1, "gap"],
      [2, "gap"],
    ]);
    origin.mood = { objects: "well", timeline: "well" };
    publisher.publish(both(3));
    await until("the live edge", () => origin.segments.length === 3);
    expect(origin.segments.at(-1)).toEqual([3, "there"]);
    await until("the late segments", () => origin.late.length === 2);
  });

  it("from the first moment on holds back the tracks' description, then goes on at now", async () => {
    const { origin, publisher, flush } = await start();
    flush();
    origin.mood = { objects: "failing", timeline: "well" };
    publisher.describe(INIT);
    publisher.publish(both(1));
    await until("what waits to be late", () => publisher.waitingBytes <= 100);
    expect(origin.entries).toEqual([]);
    origin.mood = { objects: "well", timeline: "well" };
    publisher.publish(both(2));
    await until("the live edge", () => origin.segments.length === 2);
    expect(origin.entries[0]?.type).toBe("init");
    expect(origin.segments).toEqual([
      [1, "gap"],
      [2, "there"],
    ]);
    await until("the late segment", () => origin.late.length === 1);
  });
});

describe("the publisher", () => {
  it("does not storm an origin that is away", async () => {
    const { origin, publisher } = await start();
    publisher.describe(INIT);
    await until("the description", () => origin.entries.length === 1);
    origin.mood = { objects: "failing", timeline: "failing" };
    for (let msn = 1; msn <= 50; msn += 1) publisher.publish(both(msn));
    const before = origin.requests;
    await until("what waits to be late", () => publisher.waitingBytes === 0);
    // A hundred objects went out once; after that one asks at a time.
    expect(origin.requests - before).toBeLessThan(130);
  });

  it("lets go of the oldest parts when too much waits, and keeps its segments", async () => {
    const { origin, publisher, spool } = await start({ lateMs: 60_000, waitingBytes: 5_000 });
    publisher.describe(INIT);
    await until("the description", () => origin.entries.length === 1);
    origin.mood = { objects: "failing", timeline: "well" };
    for (let msn = 1; msn <= 20; msn += 1) publisher.publish(both(msn, 1000));
    await until("room", () => publisher.waitingBytes <= 5_000);
    await until("the gaps", () => origin.segments.length === 18);
    expect(spool.depth.items).toBeGreaterThanOrEqual(18);
    await publisher.drain(0);
  });

  it("keeps the segments of a session that was fenced, and says that it was", async () => {
    const { origin, publisher, refusals, flush } = await start();
    publisher.describe(INIT);
    await until("the description", () => origin.entries.length === 1);
    origin.mood = { objects: "well", timeline: "fenced" };
    publisher.publish(both(1));
    await until("the refusal", () => refusals.length === 1);
    expect(refusals[0]).toMatchObject({ name: "fenced", status: 409 });
    origin.mood = { objects: "well", timeline: "well" };
    flush();
    await until("the late segment", () => origin.late.length === 1);
  });

  it("keeps the segment whose objects were what origin refused", async () => {
    const { origin, publisher, refusals, flush } = await start({ spoolAfterMs: 5_000 });
    publisher.describe(INIT);
    await until("the description", () => origin.entries.length === 1);
    origin.mood = { objects: "fenced", timeline: "fenced" };
    publisher.publish(both(1));
    await until("the refusal", () => refusals.length === 1);
    origin.mood = { objects: "well", timeline: "well" };
    flush();
    await until("the late segment", () => origin.late.length === 1);
    expect(origin.objects.has("v720/seg-1.m4s")).toBe(true);
  });

  it("that dies while only the timeline is away leaves its segments to the next process", async () => {
    const { origin, client, publisher, spool, folder } = await start();
    publisher.describe(INIT);
    await until("the description", () => origin.entries.length === 1);
    origin.mood = { objects: "well", timeline: "hanging" };
    for (const msn of [1, 2]) publisher.publish(both(msn));
    await until("what only has to be told", () => spool.depth.items === 2);
    await spool.settled();
    // Killed here: nobody drains, nothing is released.
    origin.mood = { objects: "well", timeline: "well" };
    const next = await Spool.open({ folder, origin: "o", limits: { bytes: 1e8, ageMs: 1e8 }, log: () => {} });
    const flusher = startFlusher({ spool: next, client, log: () => {} });
    ends.push(() => flusher.stop());
    await until("all segments", () => origin.late.length === 2);
    expect(origin.late).toEqual([1, 2]);
    await publisher.drain(0);
  });

  it("ends a session that origin has not heard for an hour, with all its segments on disk", async () => {
    const { origin, publisher, refusals, spool } = await start({ waitingBytes: 1e9, spoolAfterMs: 60_000 });
    publisher.describe(INIT);
    await until("the description", () => origin.entries.length === 1);
    origin.mood = { objects: "refusing", timeline: "refusing" };
    publisher.publish(both(1, 1));
    for (let i = 0; i < 9_999; i += 1) publisher.publish([part(2, 1)]);
    expect(refusals).toEqual([]);
    publisher.publish([part(2, 1)]);
    expect(refusals).toMatchObject([{ name: "unreachable" }]);
    expect(spool.depth.items).toBe(1);
    await until("nothing in memory", () => publisher.waitingBytes === 0);
  });

  it("waits for an origin that is merely slow", async () => {
    const { origin, publisher, spool } = await start({ lateMs: 20_000, spoolAfterMs: 10_000 });
    origin.mood = { objects: "slow", timeline: "slow" };
    publisher.describe(INIT);
    for (let msn = 1; msn <= 5; msn += 1) publisher.publish(both(msn));
    await publisher.drain(20_000);
    expect(origin.segments).toEqual([1, 2, 3, 4, 5].map((msn) => [msn, "there"]));
    expect(spool.depth.items).toBe(0);
  });
});
