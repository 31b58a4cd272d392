/** Figures as people read them: rates, sizes, lengths of time. A fact that is no number is shown as it is. */

export const isNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value);

/** At most so many decimals, none that say nothing: `29.97`, `30`. */
export const roundWords = (value: unknown, decimals: number): string =>
  isNumber(value) ? String(Number(value.toFixed(decimals))) : String(value);

/** `4.8 Mbit/s`, `128 kbit/s`. */
export function bitrateWords(bitsPerSecond: unknown): string {
  if (!isNumber(bitsPerSecond)) return String(bitsPerSecond);
  return bitsPerSecond >= 999_500
    ? `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`
    : `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
}

/** `1.2 MB`, `31 kB`, `512 B`. */
export function bytesWords(bytes: unknown): string {
  if (!isNumber(bytes)) return String(bytes);
  if (bytes >= 999_500) return `${(bytes / 1e6).toFixed(1)} MB`;
  return bytes >= 1000 ? `${Math.round(bytes / 1e3)} kB` : `${bytes} B`;
}

/** `2 s`, `0.51 s`. */
export const secondsWords = (seconds: unknown): string => `${roundWords(seconds, 2)} s`;

/** `0.98x`. */
export const ratioWords = (ratio: number): string => `${ratio.toFixed(2)}x`;
