/** What a request for a purge means, and when it is refused: a refusal purges nothing, whatever else was named. */
import { expect, it } from "vitest";
import type { PurgeRequest } from "../../../wire/purge.ts";
import { type PurgeRefusal, scopesMeant } from "../../../wire/purge-request.ts";

const NOTHING: PurgeRequest = { prefixes: [], all: false, soft: false, delete: false };
const B = `radio-${"7k2m9q4v1c8x3z6b5n0t4w8y2r"}`;
const URL_WORDS = "A prefix is a path, without scheme and host.";
const PLAIN =
  "A prefix is the path of a stream (/live/<stream>/), a rendition, a broadcast (/media/<broadcast>/), a session, or one object.";

it.each<readonly [string, Partial<PurgeRequest>, readonly string[]]>([
  ["a stream", { prefixes: ["/live/a/"] }, ["/live/a/"]],
  [
    "each scope once, in its one spelling",
    { prefixes: ["live/a", "/live/b/", "/live/a/"] },
    ["/live/a/", "/live/b/"],
  ],
  ["playlists", { prefixes: ["/live/a/index.m3u8"], soft: true }, ["/live/a/index.m3u8"]],
  ["everything, without a prefix", { all: true }, []],
  ["everything, by its prefix", { prefixes: ["/"], all: true }, []],
  ["everything, softly", { prefixes: [""], all: true, soft: true }, []],
  ["everything, whatever else is named", { prefixes: ["/live/a/", "/"], all: true }, []],
  [
    "what is stored",
    { prefixes: ["/live/a/v720/", `/media/${B}`], delete: true },
    ["/live/a/v720/", `/media/${B}/`],
  ],
])("means %s", (_what, request, scopes) => {
  const meant = scopesMeant({ ...NOTHING, ...request });
  expect(meant.ok && meant.value.map(({ scope }) => scope)).toEqual(scopes);
});

it("says whose the scopes are", () => {
  expect(scopesMeant({ ...NOTHING, prefixes: [`/media/${B}/1/`] })).toEqual({
    ok: true,
    value: [{ scope: `/media/${B}/1/`, stream: "radio" }],
  });
});

it.each<readonly [string, Partial<PurgeRequest>, PurgeRefusal]>([
  ["nothing", {}, { reason: "no-prefix" }],
  ["nothing to be removed", { delete: true }, { reason: "no-prefix" }],
  ["nothing, softly removed", { soft: true, delete: true }, { reason: "no-prefix" }],
  ["an empty prefix", { prefixes: [""] }, { reason: "purges-everything" }],
  ["a slash", { prefixes: ["/"] }, { reason: "purges-everything" }],
  ["a slash beside a stream", { prefixes: ["/live/a/", "/"] }, { reason: "purges-everything" }],
  ["a slash to be removed", { prefixes: ["/"], delete: true }, { reason: "purges-everything" }],
  [
    "a URL",
    { prefixes: ["/live/a/", "https://tv.example.com/live/b/"] },
    { reason: "bad-prefix", prefix: "https://tv.example.com/live/b/", detail: URL_WORDS },
  ],
  [
    "no prefix of ours beside everything",
    { prefixes: ["/", "/live/%2e%2e/"], all: true },
    { reason: "bad-prefix", prefix: "/live/%2e%2e/", detail: PLAIN },
  ],
  [
    "the first that is none of ours",
    { prefixes: ["//", "https://x/"] },
    { reason: "bad-prefix", prefix: "//", detail: PLAIN },
  ],
  ["to remove everything", { all: true, delete: true }, { reason: "delete-everything" }],
  ["to remove everything softly", { all: true, soft: true, delete: true }, { reason: "delete-everything" }],
  ["to remove softly", { prefixes: ["/live/a/"], soft: true, delete: true }, { reason: "soft-delete" }],
])("refuses %s", (_what, request, error) => {
  expect(scopesMeant({ ...NOTHING, ...request })).toEqual({ ok: false, error });
});

it.each(["/live/a/index.m3u8", "/live/a/v720/index.m3u8", "/live/a/v720/iframes.m3u8"])(
  "refuses to remove what is drawn: %s",
  (prefix) => {
    const request = { ...NOTHING, prefixes: ["/live/a/", prefix], delete: true };
    expect(scopesMeant(request)).toEqual({ ok: false, error: { reason: "nothing-to-remove", prefix } });
  },
);
