/**
 * What an RTMP publish asks for: its key, its stream and its wishes, wherever the encoder could put them. Pure; whether the key
 * opens anything is origin's to say.
 */
import { STREAM_ID } from "../../media/address.ts";
import { fail, ok, type Result } from "../../media/result.ts";

/** Where encoders put what they are told: FFmpeg and OBS split one URL into the app (also in tcUrl) and the name. */
export interface PublishAddress {
  /** The last part of the URL; in OBS, the "Stream Key". */
  readonly name: string;
  readonly app: string;
  readonly tcUrl: string;
}

/** What is asked for. */
export interface PublishClaim {
  readonly key: string;
  /** Named beside the key; the key must then be this stream's. */
  readonly stream?: string;
  /** It gives way to any encoder that does not. */
  readonly yields: boolean;
  /** It waits behind another encoder of the stream. */
  readonly backup: boolean;
}

/** Why a publish cannot be read. */
export type ClaimProblem =
  | { readonly reason: "no-key" }
  /** Different keys in different places. */
  | { readonly reason: "two-keys" }
  /** There is a key behind a question mark, and beside it something that can name no stream. */
  | { readonly reason: "bad-stream-name" }
  | { readonly reason: "bad-encoding" }
  | { readonly reason: "too-long"; readonly limit: number };

/** Longest key that origin takes, letters. */
const MAX_KEY_LETTERS = 256;
/** Longest name, app or tcUrl that is looked at. */
const MAX_ADDRESS_LETTERS = 4096;
/** What origin's keys begin with. */
const KEY_PREFIX = "mrk_";

/**
 * Read a publish: the key is the name itself, or stands behind `?key=` of the name or of the app, where the name is the stream's.
 * `yield=1` and `backup=1` count in either place; other parameters are ignored, as encoders send all sorts of things.
 */
export function readClaim({ name, app, tcUrl }: PublishAddress): Result<PublishClaim, ClaimProblem> {
  if ([name, app, tcUrl].some(({ length }) => length > MAX_ADDRESS_LETTERS))
    return fail({ reason: "too-long", limit: MAX_ADDRESS_LETTERS });
  const [path, ownQuery] = cutAt(name, "?");
  const fields = [ownQuery, ...[app, tcUrl].map((text) => cutAt(text.replace(/\/+$/, ""), "?")[1])]
    .flatMap((query) => query.split("&"))
    .map((field) => cutAt(field, "="));
  const wants = (wish: string) => fields.some(([field, value]) => field === wish && value === "1");
  const given = fields.flatMap(([field, value]) => (field === "key" ? [decode(value)] : []));
  const own = decode(path);
  if (own === undefined || given.includes(undefined)) return fail({ reason: "bad-encoding" });
  const named = nameKey(own, new Set(given));
  if (!named.ok) return named;
  if (named.value.key.length > MAX_KEY_LETTERS) return fail({ reason: "too-long", limit: MAX_KEY_LETTERS });
  return ok({ ...named.value, yields: wants("yield"), backup: wants("backup") });
}

/** Which of them is the key, and whether a stream was named. */
function nameKey(
  own: string,
  given: ReadonlySet<string | undefined>,
): Result<Pick<PublishClaim, "key" | "stream">, ClaimProblem> {
  // A parameter without a value says as little as none, but then the name is not the key either.
  const [key, ...others] = [...given].filter((value) => value);
  if (others.length > 0) return fail({ reason: "two-keys" });
  if (key === undefined) return own === "" || given.size > 0 ? fail({ reason: "no-key" }) : ok({ key: own });
  if (own === "" || own === key) return ok({ key });
  if (own.startsWith(KEY_PREFIX)) return fail({ reason: "two-keys" });
  return STREAM_ID.test(own) ? ok({ key, stream: own }) : fail({ reason: "bad-stream-name" });
}

/** The app as the log may have it: people put their key there by mistake, and origin's keys go on after an underscore. */
export const loggableApp = (app: string): string =>
  /^[A-Za-z0-9.-]{1,16}(?![A-Za-z0-9.-])/.exec(app)?.[0] ?? "";

/** What is before and after the first separator. */
function cutAt(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
