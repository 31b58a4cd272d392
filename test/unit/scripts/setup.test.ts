/** The set-up: what counts as installed, and what the bootstrap says where it cannot go on. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-setup-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Run a module's text with the set-up's own modules, and only the given programs in PATH. */
function evaluate(module: string, text: string, env: Record<string, string> = {}) {
  const url = pathToFileURL(join(ROOT, "scripts", "setup", module)).href;
  const source = `import * as setup from ${JSON.stringify(url)};\n${text}`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
    encoding: "utf8",
    env: { PATH: folder, ...env },
  });
  return { out: done.stdout, err: done.stderr };
}

/** A program in the folder: a shell script. */
function program(name: string, script: string): void {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

const WANTED = {
  "": {},
  "node_modules/a": { version: "1.0.0" },
  "node_modules/b": { version: "2.0.0", optional: true },
};

it.each([
  ["all there", { "node_modules/a": { version: "1.0.0" }, "node_modules/b": { version: "2.0.0" } }, true],
  ["an optional one absent", { "node_modules/a": { version: "1.0.0" } }, true],
  ["one absent", { "node_modules/b": { version: "2.0.0" } }, false],
  ["another version", { "node_modules/a": { version: "1.0.1" } }, false],
  [
    "one for this platform that the lock file's maker had not",
    { "node_modules/a": { version: "1.0.0" }, "node_modules/d": { version: "1.0.0", optional: true } },
    true,
  ],
  ["one too many", { "node_modules/a": { version: "1.0.0" }, "node_modules/c": { version: "1.0.0" } }, false],
] as const)("compares packages: %s", (_name, installed, expected) => {
  const { out } = evaluate(
    "modules.mjs",
    `console.log(setup.isInstalled(${JSON.stringify(WANTED)}, ${JSON.stringify(installed)}))`,
  );
  expect(out.trim()).toBe(String(expected));
});

const ENSURE = `
try { await setup.ensureProgram("ffmpeg"); console.log("ready"); }
catch (error) { console.log(error.constructor.name + ": " + error.message); }`;

it("is content with an FFmpeg that encodes H.264", () => {
  program("ffmpeg", 'echo " V....D libx264 H.264"');
  expect(evaluate("programs.mjs", ENSURE)).toEqual({ out: "ready\n", err: "" });
});

it("installs FFmpeg with the system's package manager", () => {
  program(
    "brew",
    `if [ "$1" = install ]; then printf '#!/bin/sh\\necho libx264\\n' > ${folder}/ffmpeg; /bin/chmod +x ${folder}/ffmpeg; fi`,
  );
  const { out, err } = evaluate("programs.mjs", ENSURE);
  expect(out).toBe("ready\n");
  expect(err).toBe("Installing FFmpeg with brew (a minute, once) ...\n");
});

it("says what to install where there is no package manager", () => {
  expect(evaluate("programs.mjs", ENSURE).out).toBe(
    "SetupError: FFmpeg is missing: install it with your system's package manager\n",
  );
});

it("shows why an installation failed", () => {
  program("brew", 'if [ "$1" = install ]; then echo "no network"; exit 1; fi');
  expect(evaluate("programs.mjs", ENSURE).out).toBe(
    "SetupError: no network\nFFmpeg could not be installed; install it with: brew install ffmpeg\n",
  );
});

it("tells of an FFmpeg without H.264", () => {
  program("ffmpeg", 'echo " V....D mpeg4"');
  expect(evaluate("programs.mjs", ENSURE).out).toContain("has no libx264");
});

it("names its commands", () => {
  const done = spawnSync(process.execPath, [join(ROOT, "scripts", "bootstrap.mjs"), "constructor"], {
    encoding: "utf8",
    env: { PATH: [folder, "/usr/bin"].join(delimiter) },
  });
  expect(done).toMatchObject({ status: 1, stderr: "Say what to run: start, test, check, bench.\n" });
});
