/** The checker is itself checked: every kind of damage to a good playlist is found, by the rule it breaks. */
import { describe, expect, it } from "vitest";
import { mediaPlaylist } from "../../../media/hls.ts";
import { end, type Timeline } from "../../../media/timeline.ts";
import { checkPlaylist, checkPresentation, differences } from "../../support/hls-checker.ts";
import { begin, join, LOW, openParts, segments, timingOf } from "./broadcast.ts";

const draw = (timeline: Timeline, skip?: "YES" | "v2") => mediaPlaylist(timeline, "v720", skip && { skip });

const before = openParts(
  segments(join(segments(begin({ ...timingOf("low"), windowSeconds: 16 }), 10, LOW), 2), 2, LOW),
  {
    duration: 0.5,
  },
);
const after = openParts(before, { duration: 0.5 });
const later = segments(before, 2, LOW);
const good = draw(before);

type Damage = (text: string) => string;
const replace =
  (from: RegExp | string, to: string): Damage =>
  (text) =>
    text.replace(from, to);

describe("one playlist", () => {
  it("finds nothing wrong with a good one", () => {
    expect(checkPlaylist(good).violations).toEqual([]);
  });

  it.each<[string, Damage]>([
    ["rule 1", replace(/#EXT-X-PART-INF.*\n/, "")],
    ["rule 1", replace(/,PART-HOLD-BACK=1.53/, "")],
    ["rule 1", replace("PART-HOLD-BACK=1.53", "PART-HOLD-BACK=1.5")],
    ["rule 2", replace("HOLD-BACK=6", "HOLD-BACK=5")],
    ["rule 2", replace("CAN-SKIP-UNTIL=12", "CAN-SKIP-UNTIL=11")],
    ["rule 2", replace("CAN-SKIP-UNTIL=12", "CAN-SKIP-DATERANGES=YES")],
    ["rule 3", replace("DURATION=0.5,", "DURATION=0.52,")],
    ["rule 3", (text) => text.replace(/(INDEPENDENT=YES\n#EXT-X-PART:DURATION=)0.5/, "$10.4")],
    ["rule 4", replace(/,INDEPENDENT=YES/, "")],
    ["rule 5", replace(/(#EXT-X-PROGRAM-DATE-TIME.*\n)(#EXT-X-PART:.*\n)/, "$2$1")],
    ["rule 5", replace(/#EXT-X-MAP.*\n/, "")],
    ["rule 6", replace(/#EXT-X-PART:.*\.1\.m4s".*\n/, "")],
    ["rule 7", (text) => text.replace(/#EXT-X-PART:.*part-11.*\n/g, "")],
    [
      "rule 7",
      (text) =>
        text.replace(
          /#EXTINF:2,\n.*seg-8.m4s/,
          (tail) =>
            [0, 1, 2, 3].map((i) => `#EXT-X-PART:DURATION=0.5,URI="x${i}",INDEPENDENT=YES\n`).join("") + tail,
        ),
    ],
    ["rule 9", replace("#EXTINF:2,", "#EXTINF:2.5,")],
    ["rule 9", replace("TARGETDURATION:2", "TARGETDURATION:2.5")],
    ["rule 10", (text) => text.replace(/#EXT-X-PROGRAM[\s\S]*seg-9.m4s\n/, "")],
    ["rule 11", replace(/#EXT-X-SERVER-CONTROL.*\n/, "")],
    ["rule 12", replace("VERSION:6", "VERSION:9")],
    ["rule 12", replace("VERSION:6", "VERSION:3")],
    ["rule 13", replace("#EXT-X-PART-INF", "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-PART-INF")],
    ["rule 14", (text) => `${text}#EXT-X-ENDLIST\n`],
    ["rule 21", replace(/(#EXT-X-DISCONTINUITY-SEQUENCE.*\n)/, "$1#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n")],
    ["rule 22", (text) => text.replace(/(#EXT-X-PRELOAD-HINT.*\n)/, "$1$1")],
    ["rule 23", replace(/,LAST-PART=0/, "")],
    ["rule 23", replace("LAST-MSN=12", "LAST-MSN=10")],
    ["rule 23", replace('URI="../v480', 'URI="/live/demo/v480')],
    ["rule 24", replace(/#EXT-X-PROGRAM-DATE-TIME.*\n/, "")],
    ["rule 24", replace("12:00:10.000Z", "12:00:11.000Z")],
    ["rule 24", (text) => text.replace("12:00:20.000Z", "12:00:18.000Z")],
    ["rule 27", replace(/#EXT-X-DISCONTINUITY-SEQUENCE.*\n/, "")],
    ["rule 27", replace("#EXT-X-DISCONTINUITY\n", "")],
    ["format", replace("#EXTM3U", "#M3U")],
    ["format", replace(/#EXT-X-VERSION.*\n/, "$&$&")],
    ["format", (text) => text.trimEnd()],
    ["format", replace("#EXTINF:2,\n", "")],
    ["format", replace("#EXTINF:2,\n", "#EXT-X-SURPRISE\n#EXTINF:2,\n")],
  ])("%s: damage %# is found", (rule, damage) => {
    const damaged = damage(good);
    expect(damaged).not.toBe(good);
    expect(checkPlaylist(damaged).violations.map((violation) => violation.split(":")[0])).toContain(rule);
  });
});

describe("two versions of a playlist", () => {
  const { state } = checkPlaylist(good);

  it("finds nothing wrong with good ones", () => {
    for (const next of [before, after, later, end(later)])
      expect(checkPlaylist(draw(next), state).violations).toEqual([]);
    for (const next of [before, after, later])
      expect(checkPlaylist(draw(next, "YES"), state).violations).toEqual([]);
  });

  it.each<[string, string, string]>([
    ["rule 9", "TARGETDURATION changes", draw(after).replace("TARGETDURATION:2", "TARGETDURATION:3")],
    ["rule 3", "PART-TARGET changes", draw(after).replace("PART-TARGET=0.51", "PART-TARGET=0.505")],
    ["rule 11", "SERVER-CONTROL changes", draw(after).replace("HOLD-BACK=6", "HOLD-BACK=7")],
    ["rule 10", "numbers start anew", draw(segments(begin(timingOf("low")), 8, LOW))],
    [
      "rule 10",
      "the window moves and the number does not",
      draw(later).replace("MEDIA-SEQUENCE:6", "MEDIA-SEQUENCE:5"),
    ],
    [
      "rule 10",
      "the discontinuity number moves alone",
      draw(after).replace("DISCONTINUITY-SEQUENCE:0", "DISCONTINUITY-SEQUENCE:1"),
    ],
    ["rule 10", "a segment gets another name", draw(after).replace("seg-11.m4s", "seg-eleven.m4s")],
    ["rule 10", "a part gets another name", draw(after).replace("part-11.2.m4s", "part-11.x.m4s")],
    ["rule 10", "a segment becomes a gap", draw(after).replace(/(#EXTINF:2,\n.*seg-11)/, "#EXT-X-GAP\n$1")],
    ["rule 10", "segments are left out", draw(segments(before, 20, LOW))],
    ["rule 7", "parts go too early", draw(after).replace(/#EXT-X-PART:.*part-10.*\n/g, "")],
    ["rule 14", "the end goes on", "next"],
    ["rule 22", "a hinted part never comes", draw(after).replaceAll("part-12.1.m4s", "part-12.one.m4s")],
    [
      "rule 22",
      "a hinted part is passed over",
      draw(segments(before, 2, LOW.slice(1))).replaceAll("part-12.1.m4s", "other.m4s"),
    ],
    ["rule 21", "a delta update skips what was never known", draw(segments(before, 20, LOW), "YES")],
    ["rule 24", "a date changes", draw(after).replace("12:00:22.000Z", "12:00:22.050Z")],
  ])("%s: %s", (rule, what, text) => {
    const violations =
      what === "the end goes on"
        ? checkPlaylist(draw(later), checkPlaylist(draw(end(before))).state).violations
        : checkPlaylist(text, state).violations;
    expect(violations.map((violation) => violation.split(":")[0])).toContain(rule);
  });

  it("rule 8: a part that is late, and a segment that is late", () => {
    const first = checkPlaylist(good, undefined, { receivedAtMs: 0 }).state;
    const at = (receivedAtMs: number, next: Timeline) =>
      checkPlaylist(draw(next), first, { receivedAtMs }).violations;
    expect(at(600, after)).toEqual([]);
    expect(at(900, after)).toEqual([expect.stringMatching(/^rule 8: a new part 0.9 s/)]);
    expect(at(3300, segments(before, 1, LOW.slice(1)))).toEqual([
      expect.stringMatching(/^rule 8: a new part/),
      expect.stringMatching(/^rule 8: a new segment 3.3 s/),
    ]);
  });

  it("rule 21: a delta update that says something else than the whole playlist", () => {
    const whole = checkPlaylist(draw(after), state).state;
    const delta = (damage: Damage) =>
      differences(whole, checkPlaylist(damage(draw(after, "YES")), state).state);
    expect(delta((text) => text)).toEqual([]);
    expect(delta(replace("seg-11.m4s", "seg-x.m4s"))).toHaveLength(1);
    expect(delta(replace("#EXT-X-DISCONTINUITY\n", ""))).toHaveLength(1);
    expect(delta(replace(/#EXT-X-MAP.*\n/, ""))).not.toEqual([]);
    expect(delta(replace(/part-12.2/, "part-12.3"))).toHaveLength(1);
  });
});

describe("several playlists of one moment", () => {
  const check = (damage: Damage) =>
    checkPresentation(
      new Map([
        ["v720/index.m3u8", checkPlaylist(good).state],
        ["v480/index.m3u8", checkPlaylist(mediaPlaylist(before, "v480")).state],
        ["audio/index.m3u8", checkPlaylist(damage(mediaPlaylist(before, "audio"))).state],
      ]),
    ).map((violation) => violation.split(":")[0]);

  it.each<[string, Damage]>([
    ["rule 9", replace("TARGETDURATION:2", "TARGETDURATION:3")],
    ["rule 11", replace("HOLD-BACK=6", "HOLD-BACK=7")],
    ["rule 23", replace(/#EXT-X-RENDITION-REPORT.*\n/, "")],
    ["rule 24", replace("12:00:22.000Z", "12:00:22.500Z")],
    ["rule 27", replace("#EXT-X-DISCONTINUITY\n", "")],
  ])("%s: damage %# is found", (rule, damage) => {
    expect(check((text) => text)).toEqual([]);
    expect(check(damage)).toContain(rule);
  });
});
