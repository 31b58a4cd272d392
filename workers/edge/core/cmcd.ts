/**
 * Common Media Client Data (CTA-5004 version 1, and request mode of version 2): what a player says of itself with a request.
 * Read key by key, as a structured dictionary (RFC 8941 3.2): what does not parse is left out, and no request is refused for it.
 */

/** Longest text that is looked at, letters. A longer one is no CMCD. */
export const MAX_CMCD_LETTERS = 2048;
/** Most values of one list. */
const MAX_LIST = 16;

/** Headers that carry CMCD; they are read as one dictionary, for custom keys may stand in any. */
export const CMCD_HEADERS = ["CMCD-Object", "CMCD-Request", "CMCD-Session", "CMCD-Status"] as const;
/** Name of the query's argument. */
export const CMCD_PARAMETER = "CMCD";

const OBJECT_TYPES = ["m", "a", "v", "av", "i", "c", "tt", "k", "o"] as const;
/** What is asked for: manifest, audio, video, both, init section, captions, timed text, key, other. */
export type ObjectType = (typeof OBJECT_TYPES)[number];

/** One value of a list, and the kind of object that it is about, if that was said. */
export interface ListedInteger {
  readonly value: number;
  readonly objectType?: ObjectType;
}

/** Every key that is read, and how its value is spelled. A list may also be a lone value: that is version 1. */
const KEYS = {
  ab: "integers",
  bg: "boolean",
  bl: "integers",
  br: "integers",
  bs: "boolean",
  bsa: "integers",
  bsd: "integers",
  bsda: "integers",
  cdn: "string",
  cid: "string",
  cs: "string",
  d: "integer",
  dfa: "integer",
  dl: "integer",
  ec: "strings",
  lab: "integers",
  lb: "integers",
  ltc: "integer",
  msd: "integer",
  mtp: "integers",
  nor: "strings",
  nr: "boolean",
  nrr: "string",
  ot: OBJECT_TYPES,
  pb: "integers",
  pr: "decimal",
  pt: "integer",
  rc: "integer",
  rtp: "integer",
  sf: ["d", "h", "e", "s", "o"],
  sid: "string",
  sn: "integer",
  st: ["v", "l", "ll"],
  sta: ["s", "p", "k", "r", "w", "a", "e", "f", "q", "d"],
  su: "boolean",
  tab: "integers",
  tb: "integers",
  tbl: "integers",
  tpb: "integers",
  ttfb: "integer",
  ttlb: "integer",
  v: "integer",
} as const;

interface Kinds {
  readonly integer: number;
  readonly decimal: number;
  readonly boolean: boolean;
  readonly string: string;
  readonly integers: readonly ListedInteger[];
  readonly strings: readonly string[];
}
type ValueOf<K> = K extends keyof Kinds ? Kinds[K] : K extends readonly (infer T)[] ? T : never;
type Key = keyof typeof KEYS;

/** What was said and understood. Bitrates are kbit/s, times milliseconds. */
export type Cmcd = { readonly [K in Key]?: ValueOf<(typeof KEYS)[K]> };

/**
 * The CMCD of a request: `query` is the decoded argument, `header` looks a header up. `undefined` when there is none, when
 * it is too long, and when it is of a version that gives the keys other meanings.
 */
export function readCmcd(query: string | null, header: (name: string) => string | null): Cmcd | undefined {
  const said = [query, ...CMCD_HEADERS.map(header)].filter((text) => text !== null && text !== "");
  return said.length === 0 ? undefined : parseCmcd(said.join(","));
}

