/** The cutter on synthetic tracks: late ones, missing ones, odd keyframes, odd clocks. */
import { describe, expect, it } from "vitest";
import { Cutter } from "../../../transcoder/cmaf/cutter.ts";
import { readMoof } from "../../../transcoder/cmaf/moof.ts";
import { audio, evenFrames, frames, initOf, parts, plan, problems, run, segments, video } from "./tracks.ts";

const main = (seconds: number, gop = 60) => ({
  timescale: 90_000,
  frames: evenFrames(90_000, 30, seconds * 30, gop),
});
const sound = (seconds: number, start = 0) => ({
  timescale: 48_000,
  frames: evenFrames(48_000, 46.875, Math.floor((seconds - start) * 46.875), 1, start),
});
const round = (n: number) => Math.round(n * 1e4) / 1e4;

describe("an even session", () => {
  const made = run(plan({ nextMsn: 40 }), { v720: main(6), v360: main(6), audio: sound(6) });

  it("says what its tracks are before anything else", () => {
    expect(made[0]?.cut).toMatchObject({ type: "init", missing: [] });
    expect(made.filter(({ cut }) => cut.type === "init").length).toBe(1);
  });

  it("cuts parts and segments in order, the segment right behind its last part", () => {
    const order = made.flatMap(({ cut }) =>
      cut.type === "part" ? [`${cut.msn}.${cut.part}`] : cut.type === "segment" ? [`${cut.msn}`] : [],
    );
    expect(order.slice(0, 6)).toEqual(["40.0", "40.1", "40.2", "40.3", "40", "41.0"]);
    expect(order.at(-1)).toBe("42");
  });

  it("gives all tracks the same nominal times", () => {
    expect(parts(made).map(({ duration }) => duration)).toEqual(Array(12).fill(0.5));
    expect(segments(made).map(({ startSeconds }) => startSeconds)).toEqual([0, 2, 4]);
    for (const { tracks } of parts(made)) expect([...tracks.keys()]).toEqual(["v720", "v360", "audio"]);
  });

  it("makes segments of the same chunks as their parts, not of copies", () => {
    const [first] = segments(made);
    const chunks = parts(made)
      .slice(0, 4)
      .flatMap(({ tracks }) => tracks.get("v720")?.chunks ?? []);
    expect(first?.tracks.get("v720")?.chunks.length).toBe(chunks.length);
    for (const [i, chunk] of (first?.tracks.get("v720")?.chunks ?? []).entries())
      expect(chunk).toBe(chunks[i]);
  });

  it("marks parts that hold a keyframe", () => {
    expect(parts(made).map(({ tracks }) => tracks.get("v360")?.independent)).toEqual(
      Array.from({ length: 12 }, (_, i) => i % 4 === 0),
    );
    expect(parts(made).every(({ tracks }) => tracks.get("audio")?.independent)).toBe(true);
  });

  it("emits a part with the very frame that shows it to be complete", () => {
    const first = made.find(({ cut }) => cut.type === "part");
    // Sixteen frames: the fifteen of the part, and the one that would make it too long.
    expect(first?.at).toBeCloseTo(16 / 30, 2);
  });
});

describe("hints", () => {
  it.each(["low", "no even fit"])("are known when a part closes: %s", (kind) => {
    const lead = kind === "low" ? main(8) : { timescale: 90_000, frames: evenFrames(90_000, 25, 200, 37) };
    const cutter = new Cutter(plan({ renditions: [video("v720")], targetDuration: 4 }));
    cutter.describe("v720", initOf("video", lead.timescale));
    const batches = lead.frames.map((frame) => cutter.push("v720", frame));
    // A segment that ended only after its last part was out would have had a part hinted that never came.
    for (const batch of batches) {
      const at = batch.findIndex((cut) => cut.type === "segment");
      if (at === -1) continue;
      const [part, segment] = [batch[at - 1], batch[at]];
      expect(part).toMatchObject({ type: "part", msn: segment?.type === "segment" ? segment.msn : -1 });
    }
    expect(batches.flat().filter((cut) => cut.type === "segment").length).toBeGreaterThan(1);
  });
});

