/**
 * Device classes: what a viewer's device makes of a multivariant playlist (docs/edge.md, "Device classes"). Few, so that few
 * playlists are drawn and cached; which headers a choice depended on is said, for `Vary`. Pure.
 */
import type { View } from "../../../media/hls.ts";
import { fail, ok, type Result } from "../../../media/result.ts";

export type DeviceClass = "cap480" | "cap720" | "full" | "audio-first";

/** The class, and the request headers that were looked at to choose it. */
export interface DeviceChoice {
  readonly device: DeviceClass;
  readonly dependsOn: readonly string[];
}

export interface BadMax {
  readonly reason: "bad-parameter";
  readonly detail: string;
}

/** `?max=`: a height in lines, or `audio`. Nothing when it is not there. */
export function parseMax(value: string | null): Result<DeviceClass | undefined, BadMax> {
  if (value === null) return ok(undefined);
  if (value === "audio") return ok("audio-first");
  if (!/^[0-9]{1,5}$/.test(value))
    return fail({ reason: "bad-parameter", detail: "max must be a height, as 720, or `audio`." });
  const lines = Number(value);
  if (lines === 0) return ok("audio-first");
  return ok(lines <= 480 ? "cap480" : lines <= 720 ? "cap720" : "full");
}

/** What one header says; `undefined` sends to the next one. */
interface Hint {
  readonly header: string;
  readonly read: (value: string) => DeviceClass | undefined;
}

/** Strongest first. A header that is missing was looked at all the same: with it, the choice would be another. */
const HINTS: readonly Hint[] = [
  // `on` is the only value that means anything.
  { header: "Save-Data", read: (value) => (/^on(?:$|;)/i.test(value.trim()) ? "cap480" : undefined) },
  { header: "Sec-CH-Viewport-Width", read: ofWidth },
  { header: "Viewport-Width", read: ofWidth },
  // Tablets say ?0: they are shown what desktops are.
  {
    header: "Sec-CH-UA-Mobile",
    read: (value) => (value === "?1" ? "cap720" : value === "?0" ? "full" : undefined),
  },
  { header: "User-Agent", read: ofUserAgent },
];

/** Choose by `?max=`, else by hints. `header` looks a request header up. */
export function chooseDevice(
  max: DeviceClass | undefined,
  header: (name: string) => string | null,
): DeviceChoice {
  const dependsOn: string[] = [];
  if (max !== undefined) return { device: max, dependsOn };
  for (const hint of HINTS) {
    dependsOn.push(hint.header);
    const value = header(hint.header);
    const device = value === null ? undefined : hint.read(value);
    if (device !== undefined) return { device, dependsOn };
  }
  return { device: "full", dependsOn };
}

/** What a class, and a token's `maxHeight`, leave of a playlist; `undefined` is all of it. */
export function viewOf(device: DeviceClass, tokenMaxHeight?: number): View | undefined {
  const hard = tokenMaxHeight === undefined ? {} : { hardMaxHeight: stepBelow(tokenMaxHeight) };
  switch (device) {
    case "cap480":
      return { maxHeight: 480, ...hard };
    case "cap720":
      return { maxHeight: 720, ...hard };
    case "audio-first":
      return { audioFirst: true, ...hard };
    case "full":
      return tokenMaxHeight === undefined ? undefined : hard;
  }
}

/** Heights that pictures have: what tokens say is rounded down to one, so that not each has playlists of its own. */
const STEPS = [
  ...[0, 144, 180, 240, 270, 288, 360, 432, 480, 540, 576, 600, 648, 720, 768],
  ...[800, 900, 960, 1024, 1080, 1200, 1440, 1600, 2160, 4320, 8640],
];

const stepBelow = (lines: number): number => STEPS.findLast((step) => step <= lines) ?? 0;

/** Widths of windows that show no more than 480 and 720 lines, CSS pixels; a phone has up to three dots to each. */
const [TINY_PIXELS, SMALL_PIXELS] = [320, 600];

/** A wide window says nothing: phones are wide when they lie on their side. */
function ofWidth(value: string): DeviceClass | undefined {
  if (!/^[0-9]{1,6}(?:\.[0-9]{1,3})?$/.test(value)) return undefined;
  const pixels = Number(value);
  if (pixels <= 0 || pixels > SMALL_PIXELS) return undefined;
  return pixels <= TINY_PIXELS ? "cap480" : "cap720";
}

/** Letters of a User-Agent that are looked at. */
const MAX_AGENT_LETTERS = 512;

/** First match wins: televisions call themselves Android and mobile too. */
const AGENTS: readonly (readonly [RegExp, DeviceClass])[] = [
  [/HomePod|AudioAccessory|\bSonos\b|AlexaMediaPlayer|DeviceType\/SmartSpeaker/, "audio-first"],
  [
    /TV\b|BRAVIA|Web0S|\bCrKey\/|\bRoku\b|\bAFT[A-Z0-9]{1,8}\b|Nintendo|PlayStation|\bXbox\b|VIDAA|Tizen(?!.*\bMobile\b)/,
    "full",
  ],
  [/\biPad\b/, "full"],
  [/\biPhone\b|\biPod\b|\bMobile\b|Windows Phone|Opera M(?:ini|obi)/, "cap720"],
];

function ofUserAgent(value: string): DeviceClass | undefined {
  const agent = value.slice(0, MAX_AGENT_LETTERS);
  return AGENTS.find(([pattern]) => pattern.test(agent))?.[1];
}