/** Read a dictionary of CMCD keys. */
export function parseCmcd(text: string): Cmcd | undefined {
  if (text.length > MAX_CMCD_LETTERS) return undefined;
  const found: Record<string, unknown> = {};
  for (const member of split(text, ",").map((piece) => piece.trim())) {
    const name = /^[a-z]{1,4}/.exec(member)?.[0] ?? "";
    if (!isKey(name)) continue;
    const value = readValue(KEYS[name], member.slice(name.length));
    if (value !== undefined) found[name] = value;
  }
  // Each value has been read as its key's kind.
  const cmcd = found as Cmcd;
  const isKnown = cmcd.v === undefined || cmcd.v === 1 || cmcd.v === 2;
  return isKnown && Object.keys(found).length > 0 ? cmcd : undefined;
}

const isKey = (name: string): name is Key => Object.hasOwn(KEYS, name);

/** Take text apart, but no strings. A string that does not end takes the rest along. */
function split(text: string, separator: "," | " "): readonly string[] {
  const pieces: string[] = [];
  let [start, quoted] = [0, false];
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (quoted && letter === "\\") at += 1;
    else if (letter === '"') quoted = !quoted;
    else if (letter === separator && !quoted) {
      pieces.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...pieces, text.slice(start)];
}

/** The value of a member; `text` is all that follows its key: nothing, `=<value>`, or parameters. */
function readValue(kind: (typeof KEYS)[Key], text: string): unknown {
  if (kind === "boolean") return booleanOf(text);
  if (!text.startsWith("=")) return undefined;
  const spelled = text.slice(1);
  switch (kind) {
    case "integer":
      return integerOf(bare(spelled) ?? "");
    case "decimal":
      return decimalOf(bare(spelled) ?? "");
    case "string":
      return stringOf(spelled);
    case "integers":
      return listOf(spelled, listedInteger);
    case "strings":
      return listOf(spelled, stringOf);
    default:
      return kind.find((token) => token === bare(spelled));
  }
}

const PARAMETERS = `(?:;[a-z*][a-z0-9_.*-]*(?:=(?:"[^"]*"|[^";=() ]+))?)*`;
const BARE = new RegExp(`^([^";=() ]+)${PARAMETERS}$`);
const STRING = new RegExp(`^"((?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\["\\\\])*)"${PARAMETERS}$`);
const BOOLEAN = new RegExp(`^(=\\?[01])?${PARAMETERS}$`);
const LIST = new RegExp(`^\\((.*)\\)${PARAMETERS}$`);

/** A number or token without its parameters. */
const bare = (text: string): string | undefined => BARE.exec(text)?.[1];

/** A key by itself is true (RFC 8941 3.2). */
function booleanOf(text: string): boolean | undefined {
  const [all, value] = BOOLEAN.exec(text) ?? [];
  return all === undefined ? undefined : value !== "=?0";
}

/** None of the keys may be negative. */
const integerOf = (text: string): number | undefined =>
  /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;

const decimalOf = (text: string): number | undefined =>
  /^[0-9]{1,12}(?:\.[0-9]{1,3})?$/.test(text) ? Number(text) : undefined;

/** A quoted string; within it a backslash stands before a quote or a backslash (RFC 8941 3.3.3). */
const stringOf = (text: string): string | undefined => STRING.exec(text)?.[1]?.replace(/\\(.)/g, "$1");

function listedInteger(text: string): ListedInteger | undefined {
  const value = integerOf(bare(text) ?? "");
  if (value === undefined) return undefined;
  const parameters = text.split(";").slice(1);
  const objectType = OBJECT_TYPES.find((type) => parameters.includes(type));
  return { value, ...(objectType !== undefined && { objectType }) };
}

/** An inner list (RFC 8941 3.1.1), or a lone value; one bad item spoils it. */
function listOf<T>(text: string, read: (item: string) => T | undefined): readonly T[] | undefined {
  const inner = LIST.exec(text)?.[1];
  const items = inner === undefined ? [text] : split(inner, " ").filter((item) => item !== "");
  if (items.length === 0 || items.length > MAX_LIST) return undefined;
  const values = items.map(read).filter((value) => value !== undefined);
  return values.length === items.length ? values : undefined;
}
