/** Views of the multivariant playlist: what each leaves, that players can read it, and that few are ever drawn. */
import { Parser } from "m3u8-parser";
import { describe, expect, it, vi } from "vitest";
import { Drawings } from "../../../durable-objects/drawings.ts";
import { foldView, multivariantPlaylist, type View } from "../../../media/hls.ts";
import type { RenditionFacts, Timeline } from "../../../media/timeline.ts";
import { AUDIO, begin, LOW, segments, timingOf, V480, V720 } from "./broadcast.ts";

const V1080: RenditionFacts = { ...V720, name: "v1080", bitrate: 5_000_000, width: 1920, height: 1080 };
const V360: RenditionFacts = { ...V480, name: "v360", bitrate: 700_000, width: 640, height: 360 };
/** A telephone held upright: its renditions are named by their width. */
const UPRIGHT: RenditionFacts[] = [
  { ...V720, width: 720, height: 1280 },
  { ...V480, width: 480, height: 854 },
  AUDIO,
];
const FULL = begin(timingOf("low"), [V1080, V720, V480, V360, AUDIO]);
const ALL = ["v1080", "v720", "v480", "v360", "audio"];

/** Names of the variants in order, of the I-frame playlists, and of the sound that the variants are played with. */
function listed(timeline: Timeline, view: View) {
  const text = multivariantPlaylist(timeline, view);
  const parser = new Parser();
  parser.push(text);
  parser.end();
  const { playlists, iFramePlaylists, mediaGroups } = parser.manifest;
  const name = (listing: unknown) => /"uri":"(\w+)\//.exec(JSON.stringify(listing))?.[1] ?? "";
  return {
    variants: (playlists ?? []).map(name),
    iframes: (iFramePlaylists ?? []).map(name),
    sounds: Object.keys(mediaGroups?.AUDIO?.audio ?? {}),
    text,
  };
}

describe("a view", () => {
  it.each([
    ["nothing", FULL, {}, ALL],
    ["a cap above everything", FULL, { maxHeight: 2160, hardMaxHeight: 2160 }, ALL],
    ["a cap at 720", FULL, { maxHeight: 720 }, ["v720", "v480", "v360", "audio"]],
    ["a cap at 480", FULL, { maxHeight: 480 }, ["v480", "v360", "audio"]],
    ["a cap below everything: the smallest stays", FULL, { maxHeight: 100 }, ["v360", "audio"]],
    ["a hard cap at 719", FULL, { hardMaxHeight: 719 }, ["v480", "v360", "audio"]],
    ["a hard cap below everything: sound is left", FULL, { hardMaxHeight: 359 }, ["audio"]],
    ["a hard cap of 0", FULL, { hardMaxHeight: 0 }, ["audio"]],
    ["a cap below a hard cap", FULL, { maxHeight: 480, hardMaxHeight: 720 }, ["v480", "v360", "audio"]],
    ["a hard cap below a cap", FULL, { maxHeight: 720, hardMaxHeight: 360 }, ["v360", "audio"]],
    ["both below everything", FULL, { maxHeight: 100, hardMaxHeight: 100 }, ["audio"]],
    ["sound first", FULL, { audioFirst: true }, ["audio", "v480", "v360"]],
    ["sound first, and a cap", FULL, { audioFirst: true, maxHeight: 360 }, ["audio", "v360"]],
    ["sound first, and a hard cap", FULL, { audioFirst: true, hardMaxHeight: 359 }, ["audio"]],
    [
      "sound first of tall video alone",
      begin(timingOf("low"), [V720, AUDIO]),
      { audioFirst: true },
      ["audio", "v720"],
    ],
    [
      "sound first of video without sound",
      begin(timingOf("low"), [V720, V480]),
      { audioFirst: true },
      ["v480"],
    ],
    ["a cap of sound alone", begin(timingOf("low"), [AUDIO]), { maxHeight: 480 }, ["audio"]],
    [
      "a cap of upright video: by its shorter side",
      begin(timingOf("low"), UPRIGHT),
      { maxHeight: 480 },
      ["v480", "audio"],
    ],
  ] as const)("%s", (_name, timeline, view, expected) => {
    const { variants, iframes, sounds, text } = listed(timeline, view);
    expect(variants).toEqual(expected);
    const video = expected.filter((name) => name.startsWith("v"));
    expect(iframes).toEqual(video);
    const hasSound = expected.some((name) => name === "audio");
    expect(sounds).toEqual(video.length > 0 && hasSound ? ["audio"] : []);
    // A variant names a group only where there is one (rfc8216bis 4.4.6.2).
    expect(text.includes('AUDIO="audio"')).toBe(video.length > 0 && hasSound);
  });

  it("of what is not measured takes no risks: a picture of unknown size is taller than a cap", () => {
    const { width: _width, height: _height, ...unknown } = V720;
    const timeline = begin(timingOf("low"), [unknown, AUDIO]);
    expect(listed(timeline, { maxHeight: 480 }).variants).toEqual(["v720", "audio"]);
    expect(listed(timeline, { hardMaxHeight: 8640 }).variants).toEqual(["audio"]);
  });

  it("changes nothing of a line that it leaves", () => {
    const timeline = segments(FULL, 4, LOW);
    const whole = new Set(multivariantPlaylist(timeline).split("\n"));
    for (const view of [{ maxHeight: 480 }, { audioFirst: true }, { hardMaxHeight: 720 }])
      for (const line of multivariantPlaylist(timeline, view).split("\n")) expect(whole).toContain(line);
  });
});

