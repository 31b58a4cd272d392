/**
 * The outbox of webhooks in workerd: on the storage of a real LiveStream, with D1 and a made-up clock.
 * What goes over a wire is tested in test/unit/objects/webhook-post.test.ts.
 */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SILENCE_MS } from "../../durable-objects/core/live.ts";
import { removeWebhook } from "../../durable-objects/webhooks/webhook-endpoints.ts";
import { WebhookOutbox } from "../../durable-objects/webhooks/webhook-outbox.ts";
import { newSecret } from "../../durable-objects/webhooks/webhook-post.ts";
import { MAX_EVENTS } from "../../durable-objects/webhooks/webhook-queue.ts";
import { type Bench, type Got, isSigned, listed, liveOf, onStream, webhook } from "./webhook-bench.ts";

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** A whole show: started, interrupted, resumed, ended. */
function noteShow({ outbox, now }: Bench, stream: string): void {
  const live = liveOf(stream, now);
  outbox.note(live, now);
  outbox.note(live, now + SILENCE_MS);
  const session = { ...live.session, lastHeardAt: now + 12 * SECOND };
  outbox.note({ ...live, session }, now + 12 * SECOND);
  outbox.note({ ...live, session, endedAt: now + 20 * SECOND }, now + 20 * SECOND);
}
const SHOW = ["started", "interrupted", "resumed", "ended"];

