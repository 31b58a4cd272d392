/** Purges over HTTP: what is refused, what survives, and what is remembered. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { placeOf } from "../../wire/generations.ts";
import type { PurgeList } from "../../wire/purge.ts";
import { scopesOfPlaylist } from "../../wire/purge-prefix.ts";
import { ADMIN, origin } from "./encoder.ts";
import { knowledge, post, problemOf, purge, purges, rebind, show } from "./purges-object.ts";
import { FAILING, passTime } from "./stream-object.ts";

const DAY = 86_400_000;

describe("a purge", () => {
  const ALL_WORDS = "An empty prefix or / purges everything. Say all: true if that is meant.";
  it.each([
    [{}, "no-prefix", "Name at least one prefix to purge."],
    [{ prefixes: [] }, "no-prefix", "Name at least one prefix to purge."],
    [{ prefixes: [""] }, "purges-everything", ALL_WORDS],
    [{ prefixes: ["/"] }, "purges-everything", ALL_WORDS],
    [{ prefixes: ["/live/a/", "/"] }, "purges-everything", ALL_WORDS],
    [{ prefixes: ["/"], delete: true }, "purges-everything", ALL_WORDS],
    [{ prefixes: ["/live/a/", "//"] }, "bad-prefix", "A prefix was not understood."],
    [{ prefixes: ["/live/%2e%2e/"], all: true }, "bad-prefix", "A prefix was not understood."],
    [{ prefixes: ["/media/radio-01"] }, "bad-prefix", "A prefix was not understood."],
    [
      { prefixes: [], all: true, delete: true },
      "delete-everything",
      "Not everything can be removed at once. Name the streams to remove.",
    ],
    [
      { prefixes: ["/live/a/"], soft: true, delete: true },
      "soft-delete",
      "What is removed cannot be served while it is fetched again: soft or delete.",
    ],
    [
      { prefixes: ["/live/a/", "/live/a/v720/index.m3u8"], delete: true },
      "nothing-to-remove",
      "Playlists are drawn, not stored: there is nothing to remove.",
    ],
    [{ prefixes: "/" }, "malformed", "The body was not understood."],
    [{ prefixes: ["/live/a/"], al: true }, "malformed", "The body was not understood."],
    [{ prefixes: ["/live/a/"], all: "true" }, "malformed", "The body was not understood."],
    [
      { prefixes: Array.from({ length: 101 }, () => "/live/a/") },
      "malformed",
      "The body was not understood.",
    ],
    [{ prefixes: [`/live/${"a".repeat(600)}/`] }, "malformed", "The body was not understood."],
    ["/", "malformed", "The body was not understood."],
  ])("of %j is refused", async (body, name, title) => {
    const before = await purges().generations(0);
    expect(await problemOf(await post(body))).toMatchObject({ status: 400, name, title });
    expect(await purges().generations(0)).toEqual(before);
  });

  it("is told which prefix was not understood, and why", async () => {
    const refused = await post({ prefixes: ["/live/a/", "https://tv.example.com/live/b/"] });
    expect(await problemOf(refused)).toMatchObject({
      detail: "A prefix is a path, without scheme and host.",
      prefix: "https://tv.example.com/live/b/",
    });
  });

  it("needs the admin token", async () => {
    for (const headers of [{}, { authorization: "Bearer wrong" }]) {
      expect((await post({ prefixes: ["/live/a/"] }, headers)).status).toBe(401);
      expect((await origin("/purge", { headers })).status).toBe(401);
      expect((await origin("/purge/purge-1", { headers })).status).toBe(401);
    }
  });

  it("is done when it is answered, and outlives its object", async () => {
    const begun = (await knowledge()).get("/")?.number;
    const first = await purge({ prefixes: ["live/outlives", "/live/outlives/", "/live/other/v720/"] });
    expect(first).toMatchObject({ prefixes: ["/live/outlives/", "/live/other/v720/"], soft: false });
    expect(first.removal).toBeUndefined();
    expect(first.zone).toBeUndefined();
    await evictDurableObject(purges());
    expect(placeOf(await knowledge(), scopesOfPlaylist("outlives"))).toEqual({
      number: first.generation,
      before: begun,
      soft: false,
    });
    const since = (await purges().generations(0)).newest;
    // The clock steps back: numbers do not.
    passTime(-DAY);
    const second = await purge({ prefixes: ["/live/outlives/"], soft: true });
    expect(second.generation).toBe(since + 1);
    expect(await purges().generations(since)).toEqual({
      newest: second.generation,
      whole: false,
      changes: [["/live/outlives/", { number: since + 1, soft: true, before: first.generation }]],
    });
    expect(await purges().generations(second.generation)).toMatchObject({ whole: false, changes: [] });
    // Who has seen more than there is has seen what was lost.
    expect(await purges().generations(second.generation + 1)).toMatchObject({ whole: true });
    expect(await show(second.id)).toEqual(second);
  });

  it("of everything is one entry, whatever else is named", async () => {
    const before = (await purges().generations(0)).newest;
    const record = await purge({ prefixes: ["/live/a/", ""], all: true });
    expect(record.prefixes).toEqual(["/"]);
    expect((await purges().generations(before)).changes.map(([scope]) => scope)).toEqual(["/"]);
    await purge({ all: true, soft: true });
  });

  it("costs the same however much it names: a row an entry, and no look at the bucket", async () => {
    const back = await rebind({ MEDIA: FAILING, DB: FAILING });
    const since = (await purges().generations(0)).newest;
    await purge({ prefixes: ["/live/huge/"] });
    expect((await purges().generations(since)).changes).toHaveLength(1);
    await back();
  });

  it("is listed, newest first, and known by its id", async () => {
    const made = [];
    for (let i = 0; i < 52; i += 1) made.unshift((await purge({ prefixes: [`/live/listed-${i}/`] })).id);
    const { purges: listed } = await (await origin("/purge", { headers: ADMIN })).json<PurgeList>();
    expect(listed.map(({ id }) => id)).toEqual(made.slice(0, 50));
    for (const id of ["purge-1", "purge-", "x", "purge-99999999999999999999", "%00"]) {
      const answer = await origin(`/purge/${id}`, { headers: ADMIN });
      expect(await problemOf(answer)).toMatchObject({ status: 404, name: "unknown-purge" });
    }
  });

  it("folds when there are too many, and then everyone hears everything", async () => {
    await runInDurableObject(purges(), (_object, { storage }) => {
      for (let i = 0; i < 5_000; i += 1)
        storage.sql.exec(
          "INSERT INTO generation (scope, number, soft, before) VALUES (?, ?, 0, 0)",
          `/live/crowd/r${i}/`,
          Date.now() - 10_000_000 + i,
        );
    });
    const since = (await purges().generations(0)).newest;
    const { generation } = await purge({ prefixes: ["/live/crowd/v720/"] });
    const heard = await purges().generations(since);
    expect(heard).toMatchObject({ whole: true, newest: generation });
    expect(heard.changes.length).toBeLessThanOrEqual(4_100);
    expect(heard.changes.filter(([scope]) => scope === "/live/crowd/")).toHaveLength(1);
    expect(await purges().generations(generation)).toMatchObject({ whole: false, changes: [] });
  });
});
