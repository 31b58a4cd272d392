/**
 * What the page tells the edge of its playback, with each request (CMCD, CTA-5004 version 2): only what is counted there.
 * hls.js says most of it; latency and start delay are added here. Nothing in it is about the person.
 */
import type { CMCDControllerConfig } from "hls.js";

/** Keys that hls.js fills in. */
const KEYS = ["bl", "br", "bs", "mtp", "ot", "sf", "sid", "st", "su"] as const;
/** Of this page load: random, kept nowhere. `randomUUID` would need https. */
const SESSION = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
  byte.toString(16).padStart(2, "0"),
).join("");

/** hls.js's part. In the query: headers would cost every other site's player a preflight for each request. */
export const cmcdConfig = (): CMCDControllerConfig => ({
  version: 2,
  sessionId: SESSION,
  includeKeys: [...KEYS],
});

/** Adds `ltc` and, once, `msd` to the CMCD that hls.js put into a URL; a URL without any stays as it is. */
export function sayMore(
  url: string,
  more: { readonly latencyMs?: number | undefined; readonly startDelayMs?: number | undefined },
): string {
  const said = [
    more.latencyMs === undefined ? [] : [`ltc=${Math.round(more.latencyMs)}`],
    more.startDelayMs === undefined ? [] : [`msd=${Math.round(more.startDelayMs)}`],
  ].flat();
  if (said.length === 0) return url;
  return url.replace(/([?&]CMCD=)([^&#]+)/, (_all, name: string, old: string) => {
    return `${name}${old}%2C${encodeURIComponent(said.join(","))}`;
  });
}

/** Time from the last `play` of a media element to its first picture, told once. A browser may refuse the first `play`. */
export class StartDelay {
  #askedMs: number | undefined;
  #delayMs: number | undefined;
  #isStarted = false;

  constructor(media: EventTarget, nowMs: () => number = () => performance.now()) {
    media.addEventListener("play", () => {
      this.#askedMs = nowMs();
    });
    media.addEventListener("playing", () => {
      if (!this.#isStarted && this.#askedMs !== undefined) this.#delayMs = nowMs() - this.#askedMs;
      this.#isStarted = true;
    });
  }

  /** Has there been a picture? */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** The delay, the first time that it is asked for after it is known. */
  take(): number | undefined {
    const delayMs = this.#delayMs;
    this.#delayMs = undefined;
    return delayMs;
  }
}
