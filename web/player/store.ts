/** What this browser remembers between visits. Private windows may refuse: then nothing is remembered. */

/** Read a value, or `undefined`. */
export function readStore(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Keep a value, if the browser lets us. */
export function writeStore(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Nothing depends on it.
  }
}
