/** A second encoder behind a first, over the ingest API: it waits, it watches, it takes over. */
import { describe, expect, it, vi } from "vitest";
import { STANDBY_SILENCE_MS, STANDBY_WATCH_MS } from "../../durable-objects/core/live.ts";
import type { SessionGrant } from "../../wire/ingest.ts";
import { ADMIN, createStream, Encoder, fresh, json, origin, SOURCE, textOf } from "./encoder.ts";

const ask = (key: string, more: Record<string, unknown> = {}) =>
  origin("/ingest/sessions", json("POST", { key, backup: true, claimId: "0123456789abcdef", ...more }));

const stats = async (encoder: Encoder, body: Record<string, unknown>) => {
  const answer = await origin(`/ingest/${encoder.grant.session}/stats`, json("POST", body, encoder.auth));
  expect(answer.status).toBe(200);
  return answer.json();
};

describe("a second encoder", () => {
  it("waits behind the first, which is told to say often how it does", async () => {
    const key = await createStream("standby-waits");
    const first = await Encoder.open(key);
    await first.pushSegment();
    expect(await stats(first, { silentSeconds: 0 })).toEqual({ standby: false });
    const answer = await ask(key);
    expect(answer.status).toBe(202);
    expect(await answer.json()).toEqual({ standby: { stream: "standby-waits" } });
    expect(await stats(first, { silentSeconds: 0 })).toEqual({ standby: true });
    await first.pushSegment();
  });

  it("gets a plan to encode by when the stream wants it warm, and says what it sends", async () => {
    const key = await createStream("standby-warm", { standby: "warm" });
    const first = await Encoder.open(key);
    await first.pushSegment();
    expect(await (await ask(key)).json()).toEqual({ standby: { stream: "standby-warm" } });
    const waiting = await (await ask(key, { source: SOURCE })).json<{ standby: { plan?: object } }>();
    expect(waiting.standby.plan).toMatchObject({
      renditions: first.plan.renditions,
      partTarget: first.plan.partTarget,
    });
  });

  it("is refused where the stream wants none", async () => {
    const key = await createStream("standby-off", { standby: "off" });
    await Encoder.open(key);
    const answer = await ask(key);
    expect(answer.status).toBe(409);
    await answer.body?.cancel();
  });

  it("takes over when the first falls silent, and the first then stands by; viewers see a discontinuity", {
    timeout: 20_000,
  }, async () => {
    const key = await createStream("standby-takes-over");
    const first = await Encoder.open(key);
    await first.pushSegment();
    await first.pushPart();
    const since = Date.now();
    const silentSince = Date.now() + STANDBY_WATCH_MS - STANDBY_SILENCE_MS;
    let granted: SessionGrant | undefined;
    // The transcoder of the first goes on saying that its encoder is silent.
    await vi.waitFor(
      async () => {
        await stats(first, { silentSeconds: Math.max(0, (Date.now() - silentSince) / 1000) });
        const answer = await ask(key, { source: SOURCE });
        granted = answer.status === 201 ? await answer.json<SessionGrant>() : undefined;
        if (!granted) await answer.body?.cancel();
        expect(granted).toBeDefined();
      },
      { timeout: 15_000, interval: 200 },
    );
    expect(Date.now() - since).toBeGreaterThanOrEqual(STANDBY_WATCH_MS);
    expect(granted?.broadcast).toBe(first.grant.broadcast);
    expect(granted?.session).toMatch(/\.2$/);
    const late = await first.append([first.nextPart()]);
    expect(late.status, "the first is fenced").toBe(409);
    await late.body?.cancel();
    const again = await origin("/ingest/sessions", json("POST", { key }));
    expect(again.status, "and may wait in its turn").toBe(202);
    await again.body?.cancel();
    if (!granted) throw new Error("it was granted above");
    const second = await Encoder.begin(granted);
    await second.pushSegment();
    expect(await textOf(fresh("/live/standby-takes-over/v720/index.m3u8"))).toContain(
      "#EXT-X-DISCONTINUITY\n",
    );
  });

  it("does not take four seconds between two segments for silence", async () => {
    const key = await createStream("standby-patient", { profile: "standard" });
    const first = await Encoder.open(key);
    for (let i = 0; i < 4; i += 1) {
      await stats(first, { silentSeconds: 0 });
      const answer = await ask(key);
      expect(answer.status).toBe(202);
      await answer.body?.cancel();
    }
  });

  it("is not seen by those who ask how the stream does", async () => {
    const key = await createStream("standby-unseen");
    const first = await Encoder.open(key);
    await first.pushSegment();
    await (await ask(key)).body?.cancel();
    const health = await origin("/admin/streams/standby-unseen/health", { headers: ADMIN });
    expect(await health.json()).toMatchObject({ state: "live" });
  });
});
