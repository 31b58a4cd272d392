/**
 * Where notifications may be sent. Users name the address, and this side calls it: nothing that is not a public name on the web is
 * called. What a name resolves to is not looked up here: Workers reach no private network.
 */

const MAX_LETTERS = 2_048;
/**
 * Scheme, authority, path: ASCII without spaces, backslashes and fragments, which parsers of URLs would drop or mend. It is judged as it
 * is written, so that nothing is left to them: no user, no other port, no other spelling of an address.
 */
const ADDRESS = /^(https?:\/\/)([^/?#@\\\s]+)(?:[/?][\x21-\x22\x24-\x5b\x5d-\x7e]*)?$/i;
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
/** The last label: no number in any spelling begins so. */
const TOP = /^(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;
const MAX_NAME_LETTERS = 253;
/** Names that are not the web's (RFC 6761, 6762, 7686, 8375, 9476, and what home and office networks use). */
const PRIVATE_TOPS = new Set([
  ...["alt", "arpa", "corp", "domain", "example", "home", "host", "internal", "intranet", "invalid", "lan"],
  ...["local", "localdomain", "localhost", "mail", "onion", "private", "test", "workgroup"],
]);
/** Public names that resolve to whatever address is in them, or to one's own machine. */
const MIRRORS = ["nip.io", "sslip.io", "xip.io", "localtest.me", "lvh.me", "vcap.me", "lacolhost.com"];

/** May notifications be sent there? `others` are origins that may be reached besides, for tests and development. */
export function isPushEndpoint(endpoint: string, others: readonly string[]): boolean {
  if (endpoint.length > MAX_LETTERS) return false;
  const [, scheme = "", authority = ""] = ADDRESS.exec(endpoint.toLowerCase()) ?? [];
  if (authority === "") return false;
  if (others.includes(scheme + authority)) return true;
  return scheme === "https://" && isPublicName(authority.replace(/:443$/, ""));
}

/** Origins of the setting PUSH_ENDPOINTS. */
export const originsOf = (setting: string | undefined): readonly string[] =>
  (setting ?? "")
    .split(",")
    .map((origin) => origin.trim())
    .filter((origin) => origin !== "");

function isPublicName(name: string): boolean {
  const labels = name.split(".");
  const top = labels.at(-1) ?? "";
  if (name.length > MAX_NAME_LETTERS || labels.length < 2) return false;
  if (!labels.every((label) => LABEL.test(label)) || !TOP.test(top) || PRIVATE_TOPS.has(top)) return false;
  return !MIRRORS.some((mirror) => name === mirror || name.endsWith(`.${mirror}`));
}
