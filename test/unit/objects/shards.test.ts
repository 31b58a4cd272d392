/** When shards are opened, drained and forgotten. */
import { describe, expect, it } from "vitest";
import {
  applyDecisions,
  decideShards,
  FORGOTTEN_MS,
  firstShard,
  fullShard,
  GROWN_MS,
  heard,
  parseShardName,
  SHARD_CAPACITY,
  type Shard,
  SILENT_MS,
  shardsInTree,
  shardsOffered,
} from "../../../durable-objects/core/viewers/shards.ts";

const NOW = Date.UTC(2026, 10, 21);

/** Shards of a region, numbered from 1, by their sockets; a negative number is a draining one's. */
const region = (sockets: readonly number[], name = "weur", lastHeardAt = NOW): readonly Shard[] =>
  sockets.map((count, index) => ({
    shard: `demo/${name}/${index + 1}`,
    region: name,
    number: index + 1,
    sockets: Math.abs(count),
    state: count < 0 || Object.is(count, -0) ? "draining" : "open",
    lastHeardAt,
  }));

describe("a region", () => {
  it.each([
    ["that is empty is left alone", [0], [], [], []],
    ["at 75 % is left alone", [3000], [], [], []],
    ["past 75 % gets another", [3001], [2], [], []],
    ["far past it gets as many as bring it to 60 %", [4000, 4000, 4000, 3900], [5, 6, 7], [], []],
    ["is measured as a whole", [4000, 100], [], [], []],
    ["is given the number that is free", [3900, 3900, -10], [3, 4], [], []],
    ["opens a draining one first", [2500, -1000], [2], [], []],
    ["whose others would be at 40 % is left alone", [1600, 0], [], [], []],
    ["whose others would be under 40 % drains the newest", [1599, 0], [], [2], []],
    ["drains the newest, not the emptiest", [0, 700, 800], [], [3], []],
    ["drains no more while one is draining", [100, 0, -200], [], [], []],
    ["drains one at a time", [9, 9, 9, 9, 9, 9, 9, 9, 9], [], [9], []],
    ["never drains its last", [1], [], [], []],
    ["loses a draining one that is empty, then drains the next", [100, 0, -0], [], [2], [3]],
    ["without sockets keeps one", [0, 0], [], [2], []],
  ] as const)("%s", (_name, sockets, open, drain, remove) => {
    const name = (number: number) => `demo/weur/${number}`;
    expect(decideShards(region(sockets), NOW)).toEqual({
      open: open.map((number) => ({ region: "weur", number })),
      drain: drain.map(name),
      remove: remove.map(name),
    });
  });

  it("is decided on by itself", () => {
    const shards = [...region([3999]), ...region([10, 10], "apac-ne"), ...region([0], "sam")];
    expect(decideShards(shards, NOW)).toEqual({
      open: [{ region: "weur", number: 2 }],
      drain: ["demo/apac-ne/2"],
      remove: [],
    });
  });

  it("has the capacity of the settings", () => {
    expect(decideShards(region([4]), NOW, 5).open).toEqual([{ region: "weur", number: 2 }]);
    expect(decideShards(region([3]), NOW, 5).open).toEqual([]);
  });

  it("comes to rest from whatever load: what is decided is not undone", () => {
    for (let sockets = 0; sockets <= 100_000; sockets += 977) {
      let shards: readonly Shard[] = region([Math.min(sockets, 4000)]);
      const total = (count: number) =>
        region(Array.from({ length: count }, () => Math.floor(sockets / count)));
      for (let round = 0; round < 60; round++) {
        const decisions = decideShards(shards, NOW);
        const next = applyDecisions(shards, decisions, "demo", NOW);
        // As if all sockets were new: spread over those that are open.
        shards = total(next.filter(({ state }) => state === "open").length);
      }
      expect(decideShards(shards, NOW)).toEqual({ open: [], drain: [], remove: [] });
      expect(Math.max(...shards.map((shard) => shard.sockets))).toBeLessThanOrEqual(0.75 * SHARD_CAPACITY);
    }
  });
});

