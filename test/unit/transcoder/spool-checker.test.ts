/** When what origin has is forgotten here, and what is sent again. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { fail, ok } from "../../../media/result.ts";
import type { OriginClient } from "../../../transcoder/origin-client.ts";
import { startChecker } from "../../../transcoder/spool-checker.ts";
import { HOLDER, objects, openSpool, segment } from "./spool-made.ts";

describe("the checker", () => {
  const QUICK = { firstDelayMs: 4, maxDelayMs: 8, attempts: Number.POSITIVE_INFINITY };
  type Missing = Awaited<ReturnType<OriginClient["missing"]>>;

  /** A spool with two stored segments, and an origin that answers one thing after the other; the last for ever. */
  async function ask(answers: ((now: number) => Missing)[]) {
    const { spool, logged } = await openSpool();
    const own = spool.session(HOLDER);
    for (const msn of [1, 2]) own.keep(segment(msn), objects(msn));
    await spool.settled();
    for (const msn of [1, 2]) own.discard(msn);
    let asked = 0;
    const checker = startChecker({
      spool,
      log: (event) => logged.push(event),
      policy: QUICK,
      client: {
        missing: async () => {
          const answer = answers[Math.min(asked, answers.length - 1)];
          asked += 1;
          return answer ? answer(Date.now() + 1) : fail({ name: "unreachable", detail: "" });
        },
      },
    });
    ends.push(() => checker.stop());
    return { spool, logged, asked: () => asked };
  }
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  const nothing = (checkedAt?: number) =>
    ok({ inits: [], segments: [], ...(checkedAt !== undefined && { checkedAt }) });

  it("waits until the broadcast was compared after the segments came, then forgets them", async () => {
    const { spool, asked } = await ask([
      () => fail({ name: "unreachable", detail: "" }),
      () => nothing(),
      () => nothing(1000),
      (now) => nothing(now),
    ]);
    await vi.waitFor(() => expect(spool.unchecked()).toEqual([]), 10_000);
    expect(asked()).toBe(4);
    expect(await spool.next()).toBeUndefined();
  });

  it("has sent again what is missing", async () => {
    const { spool, logged } = await ask([
      (now) => ok({ inits: [], segments: [{ msn: 2, renditions: ["v720"] }], checkedAt: now }),
    ]);
    await vi.waitFor(() => expect(spool.depth.items).toBe(1), 10_000);
    expect((await spool.next())?.segment?.msn).toBe(2);
    expect(logged).toContainEqual({ event: "spool-checked", session: HOLDER.session, missing: 1, again: 1 });
  });

  it("forgets what its lease no longer opens", async () => {
    const { spool } = await ask([() => fail({ name: "closed", status: 409, detail: "" })]);
    await vi.waitFor(() => expect(spool.unchecked()).toEqual([]), 10_000);
    expect(spool.depth.items).toBe(0);
  });
});
