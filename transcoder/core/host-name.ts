/** A machine's name as the id of a transcoder. Pure. */

const MAX_LETTERS = 63;

/** Ids have letters, digits, dots, hyphens and underscores, and begin with one of the first two. */
export function idOfHost(hostname: string): string {
  const id = hostname
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, MAX_LETTERS);
  return id === "" ? "transcoder" : id;
}
