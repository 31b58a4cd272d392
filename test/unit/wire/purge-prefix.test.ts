/** What a prefix may be, and which names an object answers to. */
import { describe, expect, it } from "vitest";
import { type MediaAddress, parseMediaPath } from "../../../media/address.ts";
import { join, placeOf } from "../../../wire/generations.ts";
import { parsePrefix, scopesOfMedia, scopesOfPlaylist } from "../../../wire/purge-prefix.ts";

const B = `radio-01-${"7k2m9q4v1c8x3z6b5n0t4w8y2r"}`;
const PLAIN =
  "A prefix is the path of a stream (/live/<stream>/), a rendition, a broadcast (/media/<broadcast>/), a session, or one object.";
const URL_WORDS = "A prefix is a path, without scheme and host.";
const TOKEN_WORDS = "A prefix is a path without its token: what is purged is purged for every token.";

it.each([
  ["", "everything"],
  ["/", "everything"],
  ["//", PLAIN],
  ["///", PLAIN],
  [".", PLAIN],
  ["..", PLAIN],
  ["/live/..", PLAIN],
  ["/live/radio-01/../", PLAIN],
  ["/live/%2e%2e/", PLAIN],
  ["/live/radio%2d01/", PLAIN],
  ["/live\\radio-01", PLAIN],
  ["\\live\\radio-01", PLAIN],
  ["/live", PLAIN],
  ["/live/", PLAIN],
  ["/media", PLAIN],
  ["/media/", PLAIN],
  ["/live//radio-01/", PLAIN],
  ["/live/radio-01//", PLAIN],
  ["/LIVE/radio-01/", PLAIN],
  ["/live/Radio-01/", PLAIN],
  ["/live/radio-01/V720/", PLAIN],
  ["/live/radio-/", PLAIN],
  ["/live/radio-01*", PLAIN],
  ["/live/radio-01/v720/index.m3u8?_HLS_msn=1", PLAIN],
  ["/live/radio-01/v720/other.m3u8", PLAIN],
  ["/live/radio-01/v720/index.m3u8/more", PLAIN],
  ["/live/radio\u0000-01/", PLAIN],
  ["/live/radio-01/\u0000", PLAIN],
  ["/live/radio-01\n", PLAIN],
  [" /live/radio-01/", PLAIN],
  ["/media/radio-01", PLAIN],
  ["/media/radio-01/", PLAIN],
  [`/media/${B.slice(0, -1)}/`, PLAIN],
  [`/media/${B.toUpperCase()}/`, PLAIN],
  [`/media/${B}/0/`, PLAIN],
  [`/media/${B}/01/`, PLAIN],
  [`/media/${B}/1/v720/seg-`, PLAIN],
  [`/media/${B}/1/v720/seg-1`, PLAIN],
  [`/media/${B}/1/v720/seg-01.m4s`, PLAIN],
  [`/media/${B}/1/v720/seg-1.m4s/x`, PLAIN],
  ["/watch/radio-01", PLAIN],
  ["https://tv.example.com/live/radio-01/", URL_WORDS],
  ["HTTP://tv.example.com/", URL_WORDS],
  ["tv.example.com/live/radio-01/", PLAIN],
  ["/p/eyJhbGciOiJIUzI1NiJ9.e30.x/live/radio-01/", TOKEN_WORDS],
  ["p/token/media/", TOKEN_WORDS],
])("refuses %j", (text, why) => {
  const parsed = parsePrefix(text);
  expect(parsed).toEqual({
    ok: false,
    error: why === "everything" ? { reason: "everything" } : { reason: "bad-prefix", detail: why },
  });
});

it.each([
  ["/live/radio-01/", "/live/radio-01/"],
  ["live/radio-01", "/live/radio-01/"],
  ["/live/radio-01/index.m3u8", "/live/radio-01/index.m3u8"],
  ["/live/radio-01/v720", "/live/radio-01/v720/"],
  ["/live/radio-01/v720/index.m3u8", "/live/radio-01/v720/index.m3u8"],
  ["/live/radio-01/v720/iframes.m3u8", "/live/radio-01/v720/iframes.m3u8"],
  [`/media/${B}`, `/media/${B}/`],
  [`/media/${B}/12`, `/media/${B}/12/`],
  [`/media/${B}/12/v720/`, `/media/${B}/12/v720/`],
  [`/media/${B}/12/v720/part-3.1.m4s`, `/media/${B}/12/v720/part-3.1.m4s`],
])("reads %j in its one spelling", (text, scope) => {
  expect(parsePrefix(text)).toEqual({ ok: true, value: { scope, stream: "radio-01" } });
});

/** An address that is one. */
const address = (path: string): MediaAddress => {
  const parsed = parseMediaPath(path);
  if (!parsed) throw new Error(path);
  return parsed;
};

describe("an object", () => {
  it("answers to each name that covers it, and each is a prefix", () => {
    const media = scopesOfMedia(address(`${B}/1/v720/seg-7.m4s`), "radio-01");
    const playlist = scopesOfPlaylist("radio-01", { rendition: "v720", file: "iframes.m3u8" });
    expect(media).toHaveLength(7);
    for (const scope of [...media, ...playlist].filter((scope) => scope !== "/"))
      expect(parsePrefix(scope)).toEqual({ ok: true, value: { scope, stream: "radio-01" } });
    expect(scopesOfPlaylist("radio-01")).toEqual(["/", "/live/radio-01/", "/live/radio-01/index.m3u8"]);
  });

  it("that two purges of one number name is found where it was before both", () => {
    const generations = new Map([
      ["a", { number: 9, soft: true, before: 4 }],
      ["b", { number: 9, soft: true, before: 6 }],
      ["c", { number: 5, soft: false, before: 0 }],
    ]);
    expect(placeOf(generations, ["c", "a", "b"])).toEqual({ number: 9, soft: true, before: 6 });
    expect(placeOf(generations, ["b", "a", "c"])).toEqual({ number: 9, soft: true, before: 6 });
    expect(placeOf(generations, ["c"])).toEqual({ number: 5, soft: false, before: 0 });
    expect(placeOf(generations, ["d"])).toEqual({ number: 0, soft: false });
  });

  it("has one place in whichever order its purges are joined", () => {
    const some = [3, 5, 5, 8].map((number, i) => ({ number, soft: i % 2 === 0, before: i }));
    for (const a of some)
      for (const b of some) {
        expect(join(a, b)).toEqual(join(b, a));
        for (const c of some) expect(join(join(a, b), c)).toEqual(join(a, join(b, c)));
      }
  });
});