describe("silence", () => {
  const silent = region([10, 10], "weur", NOW - SILENT_MS);

  it("takes a shard out of the tree until its report", () => {
    expect(shardsInTree(region([10, 10], "weur", NOW - SILENT_MS + 1), NOW)).toHaveLength(2);
    expect(shardsInTree(silent, NOW)).toEqual([]);
    const back = silent.map((shard) => heard(shard, { shard: shard.shard, sockets: 9 }, NOW) ?? shard);
    expect(shardsInTree(back, NOW)).toEqual(["demo/weur/1", "demo/weur/2"]);
  });

  it("stops drains, for nobody knows how many sockets there are", () => {
    const [one, two] = region([10, 10]);
    const mixed = [...(one ? [one] : []), ...(two ? [{ ...two, lastHeardAt: NOW - SILENT_MS }] : [])];
    expect(decideShards(mixed, NOW).drain).toEqual([]);
    expect(decideShards(region([10, 10]), NOW).drain).toEqual(["demo/weur/2"]);
  });

  it("is no matter in a region that grew a minute ago: it keeps what it got", () => {
    const grown = region([100, 0]).map((shard) => ({ ...shard, openedAt: NOW - GROWN_MS + 1 }));
    expect(decideShards(grown, NOW).drain).toEqual([]);
    expect(decideShards(grown, NOW + 1).drain).toEqual(["demo/weur/2"]);
  });

  it("of five minutes is the end of a shard", () => {
    const before = region([10, -10], "weur", NOW - FORGOTTEN_MS + 1);
    expect(decideShards(before, NOW).remove).toEqual([]);
    const after = region([10, -10], "weur", NOW - FORGOTTEN_MS);
    expect(decideShards(after, NOW)).toEqual({ open: [], drain: [], remove: ["demo/weur/1", "demo/weur/2"] });
  });
});

describe("the tree", () => {
  it("reaches draining shards too, and none that holds nobody", () => {
    const shards = [...region([5, -5, 0]), ...region([7], "apac-ne")];
    expect(shardsInTree(shards, NOW)).toEqual(["demo/apac-ne/1", "demo/weur/1", "demo/weur/2"]);
  });
});

describe("viewers are offered", () => {
  it.each([
    ["shards with room", [3399, 3400, 0], [1, 3]],
    ["full ones when there is nothing else", [4000, 3900], [1, 2]],
    ["no draining one", [10, -10], [1]],
    ["nothing where all are draining", [-10], undefined],
  ] as const)("%s", (_name, sockets, offered) => {
    const names = offered?.map((number) => `demo/weur/${number}`);
    expect(shardsOffered(region(sockets), NOW)).toEqual(names === undefined ? {} : { weur: names });
  });

  it("a silent shard, whatever it held", () => {
    expect(shardsOffered([...region([4000], "weur", NOW - SILENT_MS)], NOW)).toEqual({
      weur: ["demo/weur/1"],
    });
  });
});

