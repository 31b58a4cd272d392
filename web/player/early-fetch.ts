/** Fetches the multivariant playlist while hls.js itself is still on its way. It knows nothing of hls.js. */

/** A playlist of the live edge is soon too old to start from. */
const USEFUL_MS = 3_000;
/** Nobody else sees to it that an answer comes: hls.js waits for this one without a clock. */
const TIMEOUT_MS = 8_000;

/** Fetches ahead: `fetch` now, `take` once. */
export class EarlyFetch {
  #pending: { readonly url: string; readonly text: Promise<string>; readonly atMs: number } | undefined;

  /** Start, and forget what was started before. */
  fetch(url: string): void {
    const text = fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).then((response) => {
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return response.text();
    });
    // Whoever takes it hears of a failure; nobody may.
    text.catch(() => undefined);
    this.#pending = { url, text, atMs: performance.now() };
  }

  /** The playlist at `url`, if it was fetched just now. */
  take(url: string): Promise<string> | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending && pending.url === url && performance.now() - pending.atMs < USEFUL_MS
      ? pending.text
      : undefined;
  }
}
