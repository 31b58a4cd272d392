/** Text that others wrote, as a terminal may have it. */

/** Control characters do whatever the terminal takes them for, so each becomes U+FFFD. */
export const printable = (text: string): string => text.replace(/\p{Cc}/gu, "\u{fffd}");
