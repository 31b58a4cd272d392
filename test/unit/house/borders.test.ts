/** The rules of the house that a program can check: what pure code may import and name, and how large a file may be. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const PURE = [
  "media",
  "wire",
  "durable-objects/core",
  "workers/edge/core",
  "transcoder/core",
  "transcoder/rtmp",
  "transcoder/cmaf",
];
/** Libraries that are pure themselves. */
const PURE_LIBRARIES = new Set(["valibot"]);
/** Platform, clock and randomness, by the names they go by. */
const FORBIDDEN_NAMES =
  /\b(fetch|setTimeout|setInterval|setImmediate|Date\.now|new Date\(\)|performance|Math\.random|crypto|process|Buffer|console|caches|window(?=\.)|document(?=\.))\b(?!["'`:])/;

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

describe("pure code", () => {
  const files = PURE.flatMap(sources);

  it("is there", () => {
    expect(files.length).toBeGreaterThan(30);
  });

  it.each(files)("%s imports only pure code", (file) => {
    for (const name of importsOf(readFileSync(join(ROOT, file), "utf8"))) {
      if (!name.startsWith(".")) {
        expect(PURE_LIBRARIES, `${file} imports ${name}`).toContain(name);
        continue;
      }
      const target = relative(ROOT, join(ROOT, file, "..", name));
      expect(
        PURE.some((folder) => target.startsWith(`${folder}/`)),
        `${file} imports ${target}`,
      ).toBe(true);
    }
  });

  it.each(files)("%s names no platform", (file) => {
    const text = withoutComments(readFileSync(join(ROOT, file), "utf8"));
    expect(FORBIDDEN_NAMES.exec(text)?.[0]).toBeUndefined();
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
  ];
  const files = folders.flatMap(sources);

  it.each(files)("%s says at its top what it is", (file) => {
    expect(readFileSync(join(ROOT, file), "utf8")).toMatch(/^(#!.*\n)?(\/\*\*|\/\/)/);
  });

  it.each(files)("%s is one idea", (file) => {
    expect(readFileSync(join(ROOT, file), "utf8").split("\n").length).toBeLessThan(400);
  });
});
