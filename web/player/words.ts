/** Every sentence and label of the watch page that depends on what happens. Pure text. */
import type { Phase } from "./state.ts";

export interface Message {
  readonly headline: string;
  readonly detail?: string;
  /** Something is being waited for. */
  readonly busy: boolean;
}

/** What the page says over the picture, or `undefined` when the picture says it all. */
export function messageOf(phase: Phase, title: string, canReplay: boolean): Message | undefined {
  switch (phase) {
    case "loading":
    case "buffering":
      return { headline: phase === "loading" ? "Loading…" : "Buffering…", busy: true };
    case "unknown":
      return {
        headline: "There is no such stream",
        detail: "Check the address. If the stream is created later, this page finds it.",
        busy: false,
      };
    case "closed":
      return {
        headline: "This address does not open here",
        detail: "It may have ended, or be for somebody else. Ask for a new one where you got it.",
        busy: false,
      };
    case "offline":
      return {
        headline: `${title} is offline`,
        detail: "This page starts by itself when the show begins.",
        busy: false,
      };
    case "starting":
      return {
        headline: "The show is about to start",
        detail: "The first pictures are on their way.",
        busy: true,
      };
    case "interrupted":
      return {
        headline: "The broadcaster’s connection dropped",
        detail: "Waiting for it to come back…",
        busy: true,
      };
    case "ended":
      return {
        headline: "The show has ended",
        detail: canReplay
          ? "The last minutes can still be watched. The next show starts here by itself."
          : "The next show starts here by itself.",
        busy: false,
      };
    case "trouble":
      return { headline: "Connection trouble", detail: "Trying again…", busy: true };
    case "blocked":
      return {
        headline: "Ready when you are",
        detail: "Your browser wants a click before it plays.",
        busy: false,
      };
    case "playing":
    case "paused":
      return undefined;
  }
}

/** `1.6 s`, `42 s`, `3:07`, `1:02:03`. */
export function durationWords(seconds: number): string {
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export interface QualityFacts {
  readonly width?: number;
  readonly height?: number;
  readonly frameRate?: number;
  /** Bits a second. */
  readonly bitrate: number;
}

/** `720p · 30 fps`: lines are those of the shorter side, so that upright video is named as people name it. */
export function qualityWords({ width, height, frameRate, bitrate }: QualityFacts): string {
  const lines = width && height ? Math.min(width, height) : height;
  const name = lines ? `${lines}p` : bitrateWords(bitrate);
  return frameRate ? `${name} · ${Math.round(frameRate)} fps` : name;
}

/** `2.4 Mbit/s`, `96 kbit/s`. */
export function bitrateWords(bitsPerSecond: number): string {
  return bitsPerSecond >= 1e6
    ? `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`
    : `${Math.round(bitsPerSecond / 1000)} kbit/s`;
}

/** `just now`, `12 minutes ago`, `3 h 5 min ago`; an unreadable date gives an empty text. */
export function sinceWords(startedAt: string, nowMs: number): string {
  const minutes = Math.floor((nowMs - Date.parse(startedAt)) / 60_000);
  if (Number.isNaN(minutes)) return "";
  if (minutes < 1) return "just now";
  if (minutes < 60) return minutes === 1 ? "1 minute ago" : `${minutes} minutes ago`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return rest === 0 ? `${hours} h ago` : `${hours} h ${rest} min ago`;
}

/** `1,204 watching`; spelled alike everywhere, as the rest of the page is. */
export const viewersWords = (viewers: number): string =>
  viewers === 0 ? "Nobody watching" : `${String(viewers).replaceAll(/\B(?=(\d{3})+$)/g, ",")} watching`;

/** The profile in a viewer's words. */
export function profileWords(profile: "standard" | "low" | "ultra"): string {
  switch (profile) {
    case "standard":
      return "Standard latency";
    case "low":
      return "Low latency";
    case "ultra":
      return "Ultra-low latency";
  }
}