describe("a shard that is full", () => {
  it("is not offered for a second, and nothing is opened while another has room", () => {
    const { shards, open } = fullShard(region([100, 100]), "demo/weur/1", NOW);
    expect(open).toEqual([]);
    expect(shardsOffered(shards, NOW)).toEqual({ weur: ["demo/weur/2"] });
    expect(shardsOffered(shards, NOW + 999)).toEqual({ weur: ["demo/weur/2"] });
    expect(shardsOffered(shards, NOW + 1000)).toEqual({ weur: ["demo/weur/1", "demo/weur/2"] });
  });

  it("stays so through its reports, and is heard all the same", () => {
    const { shards } = fullShard(region([100, 100]), "demo/weur/1", NOW);
    const known = shards.find(({ shard }) => shard === "demo/weur/1");
    const back = heard(known, { shard: "demo/weur/1", sockets: 90 }, NOW + 1);
    expect(back).toMatchObject({ sockets: 90, lastHeardAt: NOW + 1 });
    const others = shards.filter((shard) => shard !== known);
    expect(shardsOffered([...others, ...(back ? [back] : [])], NOW + 1)).toEqual({ weur: ["demo/weur/2"] });
  });

  it.each([
    ["one, when it was known to be full", [3900], [2]],
    ["twice as many as there are, when a crowd outruns the reports", [100, 100], [3, 4, 5, 6]],
    ["not more than eight at once", Array.from({ length: 20 }, () => 0), [21, 22, 23, 24, 25, 26, 27, 28]],
  ] as const)("has others beside it when none has room: %s", (_name, sockets, opens) => {
    const all = region(sockets);
    let shards = all;
    let open: readonly { readonly number: number }[] = [];
    for (const { shard } of all) {
      expect(open).toEqual([]);
      ({ shards, open } = fullShard(shards, shard, NOW));
    }
    expect(open.map(({ number }) => number)).toEqual(opens);
    const decisions = { open: open.map(({ number }) => ({ region: "weur", number })), drain: [], remove: [] };
    const after = applyDecisions(shards, decisions, "demo", NOW);
    expect(shardsOffered(after, NOW)).toEqual({ weur: opens.map((number) => `demo/weur/${number}`) });
    // A thousand edges say so at once.
    expect(fullShard(after, "demo/weur/1", NOW).open).toEqual([]);
  });

  it.each(["", "demo", "demo/weur/x"])("is nothing when it is no shard's name: %j", (name) => {
    const shards = region([4000]);
    expect(fullShard(shards, name, NOW)).toEqual({ shards, open: [] });
  });
});

describe("decisions done", () => {
  it("open, drain and forget", () => {
    const shards = region([10, -10, 20, 30]);
    const decisions = {
      open: [
        { region: "weur", number: 2 },
        { region: "sam", number: 1 },
      ],
      drain: ["demo/weur/3"],
      remove: ["demo/weur/4"],
    };
    const after = applyDecisions(shards, decisions, "demo", NOW + 5);
    expect(after.map(({ shard, state, sockets }) => [shard, state, sockets])).toEqual([
      ["demo/weur/1", "open", 10],
      ["demo/weur/2", "open", 10],
      ["demo/weur/3", "draining", 20],
      ["demo/sam/1", "open", 0],
    ]);
    expect(after.at(-1)?.lastHeardAt).toBe(NOW + 5);
  });

  it("give a region its first shard once", () => {
    const open = firstShard([], "weur");
    expect(open).toEqual([{ region: "weur", number: 1 }]);
    const after = applyDecisions([], { open, drain: [], remove: [] }, "demo", NOW);
    expect(firstShard(after, "weur")).toEqual([]);
    expect(firstShard(after, "sam")).toEqual([{ region: "sam", number: 1 }]);
    // One that drains takes nobody, so it is opened again.
    expect(firstShard(region([-5]), "weur")).toEqual([{ region: "weur", number: 1 }]);
  });
});

describe("a report", () => {
  it("of a shard that nobody knows opens it", () => {
    expect(heard(undefined, { shard: "demo/weur/7", sockets: 12 }, NOW)).toEqual({
      shard: "demo/weur/7",
      region: "weur",
      number: 7,
      sockets: 12,
      state: "open",
      lastHeardAt: NOW,
    });
    expect(heard(undefined, { shard: "demo", sockets: 12 }, NOW)).toBeUndefined();
  });

  it("leaves a draining shard draining", () => {
    const [known] = region([-40]);
    expect(heard(known, { shard: "demo/weur/1", sockets: 30 }, NOW + 1)).toMatchObject({
      state: "draining",
      sockets: 30,
      lastHeardAt: NOW + 1,
    });
  });
});

it.each([
  ["demo/weur/1", { stream: "demo", region: "weur", number: 1 }],
  ["demo/apac-ne/120", { stream: "demo", region: "apac-ne", number: 120 }],
  ["demo/weur/0", undefined],
  ["demo/weur/01", undefined],
  ["demo/weur", undefined],
  ["demo//1", undefined],
  ["a/b/c/1", undefined],
] as const)("reads the name %s", (name, parsed) => {
  expect(parseShardName(name)).toEqual(parsed);
});