describe("tracks that differ from the lead", () => {
  it.each([
    [90_000, 30, 60],
    [15_360, 30, 60],
    [1000, 30, 60],
    [30_000, 30, 60],
  ])("cuts a follower with timescale %i at the same instants", (timescale, rate, gop) => {
    const made = run(plan(), {
      v720: main(6),
      v360: { timescale, frames: evenFrames(timescale, rate, rate * 6, gop) },
      audio: sound(6),
    });
    expect(segments(made).length).toBe(3);
    for (const { tracks } of segments(made)) {
      // 60 frames in 5 fragments of head and frames: none lost, none doubled, the first alone.
      expect(tracks.get("v360")?.chunks.length).toBe(60 + 5);
      expect(tracks.get("v360")?.iframeBytes).toBeDefined();
    }
  });

  it("starts a follower's segment at its own keyframe, even when that is two frames away", () => {
    const shifted = evenFrames(90_000, 30, 180, 60).map((frame, i) => ({
      ...frame,
      keyframe: i === 0 || i === 62 || i === 118,
    }));
    const made = run(plan(), {
      v720: main(6),
      v360: { timescale: 90_000, frames: shifted },
      audio: sound(6),
    });
    const heads = segments(made).map(({ tracks }) => tracks.get("v360"));
    expect(heads.every((head) => head?.iframeBytes !== undefined)).toBe(true);
    expect(heads.map((head) => (head?.chunks.length ?? 0) - 5)).toEqual([62, 56, 62]);
  });

  it("leaves a follower out of a segment that it has no keyframe for", () => {
    const gappy = evenFrames(90_000, 30, 240, 120);
    const made = run(plan(), { v720: main(8), v360: { timescale: 90_000, frames: gappy }, audio: sound(8) });
    expect(segments(made).map(({ tracks }) => tracks.has("v360"))).toEqual([true, false, true, false]);
    expect(segments(made).every(({ tracks }) => tracks.has("v720") && tracks.has("audio"))).toBe(true);
  });
});

it("writes sound end to end whose times were rounded to milliseconds", () => {
  const times = Array.from({ length: 280 }, (_, n) => Math.round((n * 1024) / 48) / 1000);
  const rounded = { timescale: 48_000, frames: frames(48_000, times, 5.973, () => true) };
  const made = run(plan(), { v720: main(6), v360: main(6), audio: rounded });
  const durations = parts(made).flatMap(({ tracks }) => {
    const [moof = new Uint8Array(8)] = tracks.get("audio")?.chunks ?? [];
    const body = moof.subarray(8, new DataView(moof.buffer, moof.byteOffset).getUint32(0));
    return (readMoof(body, 0, initOf("audio", 48_000)) ?? []).map(({ duration }) => duration);
  });
  expect(durations.length).toBeGreaterThan(250);
  expect(new Set(durations)).toEqual(new Set([1024]));
});

