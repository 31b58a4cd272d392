/** The rules of the house that a program can check: what pure code may import and name, and how large a file may be. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
/** Pure folders, and the pure folders that each may import besides itself (ARCHITECTURE.md, "Folders"). */
const PURE: Readonly<Record<string, readonly string[]>> = {
  media: ["wire"],
  wire: ["media"],
  "durable-objects/core": ["media", "wire"],
  "workers/edge/core": ["media", "wire"],
  "transcoder/core": ["media", "wire"],
  "transcoder/rtmp": ["media"],
  "transcoder/cmaf": ["media", "wire", "transcoder/core"],
};
/** Pure files in folders of shells. */
const PURE_FILES = [
  ...[
    ...["state", "pace", "clock", "backoff", "keys", "words", "place", "starvation", "viewers"],
    ...["feed/request", "feed/follow", "feed/qoe"],
  ].map((name) => `web/player/${name}.ts`),
  ...[
    ...["room", "erased", "standing", "who", "words", "mentions", "emotes", "announcing"],
    ...["floats", "desk-words"],
  ].map((name) => `web/chat/${name}.ts`),
  ...[
    ...["inbox", "conversation", "stretch", "reactions", "items", "outgoing", "presence"],
    ...["words", "times", "address", "photo-size"],
  ].map((name) => `web/messages/${name}.ts`),
  ...["strip", "picture", "clock", "wheel", "water", "strokes", "frame", "pace", "reader"].map(
    (name) => `demo/${name}.ts`,
  ),
];
/** Libraries that are pure themselves. */
const PURE_LIBRARIES = new Set(["valibot", "ipaddr.js"]);
/** Platform, clock and randomness, by the names they go by. */
const FORBIDDEN_NAMES =
  /\b(fetch|setTimeout|setInterval|setImmediate|Date\.now|performance|Math\.random|crypto|process|Buffer|console|caches|window(?=\.)|document(?=\.))\b(?!["'`:])|\bnew Date\(\)/;

const sources = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));

const withoutComments = (text: string): string =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/^\s*\/\/.*$/gm, "")
    .replaceAll(/\s\/\/ .*$/gm, "");

const importsOf = (text: string): readonly string[] =>
  [...text.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map((match) => match[1] ?? "");

/** A file, and what it may import. */
const files: readonly (readonly [string, readonly string[]])[] = [
  ...Object.entries(PURE).flatMap(([folder, others]) =>
    sources(folder).map((file) => [file, [folder, ...others]] as const),
  ),
  ...PURE_FILES.map((file) => [file, ["media", "wire", ...PURE_FILES]] as const),
];
/** In the text of a program for pages (demo/reader.ts), and in arithmetic on a given moment. */
const ALLOWED: Readonly<Record<string, RegExp>> = {
  "demo/reader.ts": /document|Date\.now/,
  // A function of ipaddr.js has this name.
  "wire/address-range.ts": /process/,
};

describe("pure code", () => {
  it("is there", () => {
    expect(files.length).toBeGreaterThan(60);
  });

  it.each(files)("%s imports only pure code", (file, allowed) => {
    for (const name of importsOf(readFileSync(join(ROOT, file), "utf8"))) {
      if (!name.startsWith(".")) {
        expect(PURE_LIBRARIES, `${file} imports ${name}`).toContain(name);
        continue;
      }
      const target = relative(ROOT, join(ROOT, file, "..", name));
      const isAllowed = allowed.some((place) => target === place || target.startsWith(`${place}/`));
      expect(isAllowed, `${file} imports ${target}`).toBe(true);
    }
  });

  it.each(files)("%s names no platform", (file) => {
    const text = withoutComments(readFileSync(join(ROOT, file), "utf8"));
    const named = FORBIDDEN_NAMES.exec(text)?.[0];
    if (named !== undefined) expect(named).toMatch(ALLOWED[file] ?? /^never$/);
  });

  it.each([
    "fetch(url)",
    "new Date()",
    "x = Date.now()",
    "f(new Date(), 1)",
    "Buffer.from(a)",
    "document.title",
    "await crypto.subtle",
  ])("would be seen to say %s", (text) => {
    expect(FORBIDDEN_NAMES.test(text)).toBe(true);
  });
});

describe("every source file", () => {
  const folders = [
    "media",
    "wire",
    "workers",
    "durable-objects",
    "transcoder",
    "web",
    "cli",
    "scripts",
    "demo",
    "bench",
    "fuzz",
  ];
  const all = folders.flatMap(sources);

  it.each(all)("%s says at its top what it is", (file) => {
    expect(readFileSync(join(ROOT, file), "utf8")).toMatch(/^(#!.*\n)?(\/\*\*|\/\/)/);
  });

  it.each(all)("%s is one idea", (file) => {
    expect(readFileSync(join(ROOT, file), "utf8").split("\n").length).toBeLessThan(400);
  });
});
