/** FFmpeg and Chromium: finds them, or has the system's package manager install them where that is allowed. */
import { existsSync } from "node:fs";
import { lastLines, run, SetupError } from "./run.mjs";

const PROGRAMS = {
  ffmpeg: {
    title: "FFmpeg",
    find: findFfmpeg,
    packages: { "apt-get": "ffmpeg", dnf: "ffmpeg", apk: "ffmpeg", pacman: "ffmpeg", brew: "ffmpeg" },
  },
  chromium: {
    title: "Chromium",
    find: findChromium,
    packages: {
      "apt-get": "chromium",
      dnf: "chromium",
      apk: "chromium",
      pacman: "chromium",
      brew: "chromium",
    },
  },
};

/** Commands that install a package, by package manager, in the order in which managers are looked for. */
const MANAGERS = {
  "apt-get": (name) => [
    ["apt-get", "update"],
    ["apt-get", "install", "-y", "--no-install-recommends", name],
  ],
  dnf: (name) => [["dnf", "install", "-y", name]],
  apk: (name) => [["apk", "add", name]],
  pacman: (name) => [["pacman", "-S", "--noconfirm", "--needed", name]],
  brew: (name) => [["brew", "install", ...(name === "chromium" ? ["--cask"] : []), name]],
};

const CHROMIUMS = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Where a Chromium is (MILLRACE_CHROMIUM names one), or `undefined`. */
export async function findChromium() {
  const named = process.env.MILLRACE_CHROMIUM;
  for (const name of named ? [named] : CHROMIUMS) {
    if (name.startsWith("/") ? existsSync(name) : (await run(name, ["--version"])).code === 0) return name;
  }
  return undefined;
}

/** `ffmpeg` when it is there and can encode what is needed; a build without H.264 is told of, not replaced. */
async function findFfmpeg() {
  const encoders = await run("ffmpeg", ["-hide_banner", "-encoders"]);
  if (encoders.code !== 0) return undefined;
  if (!/\blibx264\b/.test(encoders.output))
    throw new SetupError("This FFmpeg has no libx264: install a full build of FFmpeg 5.1 or newer.");
  return "ffmpeg";
}

/** Make sure that a program is there, or end with one line that says what to install. */
export async function ensureProgram(program) {
  const { title, find, packages } = PROGRAMS[program];
  if ((await find()) !== undefined) return;
  const manager = await findManager();
  const byHand = manager
    ? `install it with: ${MANAGERS[manager](packages[manager]).at(-1).join(" ")}`
    : "install it with your system's package manager";
  const prefix = manager && (await rights(manager));
  if (!prefix) throw new SetupError(`${title} is missing: ${byHand}`);
  console.error(`Installing ${title} with ${manager} (a minute, once) ...`);
  let output = "";
  for (const command of MANAGERS[manager](packages[manager])) {
    const [name, ...args] = [...prefix, ...command];
    const done = await run(name, args, { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
    output += done.output;
  }
  if ((await find()) === undefined)
    throw new SetupError(`${lastLines(output)}\n${title} could not be installed; ${byHand}`);
}

async function findManager() {
  for (const manager of Object.keys(MANAGERS)) {
    if ((await run(manager, ["--version"])).code === 0) return manager;
  }
  return undefined;
}

/** What to put before a command so that it may install: nothing for root, sudo where it asks no password. */
async function rights(manager) {
  if (manager === "brew" || process.getuid?.() === 0) return [];
  return (await run("sudo", ["-n", "true"])).code === 0 ? ["sudo", "-n"] : undefined;
}
