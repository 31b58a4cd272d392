/** Lanes: one delivery at a time on each, in order; what comes meanwhile is joined; who does not take one is left out. */
import { describe, expect, it, vi } from "vitest";
import type { Branch, Delivery } from "../../../durable-objects/core/viewers/viewer-messages.ts";
import { joined, Lanes, nameOf } from "../../../durable-objects/viewers/lanes.ts";
import { LIVE_HISTORY } from "../../../wire/live-events.ts";

const delivery = (offset: number, ...passing: readonly string[]): Delivery => ({
  channel: "live:demo",
  position: { epoch: "e", offset },
  publications: [{ offset, data: `${offset}` }, ...passing.map((data) => ({ data }))],
});

/** Lanes to branches that answer when the test says so. */
function harness(names: readonly string[], deliveryMs = 10_000) {
  const got: [string, readonly string[]][] = [];
  const lost: string[] = [];
  const took: [string, number, readonly string[]][] = [];
  const answers = new Map<string, PromiseWithResolvers<readonly string[]>[]>();
  const lanes = new Lanes({
    deliver: (branch, { publications }) => {
      const answer = Promise.withResolvers<readonly string[]>();
      answers.set(nameOf(branch), [...(answers.get(nameOf(branch)) ?? []), answer]);
      got.push([nameOf(branch), publications.map(({ data }) => data)]);
      return answer.promise;
    },
    keepAlive: () => {},
    took: (branch, offset, lostBelow) => took.push([nameOf(branch), offset, lostBelow]),
    lost: (branch) => lost.push(nameOf(branch)),
    deliveryMs,
  });
  const branches: readonly Branch[] = names.map((shard) => ({ shard }));
  lanes.set(branches, () => undefined);
  const next = (name: string) => answers.get(name)?.shift();
  const of = (name: string) => got.filter(([to]) => to === name).map(([, data]) => data);
  return { lanes, lost, took, next, of, branches };
}

describe("lanes", () => {
  it("deliver what is said in one turn as one, and what comes meanwhile as the next", async () => {
    const { lanes, next, of, took } = harness(["a", "b"]);
    lanes.push(delivery(1));
    lanes.push(delivery(2));
    await vi.waitFor(() => expect(of("b")).toEqual([["1", "2"]]));
    for (let offset = 3; offset <= 5; offset += 1) lanes.push(delivery(offset, `count ${offset}`));
    next("a")?.resolve([]);
    await vi.waitFor(() =>
      expect(of("a")).toEqual([
        ["1", "2"],
        ["3", "4", "5", "count 5"],
      ]),
    );
    expect(of("b"), "the slow one waits for itself alone").toHaveLength(1);
    expect(took).toEqual([["a", 2, []]]);
    next("b")?.resolve(["below"]);
    await vi.waitFor(() => expect(took).toContainEqual(["b", 2, ["below"]]));
  });

  it("leave out who fails or is late, until it is there again with what it lacks", async () => {
    const { lanes, next, of, lost, branches } = harness(["fails", "late", "well"], 200);
    lanes.push(delivery(1));
    await vi.waitFor(() => expect(of("well")).toHaveLength(1));
    next("fails")?.reject(new Error("injected"));
    next("well")?.resolve([]);
    await vi.waitFor(() => expect(lost).toEqual(["fails", "late"]));
    lanes.push(delivery(2));
    await vi.waitFor(() => expect(of("well")).toEqual([["1"], ["2"]]));
    next("well")?.resolve([]);
    lanes.set(branches, (branch) => (nameOf(branch) === "fails" ? delivery(1) : undefined));
    lanes.push(delivery(3));
    await vi.waitFor(() => expect(of("fails")).toEqual([["1"], ["1", "3"]]));
    expect(of("late")).toEqual([["1"], ["3"]]);
  });

  it("say nothing to who is gone", async () => {
    const { lanes, next, of } = harness(["stays", "goes"]);
    lanes.push(delivery(1));
    await vi.waitFor(() => expect(of("goes")).toHaveLength(1));
    lanes.push(delivery(2));
    lanes.set([{ shard: "stays" }], () => undefined);
    next("goes")?.resolve([]);
    next("stays")?.resolve([]);
    await vi.waitFor(() => expect(of("stays")).toHaveLength(2));
    expect(of("goes")).toHaveLength(1);
  });

  it("are idle when everything was taken", async () => {
    const { lanes, next, of } = harness(["a"]);
    lanes.push(delivery(1));
    let isIdle = false;
    const idle = lanes.untilIdle().then(() => {
      isIdle = true;
    });
    await vi.waitFor(() => expect(of("a")).toHaveLength(1));
    expect(isIdle).toBe(false);
    next("a")?.resolve([]);
    await idle;
  });
});

it("a joined delivery is no longer than history, and has one count", () => {
  let all: Delivery | undefined;
  for (let offset = 1; offset <= LIVE_HISTORY + 5; offset += 1) all = joined(all, delivery(offset, "count"));
  expect(all?.publications).toHaveLength(LIVE_HISTORY + 1);
  expect(all?.publications[0]?.offset).toBe(6);
  expect(all?.publications.at(-1)).toEqual({ data: "count" });
  expect(all?.position.offset).toBe(LIVE_HISTORY + 5);
});

describe("who is to leave", () => {
  const leaving = (leave?: Delivery["leave"]): Delivery => ({ ...delivery(1), ...(leave && { leave }) });
  it.each([
    [undefined, undefined, undefined],
    ["unsigned", undefined, "unsigned"],
    [undefined, "unsigned", "unsigned"],
    ["all", "unsigned", "all"],
    ["unsigned", "all", "all"],
  ] as const)("%s and %s joined are %s", (before, next, both) => {
    expect(joined(leaving(before), leaving(next)).leave).toBe(both);
  });
});