const names = (got: readonly Got[]) => got.map(({ event }) => event.type.replace("broadcast.", ""));
const ids = (got: readonly Got[]) => got.map(({ headers }) => headers.get("webhook-id"));
/** Rows that the outbox keeps, all tables together. */
const rowsOf = (storage: DurableObjectStorage): number =>
  ["webhook_event", "webhook_delivery"]
    .map((name) => storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${name}`).one().n)
    .reduce((sum, n) => sum + n, 0);

beforeEach(() => env.DB.exec("DELETE FROM webhooks"));
afterEach(() => vi.restoreAllMocks());

describe("the outbox", () => {
  it("tells a show in order, signed, once, and keeps nothing of it", () =>
    onStream("hook-show", async (bench) => {
      const { id, secret } = await webhook();
      noteShow(bench, "hook-show");
      bench.now += 30 * SECOND;
      expect(bench.outbox.dueAt()).toBeLessThanOrEqual(bench.now);
      expect(await bench.outbox.deliver()).toBeUndefined();
      expect(names(bench.got)).toEqual(SHOW);
      expect(new Set(ids(bench.got)).size).toBe(4);
      expect(bench.got.map(({ event }) => event.data.sequence)).toEqual([1, 2, 3, 4]);
      for (const got of bench.got) {
        expect(await isSigned(got, secret)).toBe(true);
        expect(await isSigned(got, newSecret())).toBe(false);
        expect(got.headers.get("webhook-timestamp")).toBe(String(bench.now / SECOND));
      }
      expect(rowsOf(bench.storage)).toBe(0);
      expect(await listed(id)).toMatchObject({ lastSuccessAt: new Date(bench.now).toISOString(), lost: 0 });
      expect(await listed(id)).not.toHaveProperty("lastFailure");
    }));

  it("tells nothing twice: noted twice, delivered twice at once, delivered again after a restart", () =>
    onStream("hook-twice", async (bench) => {
      await webhook();
      noteShow(bench, "hook-twice");
      const ended = { ...liveOf("hook-twice", bench.now), endedAt: bench.now + 20 * SECOND };
      expect(bench.outbox.note(ended, bench.now + 20 * SECOND)).toBe(false);
      expect(bench.restarted().note(ended, bench.now + 21 * SECOND)).toBe(false);
      const release = Promise.withResolvers<void>();
      bench.answer = async () => {
        await release.promise;
        return new Response(null, { status: 204 });
      };
      const runs = [bench.outbox.deliver(), bench.outbox.deliver(), bench.outbox.deliver()];
      await vi.waitFor(() => expect(bench.got.length).toBe(1));
      // Long enough for another run to have read the list and to have begun as well.
      for (let i = 0; i < 5; i += 1) await listed("nobody");
      expect(bench.outbox.dueAt(), "no alarm now for what is being done").toBe(bench.now + 60 * SECOND);
      release.resolve();
      expect(await Promise.all(runs)).toEqual([undefined, undefined, undefined]);
      await bench.outbox.deliver();
      await bench.restarted().deliver();
      expect(names(bench.got)).toEqual(SHOW);
    }));

  it("delivers what was noted before a restart", () =>
    onStream("hook-restart", async (bench) => {
      await webhook();
      noteShow(bench, "hook-restart");
      await bench.restarted().deliver();
      expect(names(bench.got)).toEqual(SHOW);
    }));

  it("delivers what is noted while it delivers", () =>
    onStream("hook-meanwhile", async (bench) => {
      await webhook();
      const live = liveOf("hook-meanwhile", bench.now);
      bench.outbox.note(live, bench.now);
      bench.answer = ({ event }) => {
        if (event.type === "broadcast.started") bench.outbox.note(live, bench.now + SILENCE_MS);
        return new Response(null, { status: 204 });
      };
      expect(await bench.outbox.deliver()).toBeUndefined();
      expect(names(bench.got)).toEqual(["started", "interrupted"]);
    }));

  it("tries again with the same id, and lets nothing overtake", () =>
    onStream("hook-retries", async (bench) => {
      const { id, secret } = await webhook();
      noteShow(bench, "hook-retries");
      let refusals = 2;
      bench.answer = () => new Response("busy", { status: refusals-- > 0 ? 503 : 200 });
      const began = bench.now;
      expect(await bench.outbox.deliver()).toBe(began + 5 * SECOND);
      expect(await bench.outbox.deliver(), "not before it is due").toBe(began + 5 * SECOND);
      expect(bench.got.length).toBe(1);
      expect(await listed(id)).toMatchObject({ lastFailure: { words: "broadcast.started: answered 503" } });
      bench.now += 5 * SECOND;
      expect(await bench.outbox.deliver()).toBe(bench.now + 20 * SECOND);
      bench.now += 20 * SECOND;
      expect(await bench.restarted().deliver()).toBeUndefined();
      expect(names(bench.got)).toEqual(["started", "started", ...SHOW]);
      expect(new Set(ids(bench.got.slice(0, 3))).size).toBe(1);
      expect(new Set(bench.got.slice(0, 3).map(({ body }) => body)).size).toBe(1);
      // The time of the attempt is signed anew.
      expect(bench.got[2]?.headers.get("webhook-timestamp")).toBe(String(bench.now / SECOND));
      for (const got of bench.got) expect(await isSigned(got, secret)).toBe(true);
    }));

  it.each<readonly [string, () => Response | Promise<Response>, string]>([
    [
      "that redirects",
      () => new Response(null, { status: 302, headers: { location: "/x" } }),
      "answered 302",
    ],
    ["that refuses", () => new Response("no", { status: 400 }), "answered 400"],
    ["that is not there", () => Promise.reject(new Error("no such host")), "not reached (no such host)"],
  ])("takes a receiver %s for a failure", (what, answer, words) =>
    onStream(`hook-fails-${what.length}`, async (bench) => {
      const { id } = await webhook();
      bench.answer = answer;
      bench.outbox.note(liveOf("hook-fails", bench.now), bench.now);
      expect(await bench.outbox.deliver()).toBe(bench.now + 5 * SECOND);
      expect((await listed(id))?.lastFailure?.words).toContain(words);
    }),
  );

  it("does not let one receiver hold up another", () =>
    onStream("hook-two", async (bench) => {
      await webhook({ url: "https://dead.test/" });
      await webhook({ url: "https://good.test/" });
      bench.answer = ({ url }) => new Response(null, { status: url.includes("dead") ? 500 : 200 });
      noteShow(bench, "hook-two");
      await bench.outbox.deliver();
      expect(names(bench.got.filter(({ url }) => url.includes("good")))).toEqual(SHOW);
      expect(names(bench.got.filter(({ url }) => url.includes("dead")))).toEqual(["started"]);
    }));

  it("tries sooner when there is something new to say, but not sooner than it is asked to", () =>
    onStream("hook-eager", async (bench) => {
      await webhook();
      let header: Record<string, string> = {};
      bench.answer = () => new Response(null, { status: 503, headers: header });
      const live = liveOf("hook-eager", bench.now);
      bench.outbox.note(live, bench.now);
      for (let failures = 0; failures < 6; failures += 1) {
        bench.now = (await bench.outbox.deliver()) ?? 0;
      }
      const last = bench.now - HOUR;
      bench.now = last + 10 * 60 * SECOND;
      bench.outbox.note(live, bench.now);
      const before = bench.got.length;
      header = { "retry-after": "7200" };
      expect(await bench.outbox.deliver()).toBeGreaterThan(bench.now + 2 * HOUR);
      expect(bench.got.length).toBe(before + 1);
      bench.outbox.note({ ...live, endedAt: bench.now }, bench.now);
      expect(await bench.outbox.deliver()).toBe(bench.now + 2 * HOUR);
      expect(bench.got.length).toBe(before + 1);
    }));

  it("gives up after a day, says so, and is ready for the next show", () =>
    onStream("hook-dead", async (bench) => {
      vi.spyOn(console, "error").mockImplementation(() => {});
      const { id } = await webhook();
      bench.answer = () => new Response(null, { status: 500 });
      const began = bench.now;
      noteShow(bench, "hook-dead");
      for (let due = bench.outbox.dueAt(); due !== undefined; due = await bench.outbox.deliver()) {
        bench.now = Math.max(bench.now, due);
        expect(bench.now - began).toBeLessThan(25 * HOUR);
      }
      expect(bench.now - began).toBeGreaterThan(17 * HOUR);
      expect(bench.got.length).toBeLessThan(15);
      expect(new Set(names(bench.got))).toEqual(new Set(["started"]));
      expect(rowsOf(bench.storage)).toBe(0);
      expect(await listed(id)).toMatchObject({
        lost: 4,
        lastFailure: { words: "broadcast.started: answered 500; given up" },
      });

      bench.now += 2 * HOUR;
      bench.outbox.note({ ...liveOf("hook-dead", bench.now), broadcast: "hook-dead-y" }, bench.now);
      expect(await bench.outbox.deliver(), "tried at once, and patience begins afresh").toBe(
        bench.now + 5 * SECOND,
      );
      bench.now += 5 * SECOND;
      bench.answer = () => new Response(null, { status: 200 });
      expect(await bench.outbox.deliver()).toBeUndefined();
      expect(bench.got.at(-1)?.event.data.broadcast).toBe("hook-dead-y");
      expect(await listed(id)).toMatchObject({ lost: 4 });
    }));

  it("does not run for longer than an alarm may, and goes on in the next one", () =>
    onStream("hook-slow", async (bench) => {
      await webhook();
      bench.answer = () => {
        bench.now += 9 * SECOND;
        return new Response(null, { status: 200 });
      };
      const live = liveOf("hook-slow", bench.now);
      for (let i = 0; i < 4; i += 1) {
        bench.outbox.note(live, live.startedAt);
        bench.outbox.note({ ...live, session: { ...live.session, closedAt: bench.now } }, live.startedAt);
      }
      expect(await bench.outbox.deliver()).toBeLessThanOrEqual(bench.now);
      expect(bench.got.length).toBe(4);
      expect(await bench.outbox.deliver()).toBeUndefined();
      expect(bench.got.map(({ event }) => event.data.sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    }));

  it("gives a receiver that is silent up, and tries again", () =>
    onStream("hook-silent", async (bench) => {
      const { id } = await webhook();
      bench.answer = ({ signal }) =>
        new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
      bench.outbox.note(liveOf("hook-silent", bench.now), bench.now);
      expect(await bench.outbox.deliver()).toBe(bench.now + 5 * SECOND);
      expect((await listed(id))?.lastFailure?.words).toBe("broadcast.started: no answer within 0.2 s");
    }));

  it("sends nothing more to a receiver that says it is gone", () =>
    onStream("hook-gone", async (bench) => {
      const { id } = await webhook();
      bench.answer = () => new Response(null, { status: 410 });
      noteShow(bench, "hook-gone");
      bench.now = (await bench.outbox.deliver()) ?? 0;
      expect(await bench.outbox.deliver()).toBeUndefined();
      expect(bench.got.length).toBe(1);
      expect(rowsOf(bench.storage)).toBe(0);
      expect((await listed(id))?.disabledAt).toBeDefined();
    }));

  it("sends nothing more to one that was removed", () =>
    onStream("hook-removed", async (bench) => {
      const { id } = await webhook();
      bench.answer = () => new Response(null, { status: 500 });
      noteShow(bench, "hook-removed");
      bench.now = (await bench.outbox.deliver()) ?? 0;
      await removeWebhook(env.DB, id);
      expect(await bench.outbox.deliver()).toBeUndefined();
      expect(bench.got.length).toBe(1);
      expect(rowsOf(bench.storage)).toBe(0);
    }));

  it("sends each what it asked for", () =>
    onStream("hook-filters", async (bench) => {
      await webhook({ url: "https://all.test/" });
      await webhook({ url: "https://ends.test/", events: ["broadcast.ended", "broadcast.failed"] });
      await webhook({ url: "https://other.test/", streams: ["another"] });
      await webhook({ url: "https://mine.test/", streams: ["hook-filters"], events: ["broadcast.started"] });
      noteShow(bench, "hook-filters");
      await bench.outbox.deliver();
      const by = Object.groupBy(bench.got, ({ url }) => url);
      expect(Object.fromEntries(Object.entries(by).map(([url, got]) => [url, names(got ?? [])]))).toEqual({
        "https://all.test/": SHOW,
        "https://ends.test/": ["ended"],
        "https://mine.test/": ["started"],
      });
    }));

  it("keeps nothing when nobody wants to know", () =>
    onStream("hook-nobody", async (bench) => {
      noteShow(bench, "hook-nobody");
      expect(await bench.outbox.deliver()).toBeUndefined();
      expect(rowsOf(bench.storage)).toBe(0);
    }));

  it("is bounded: the oldest events give way, and who missed them is told how many", () =>
    onStream("hook-bounded", async (bench) => {
      vi.spyOn(console, "error").mockImplementation(() => {});
      const { id } = await webhook();
      bench.answer = () => new Response(null, { status: 500 });
      const live = liveOf("hook-bounded", bench.now);
      bench.outbox.note(live, bench.now);
      await bench.outbox.deliver();
      for (let i = 0; i < MAX_EVENTS; i += 1) {
        bench.outbox.note({ ...live, session: { ...live.session, closedAt: bench.now } }, bench.now);
        bench.outbox.note(live, bench.now);
      }
      const events = () =>
        bench.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM webhook_event").one().n;
      expect(events()).toBe(MAX_EVENTS);
      bench.answer = () => new Response(null, { status: 200 });
      bench.now += 61 * SECOND;
      await bench.outbox.deliver();
      expect(bench.got.at(1)?.event.data.sequence).toBe(MAX_EVENTS + 2);
      expect(bench.got.at(-1)?.event.data.sequence).toBe(2 * MAX_EVENTS + 1);
      expect(await listed(id)).toMatchObject({ lost: 1 });
    }));

  it("waits for D1, and loses nothing by it", () =>
    onStream("hook-d1", async (bench) => {
      vi.spyOn(console, "error").mockImplementation(() => {});
      await webhook();
      const broken = new Proxy(env.DB, {
        get: () => () => {
          throw new Error("injected");
        },
      });
      const ports = { fetch: () => Promise.reject(new Error("not to be called")), now: () => bench.now };
      const outbox = new WebhookOutbox(bench.storage, broken, ports);
      noteShow(bench, "hook-d1");
      expect(await outbox.deliver()).toBe(bench.now + 10 * SECOND);
      expect(outbox.dueAt()).toBe(bench.now + 10 * SECOND);
      expect(await bench.restarted().deliver()).toBeUndefined();
      expect(names(bench.got)).toEqual(SHOW);
    }));

  it("stores nothing for a stream that was only asked about", () =>
    onStream("hook-asked", async ({ outbox, storage }) => {
      expect(outbox.dueAt()).toBeUndefined();
      expect(await outbox.deliver()).toBeUndefined();
      const tables = storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'webhook%'").toArray();
      expect(tables).toEqual([]);
    }));
});