describe("drawings", () => {
  it("without a view are what they were", () => {
    const text = multivariantPlaylist(FULL);
    expect(new Drawings().draw(FULL, { kind: "multivariant" })).toBe(text);
    expect(new Drawings().draw(FULL, { kind: "multivariant", view: {} })).toBe(text);
    expect(new Drawings().draw(FULL, { kind: "multivariant", view: { maxHeight: 1080 } })).toBe(text);
  });

  it("are of the view that was asked for, whatever was asked before", () => {
    const drawings = new Drawings();
    const views: View[] = [
      {},
      { maxHeight: 480 },
      { hardMaxHeight: 480 },
      { audioFirst: true },
      { maxHeight: 480, hardMaxHeight: 360 },
      { hardMaxHeight: 0 },
    ];
    for (const view of [...views, ...views.toReversed()])
      expect(drawings.draw(FULL, { kind: "multivariant", view })).toBe(multivariantPlaylist(FULL, view));
  });

  it("are few, however many caps tokens have", () => {
    const drawings = new Drawings();
    const texts = new Set<string | undefined>();
    const drawn = vi.spyOn(Map.prototype, "set");
    for (let hardMaxHeight = 0; hardMaxHeight < 2000; hardMaxHeight += 1) {
      const view = { maxHeight: 720, hardMaxHeight };
      texts.add(drawings.draw(FULL, { kind: "multivariant", view }));
    }
    const count = drawn.mock.calls.length;
    drawn.mockRestore();
    // Nothing, 360, 480, 720, 1080: the last two look alike.
    expect(texts.size).toBe(4);
    expect(count).toBe(5);
  });

  it("do not exist of a view that leaves nothing", () => {
    const silent = begin(timingOf("low"), [V720]);
    const draw = (view: View) => new Drawings().draw(silent, { kind: "multivariant", view });
    expect(draw({ hardMaxHeight: 480 })).toBeUndefined();
    expect(draw({ maxHeight: 480 })).toContain("v720/index.m3u8");
  });
});

it.each([
  [
    { maxHeight: 500, hardMaxHeight: 800 },
    { maxHeight: 480, hardMaxHeight: 720 },
  ],
  [{ maxHeight: 1080, hardMaxHeight: 9999 }, {}],
  [{ maxHeight: 1 }, { maxHeight: 0 }],
  [{ audioFirst: true }, { audioFirst: true }],
  [{ audioFirst: false }, {}],
])("%j is folded into %j", (view, folded) => {
  expect(foldView(FULL, view)).toEqual(folded);
  expect(multivariantPlaylist(FULL, folded)).toBe(multivariantPlaylist(FULL, view));
});
