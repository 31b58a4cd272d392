/**
 * Random broadcasts, grown entry by entry: after every append all playlists are drawn, read back by the independent
 * checker as a client would that saw each version, and delta updates are filled up and compared with the whole.
 */
import { describe, expect, it } from "vitest";
import { iframePlaylist, mediaPlaylist } from "../../../media/hls.ts";
import { PROFILE_NAMES, PROFILES, type ProfileName } from "../../../media/profile.ts";
import { sealingEntry } from "../../../media/seal.ts";
import { end, type Timeline } from "../../../media/timeline.ts";
import { type CheckState, checkPlaylist, checkPresentation, differences } from "../../support/hls-checker.ts";
import {
  AUDIO,
  begin,
  grow,
  join,
  nextAt,
  openParts,
  partEntries,
  segmentEntry,
  TRIO,
  timingOf,
  V720,
} from "./broadcast.ts";

/** Numbers in [0, 1) from a seed: mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Grow a broadcast at random, calling `seen` after every append. */
function broadcastAtRandom(
  seed: number,
  profile: ProfileName,
  steps: number,
  seen: (timeline: Timeline) => void,
): void {
  const random = generator(seed);
  const pickOne = <T>(choices: readonly T[]): T | undefined => choices[Math.floor(random() * choices.length)];
  const timing = timingOf(profile, PROFILES[profile].segmentSeconds * (pickOne([10, 20, 40]) ?? 10));
  const renditions = pickOne([TRIO, [V720, AUDIO], [AUDIO], [V720]]) ?? TRIO;
  let timeline = begin(timing, renditions);
  const step = (next: Timeline) => {
    timeline = next;
    seen(timeline);
  };
  const frame = 1 / (pickOne([24, 25, 30, 50, 60, 30_000 / 1001]) ?? 30);
  const maxFrames = Math.floor((timing.partTarget ?? 0) / frame + 1e-9);
  const missing = () => (random() < 0.05 ? [pickOne(renditions)?.name ?? ""] : []);
  for (let i = 0; i < steps; i += 1) {
    if (random() < 0.06) {
      // The encoder is gone: its open segment is sealed, or nobody got to it.
      const seal = sealingEntry(timeline);
      if (seal && random() < 0.8) step(grow(timeline, timeline.session, [seal]));
      step(join(timeline, timeline.session + 1 + Math.floor(random() * 2), renditions));
    }
    const at =
      nextAt(timeline) +
      (timeline.segments.at(-1)?.session === timeline.session ? 0 : (random() - 0.3) * 20_000);
    if (timing.partTarget === undefined) {
      step(
        grow(timeline, timeline.session, [
          segmentEntry(timeline, timing.targetDuration * (0.3 + random() * 0.7), missing(), at),
        ]),
      );
      continue;
    }
    const parts = 1 + Math.floor(random() * Math.floor(timing.targetDuration / (maxFrames * frame)));
    const whole = [];
    for (let part = 0; part < parts - 1; part += 1) {
      whole.push(maxFrames * frame);
      step(
        grow(
          timeline,
          timeline.session,
          partEntries(timeline, [{ duration: maxFrames * frame, missing: missing() }], part, at),
        ),
      );
    }
    // The last part and its segment come in one append, as the cutter sends them.
    const last = frame * (1 + Math.floor(random() * maxFrames));
    const duration = whole.reduce((sum, one) => sum + one, last);
    step(
      grow(timeline, timeline.session, [
        ...partEntries(timeline, [{ duration: last, missing: missing() }], parts - 1, at),
        segmentEntry(timeline, duration, missing(), at),
      ]),
    );
  }
  if (timing.partTarget !== undefined && random() < 0.5)
    step(openParts(timeline, { duration: maxFrames * frame }));
  const seal = sealingEntry(timeline);
  if (seal) step(grow(timeline, timeline.session, [seal]));
  step(end(timeline));
}

describe.each(PROFILE_NAMES)("a random broadcast of profile %s", (profile) => {
  it.each(Array.from({ length: 8 }, (_, i) => 1000 * i + 7))(
    "keeps the rules after every append (seed %i)",
    (seed) => {
      const full = new Map<string, CheckState>();
      const delta = new Map<string, CheckState>();
      let deltas = 0;
      broadcastAtRandom(seed, profile, 60, (timeline) => {
        for (const { name, kind } of timeline.renditions) {
          const drawn: [string, (skip?: "YES" | "v2") => string][] = [
            [`${name}/index.m3u8`, (skip) => mediaPlaylist(timeline, name, skip && { skip })],
          ];
          if (kind === "video")
            drawn.push([`${name}/iframes.m3u8`, (skip) => iframePlaylist(timeline, name, skip && { skip })]);
          for (const [uri, draw] of drawn) {
            const whole = checkPlaylist(draw(), full.get(uri));
            expect(whole.violations, uri).toEqual([]);
            full.set(uri, whole.state);
            const text = draw(timeline.segments.length % 2 === 0 ? "YES" : "v2");
            if (text.includes("#EXT-X-SKIP")) deltas += 1;
            const filled = checkPlaylist(text, delta.get(uri));
            expect(filled.violations, `${uri}, delta`).toEqual([]);
            delta.set(uri, filled.state);
            expect(differences(whole.state, filled.state), uri).toEqual([]);
          }
        }
        expect(checkPresentation(full)).toEqual([]);
      });
      expect(deltas).toBeGreaterThan(20);
    },
  );
});
