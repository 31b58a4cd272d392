/** Types of programs.mjs for TypeScript that uses it. */

/** Where a Chromium is: a path, or a name on the PATH. */
export function findChromium(): Promise<string | undefined>;
