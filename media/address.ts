/**
 * How streams, broadcasts, sessions and media objects are named in URLs and in R2.
 * Not routing: a path becomes facts here, or `undefined`, and nothing else.
 */

/** Permanent address of a broadcaster: lower case letters, digits and inner hyphens, at most 63. */
export const STREAM_ID = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Name of one quality of one track. */
export const RENDITION_NAME = /^[a-z0-9]{1,16}$/;

/** Letters of the unguessable part of a broadcast id: Crockford's base 32, 26 of them hold 130 bits. */
const SECRET_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const SECRET_LENGTH = 26;
const BROADCAST_ID = new RegExp(`^(.+)-([${SECRET_ALPHABET}]{${SECRET_LENGTH}})$`);
const COUNT = "(0|[1-9][0-9]{0,9})";
const SEGMENT_FILE = new RegExp(`^seg-${COUNT}\\.m4s$`);
const PART_FILE = new RegExp(`^part-${COUNT}\\.${COUNT}\\.m4s$`);

/** What one media file name says. */
export type MediaFile =
  | { readonly kind: "init" }
  | { readonly kind: "segment"; readonly msn: number }
  | { readonly kind: "part"; readonly msn: number; readonly part: number };

/** Where one media object lives. */
export interface MediaAddress {
  readonly broadcast: string;
  /** Ordinal of the session within its broadcast, from 1. */
  readonly session: number;
  readonly rendition: string;
  readonly file: MediaFile;
}

/** Number of random bytes `broadcastId` needs. */
export const BROADCAST_SECRET_BYTES = SECRET_LENGTH;

/** Letters for random bytes, one a byte: five bits of each are used. */
export function secretLetters(random: Uint8Array): string {
  let letters = "";
  for (const byte of random) letters += SECRET_ALPHABET.charAt(byte & 31);
  return letters;
}

/** Id of a new broadcast: the stream it belongs to, and 130 random bits. */
export function broadcastId(stream: string, random: Uint8Array): string {
  return `${stream}-${secretLetters(random.subarray(0, SECRET_LENGTH))}`;
}

/** The stream a broadcast id belongs to, or `undefined` when it is not such an id. */
export function streamOfBroadcast(broadcast: string): string | undefined {
  const stream = BROADCAST_ID.exec(broadcast)?.[1];
  return stream !== undefined && STREAM_ID.test(stream) ? stream : undefined;
}

/** Id of a session on the ingest API: its broadcast and its ordinal. */
export const sessionId = (broadcast: string, ordinal: number): string => `${broadcast}.${ordinal}`;

/** Take a session id apart, or `undefined`. */
export function parseSessionId(
  id: string,
): { readonly stream: string; readonly broadcast: string; readonly ordinal: number } | undefined {
  const [broadcast = "", ordinal = "", ...rest] = id.split(".");
  const stream = streamOfBroadcast(broadcast);
  if (stream === undefined || rest.length > 0 || !/^[1-9][0-9]{0,8}$/.test(ordinal)) return undefined;
  return { stream, broadcast, ordinal: Number(ordinal) };
}

/** File name of a media object. */
export function fileName(file: MediaFile): string {
  switch (file.kind) {
    case "init":
      return "init.mp4";
    case "segment":
      return `seg-${file.msn}.m4s`;
    case "part":
      return `part-${file.msn}.${file.part}.m4s`;
  }
}

/** Read a file name; only the exact spelling that `fileName` writes is one. */
export function parseFileName(name: string): MediaFile | undefined {
  if (name === "init.mp4") return { kind: "init" };
  const segment = SEGMENT_FILE.exec(name);
  if (segment) return { kind: "segment", msn: Number(segment[1]) };
  const part = PART_FILE.exec(name);
  if (part) return { kind: "part", msn: Number(part[1]), part: Number(part[2]) };
  return undefined;
}

/** Path below `/media/`, and with `media/` in front the R2 key. */
export const mediaPath = ({ broadcast, session, rendition, file }: MediaAddress): string =>
  `${broadcast}/${session}/${rendition}/${fileName(file)}`;

/** R2 key of a media object. */
export const mediaKey = (address: MediaAddress): string => `media/${mediaPath(address)}`;

/** Read `<broadcast>/<session>/<rendition>/<file>`, or `undefined`. */
export function parseMediaPath(path: string): MediaAddress | undefined {
  const [broadcast = "", session = "", rendition = "", name = "", ...rest] = path.split("/");
  const file = parseFileName(name);
  if (rest.length > 0 || file === undefined || !RENDITION_NAME.test(rendition)) return undefined;
  if (!/^[1-9][0-9]{0,8}$/.test(session) || streamOfBroadcast(broadcast) === undefined) return undefined;
  return { broadcast, session: Number(session), rendition, file };
}

/** Content type of a media object (RFC 8216bis 3.1.2; ISO/IEC 23000-19). */
export const contentType = (file: MediaFile): string =>
  file.kind === "init" ? "video/mp4" : "video/iso.segment";