describe("tracks that are late", () => {
  it("waits for a track that lags a little", () => {
    const made = run(plan(), { v720: main(6), v360: { ...main(6), delay: 1.5 }, audio: sound(6) });
    expect(parts(made).every(({ tracks }) => tracks.size === 3)).toBe(true);
    expect(made.find(({ cut }) => cut.type === "part")?.at).toBeCloseTo(2, 1);
  });

  it("leaves a gap where a track stalls, and takes it back at its next keyframe", () => {
    const stalled = { ...main(16), delay: (time: number) => (time > 3 && time < 9 ? 9 - time : 0) };
    const made = run(plan(), { v720: main(16), v360: stalled, audio: sound(16) });
    const has = segments(made).map(({ tracks }) => tracks.get("v360")?.iframeBytes !== undefined);
    expect(has.slice(0, 4)).toEqual([true, false, false, false]);
    // The segment in which it stalled has some of its parts, and is a gap: half a segment would pass for a whole one.
    expect(segments(made)[1]?.tracks.has("v360")).toBe(false);
    expect(has.slice(-2)).toEqual([true, true]);
    expect(segments(made).every(({ tracks }) => tracks.has("v720") && tracks.has("audio"))).toBe(true);
    // Waited three seconds once, and not again for every part.
    const arrivals = made.filter(({ cut }) => cut.type === "part").map(({ at, cut }) => ({ at, cut }));
    const late = arrivals.filter(
      ({ at, cut }) => cut.type === "part" && at - cut.startSeconds - cut.duration > 0.1,
    );
    expect(late.length).toBeLessThanOrEqual(8);
  });

  it("waits again for a track that is back, though a little behind", () => {
    const stalled = { ...main(16), delay: (time: number) => (time > 3 && time < 9 ? 9.5 - time : 0.5) };
    const made = run(plan(), { v720: main(16), v360: stalled, audio: sound(16) });
    expect(
      segments(made)
        .map(({ tracks }) => tracks.get("v360")?.iframeBytes !== undefined)
        .slice(-2),
    ).toEqual([true, true]);
  });

  it("lets go of sound that comes after its gap was told", () => {
    const stalled = { ...sound(12), delay: (time: number) => (time > 3 && time < 8 ? 8 - time : 0) };
    const made = run(plan(), { v720: main(12), v360: main(12), audio: stalled });
    const counts = parts(made).map(({ tracks }) => tracks.get("audio")?.chunks.length ?? 0);
    expect(counts).toContain(0);
    expect(counts.at(-2)).toBeGreaterThan(20);
    // Half a second of sound is 23.4 frames, and a head in front.
    expect(Math.max(...counts)).toBeLessThanOrEqual(26);
  });

  it("waits once for sound that never comes, and goes on without it", () => {
    const made = run(plan(), { v720: main(10), v360: main(10), audio: { timescale: 48_000, frames: [] } });
    expect(parts(made).length).toBe(20);
    expect(parts(made).every(({ tracks }) => !tracks.has("audio") && tracks.size === 2)).toBe(true);
    expect(made.find(({ cut }) => cut.type === "part")?.at).toBeCloseTo(3.5, 1);
    const at8 = made.find(({ cut }) => cut.type === "part" && cut.startSeconds === 7.5);
    expect(at8?.at).toBeLessThan(8.1);
  });

  it("takes in sound that starts late", () => {
    const made = run(plan(), { v720: main(10), v360: main(10), audio: sound(10, 4.6) });
    expect(parts(made).map(({ tracks }) => tracks.has("audio"))).toEqual(
      Array.from({ length: 20 }, (_, i) => i >= 9),
    );
  });

  it("does without a track that is never described", () => {
    const made = run(plan(), { v720: main(8), audio: sound(8) });
    expect(made[0]?.cut).toMatchObject({ type: "init", missing: ["v360"] });
    expect(segments(made).length).toBe(4);
  });

  it("gives up when the lead stays away", () => {
    const lead = { timescale: 90_000, frames: evenFrames(90_000, 30, 90, 60) };
    const made = run(plan(), { v720: lead, v360: main(3), audio: sound(20) });
    expect(problems(made)).toMatchObject([{ reason: "lead-lost" }]);
    expect(segments(made).reduce((sum, { duration }) => sum + duration, 0)).toBeCloseTo(3, 6);
  });
});

