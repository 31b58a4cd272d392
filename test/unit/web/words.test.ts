/** Labels, keys and waits of the pages. */
import { describe, expect, it } from "vitest";
import { pollDelayMs, retryDelayMs } from "../../../web/player/backoff.ts";
import { commandOf, type KeyPress } from "../../../web/player/keys.ts";
import {
  bitrateWords,
  durationWords,
  messageOf,
  qualityWords,
  sinceWords,
  viewersWords,
} from "../../../web/player/words.ts";

describe("words", () => {
  it.each([
    [0, "Nobody watching"],
    [1, "1 watching"],
    [999, "999 watching"],
    [1_204, "1,204 watching"],
    [1_000_000, "1,000,000 watching"],
  ])("an audience of %d is %s", (viewers, words) => {
    expect(viewersWords(viewers)).toBe(words);
  });

  it.each([
    [1.62, "1.6 s"],
    [-0.2, "0.0 s"],
    [9.94, "9.9 s"],
    [9.96, "10 s"],
    [59.4, "59 s"],
    [187, "3:07"],
    [3_723, "1:02:03"],
  ])("a duration of %d s is %s", (seconds, words) => {
    expect(durationWords(seconds)).toBe(words);
  });

  it.each([
    [{ width: 1280, height: 720, frameRate: 29.97, bitrate: 1 }, "720p · 30 fps"],
    [{ width: 720, height: 1280, frameRate: 60, bitrate: 1 }, "720p · 60 fps"],
    [{ width: 640, height: 360, bitrate: 1 }, "360p"],
    [{ bitrate: 96_000 }, "96 kbit/s"],
  ])("a quality is named as people name it: %j", (facts, words) => {
    expect(qualityWords(facts)).toBe(words);
  });

  it("names bitrates, and times that passed", () => {
    expect(bitrateWords(2_449_000)).toBe("2.4 Mbit/s");
    const start = "2026-11-21T10:00:00Z";
    const at = (minutes: number): string => sinceWords(start, Date.parse(start) + minutes * 60_000);
    expect([at(0.5), at(1), at(59), at(60), at(125)]).toEqual([
      "just now",
      "1 minute ago",
      "59 minutes ago",
      "1 h ago",
      "2 h 5 min ago",
    ]);
    expect(sinceWords("soon", 0)).toBe("");
  });

  it("offers the last minutes only when they exist", () => {
    expect(messageOf("ended", "Jam", true)?.detail).toContain("last minutes");
    expect(messageOf("ended", "Jam", false)?.detail).not.toContain("last minutes");
    expect(messageOf("offline", "Jam", false)?.headline).toBe("Jam is offline");
    expect(messageOf("playing", "Jam", false)).toBeUndefined();
  });
});

describe("keys", () => {
  const press = (key: string, more: Partial<KeyPress> = {}) =>
    commandOf({ key, modified: false, on: "page", ...more });
  it.each([
    [" ", "toggle-play"],
    ["K", "toggle-play"],
    ["m", "toggle-mute"],
    ["f", "toggle-fullscreen"],
    ["l", "go-live"],
    ["?", "help"],
    ["ArrowLeft", "seek-back"],
    ["ArrowUp", "volume-up"],
    ["x", undefined],
  ])("%j is %s", (key, command) => {
    expect(press(key)).toBe(command);
  });
  it("leaves keys to what has the focus, and to the browser", () => {
    expect(press(" ", { on: "button" })).toBeUndefined();
    expect(press("ArrowDown", { on: "menu" })).toBeUndefined();
    expect(press("ArrowLeft", { on: "slider" })).toBeUndefined();
    expect(press("k", { on: "text" })).toBeUndefined();
    expect(press("l", { modified: true })).toBeUndefined();
    expect(press("m", { on: "button" })).toBe("toggle-mute");
  });
});

describe("waits", () => {
  const poll = { settled: false, missing: false, hidden: false, failures: 0, random: 0.5 };
  it("asks every two seconds for what may begin, seldom for what runs or is not looked at", () => {
    expect(pollDelayMs(poll)).toBe(2_000);
    expect(pollDelayMs({ ...poll, settled: true })).toBeGreaterThan(8_000);
    expect(pollDelayMs({ ...poll, hidden: true })).toBe(10_000);
  });
  it("backs off with jitter, and not without end", () => {
    const waits = [1, 2, 3, 20].map((failures) => pollDelayMs({ ...poll, failures }));
    expect(waits).toEqual([2_000, 4_000, 8_000, 30_000]);
    expect(pollDelayMs({ ...poll, failures: 3, random: 0 })).toBe(4_000);
    expect(pollDelayMs({ ...poll, failures: 3, random: 1 })).toBe(12_000);
    expect(retryDelayMs(1, 0.5)).toBe(500);
    expect(retryDelayMs(50, 0.5)).toBe(8_000);
  });
});