describe("keyframes that come when they like", () => {
  const only = (times: readonly number[], end: number, keys: readonly number[], targetDuration = 2) =>
    run(plan({ renditions: [video("v720")], targetDuration }), {
      v720: {
        timescale: 90_000,
        frames: frames(90_000, times, end, (_, t) => keys.some((k) => Math.abs(k - t) < 0.01)),
      },
    });
  const grid = (seconds: number) => Array.from({ length: seconds * 30 }, (_, i) => i / 30);

  it.each<[string, number[], number, number[]]>([
    ["every half second: as many as make a segment", [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4], 2, [2, 2, 2]],
    ["every 1.5 s: waiting for the next would be too long", [0, 1.5, 3, 4.5], 2, [1.5, 1.5, 1.5, 1.5]],
    ["a scene cut at 1.2 s", [0, 2, 3.2, 4], 2, [2, 1.2, 2.8 - 0.8, 0.8]],
    ["irregular, with room for a whole GOP more", [0, 1.4, 2.9, 4.2], 4, [2.9, 3.1]],
  ])("%s", (_name, keys, targetDuration, expected) => {
    const made = only(grid(6), 6, keys, targetDuration);
    expect(problems(made)).toEqual([]);
    const durations = segments(made).map(({ duration }) => round(duration));
    expect(durations.reduce((sum, d) => sum + d, 0)).toBeCloseTo(6, 3);
    for (const duration of durations) expect(duration).toBeLessThan(targetDuration + 0.5);
    if (_name.startsWith("a scene")) expect(durations.slice(0, 2)).toEqual([2, 1.2]);
    else expect(durations).toEqual(expected);
  });

  it("closes a segment without a keyframe rather than break TARGETDURATION, and says so", () => {
    const made = only(grid(10), 10, [0, 5]);
    expect(problems(made).map(({ reason }) => reason)).toContain("overlong-gop");
    for (const { duration } of segments(made)) expect(duration).toBeLessThan(2.5);
    // It finds its way back at the next keyframe.
    expect(
      segments(made).some(
        ({ startSeconds, tracks }) => startSeconds === 5 && tracks.get("v720")?.iframeBytes,
      ),
    ).toBe(true);
  });

  it("takes the first keyframe after a forced cut, even where waiting would still be allowed", () => {
    const made = only(grid(5), 5, [0, 1, 2.6, 3.6, 4.6]);
    expect(problems(made)).toMatchObject([{ reason: "overlong-gop" }]);
    expect(segments(made).map(({ startSeconds }) => round(startSeconds))).toEqual([0, 2.4333, 2.6, 3.6, 4.6]);
  });

  it("forgets a single long GOP after a while", () => {
    const keys = [0, 2.2, ...Array.from({ length: 35 }, (_, i) => 2.7 + i / 2)];
    const made = only(grid(20), 20, keys);
    const durations = segments(made).map(({ duration }) => round(duration));
    expect(durations.slice(0, 3)).toEqual([2.2, 0.5, 0.5]);
    expect(durations.slice(-4, -1)).toEqual([2, 2, 2]);
  });

  it("cuts followers at the same forced instants", () => {
    const made = run(plan(), { v720: main(6, 1000), v360: main(6, 1000), audio: sound(6) });
    expect(problems(made).map(({ reason }) => reason)).toContain("overlong-gop");
    expect(segments(made).every(({ tracks }) => tracks.size === 3)).toBe(true);
  });

  it("spreads a frame that is longer than a part over several", () => {
    const times = [...grid(2).slice(0, 20), ...grid(4).slice(56)];
    const made = run(plan({ renditions: [video("v720"), audio] }), {
      v720: {
        timescale: 90_000,
        frames: frames(90_000, times, 4, (_, t) => t === 0 || Math.abs(t - 2) < 0.01),
      },
      audio: sound(4),
    });
    expect(problems(made)).toEqual([]);
    for (const { duration, tracks } of parts(made)) {
      expect(duration).toBeLessThanOrEqual(0.5105);
      expect(tracks.has("audio")).toBe(true);
    }
    expect(parts(made).some(({ tracks }) => !tracks.has("v720"))).toBe(true);
    expect(segments(made).map(({ duration }) => round(duration))).toEqual([2, 2]);
  });

  it("stops at a frame that is longer than any segment may be", () => {
    const times = [...grid(1), ...grid(30).slice(600)];
    const made = only(times, 30, [0, 20]);
    expect(problems(made)).toMatchObject([{ reason: "timestamp-jump" }]);
    expect(segments(made).map(({ duration }) => round(duration))).toEqual([round(29 / 30)]);
  });
});

describe("sums", () => {
  it.each([
    [30_000 / 1001, 60],
    [24_000 / 1001, 48],
    [60_000 / 1001, 60],
    [50, 100],
  ])("do not drift in ten minutes at %f fps", (rate, gop) => {
    const count = Math.round(rate * 600);
    const lead = { timescale: 90_000, frames: evenFrames(90_000, rate, count, gop) };
    const made = run(plan({ renditions: [video("v720")], segmentSeconds: gop / rate }), { v720: lead });
    const sum = (list: readonly { duration: number }[]) =>
      list.reduce((total, { duration }) => total + duration, 0);
    expect(sum(segments(made))).toBeCloseTo(count / rate, 4);
    expect(sum(parts(made))).toBeCloseTo(count / rate, 4);
    const all = parts(made);
    for (const [i, part] of all.slice(1).entries())
      expect(part.startSeconds).toBeCloseTo((all[i]?.startSeconds ?? 0) + (all[i]?.duration ?? 0), 9);
  });

  it("cuts sound alone by time", () => {
    const made = run(plan({ renditions: [audio] }), { audio: sound(9) });
    for (const { duration } of segments(made).slice(0, -1))
      expect(Math.abs(duration - 2)).toBeLessThan(0.022);
    expect(segments(made).every(({ tracks }) => tracks.get("audio")?.iframeBytes === undefined)).toBe(true);
  });

  it("cuts only segments where there are no parts", () => {
    const { partTarget: _none, ...standard } = plan();
    const made = run(standard, { v720: main(6), v360: main(6), audio: sound(6) });
    expect(parts(made)).toEqual([]);
    expect(segments(made).map(({ duration }) => duration)).toEqual([2, 2, 2]);
  });
});
