/**
 * What a purge may name, and which of those names an object answers to (docs/edge.md, "Purge"). Pure.
 * A scope is a prefix in its one spelling: the stem of a path, cut between two names, never inside one.
 */
import {
  type MediaAddress,
  mediaPath,
  parseMediaPath,
  RENDITION_NAME,
  STREAM_ID,
  streamOfBroadcast,
} from "../media/address.ts";
import { fail, ok, type Result } from "../media/result.ts";

/** Everything. */
export const EVERYTHING = "/";

/** `everything`: it would purge all there is, which has to be said in so many words. */
export type PrefixError =
  | { readonly reason: "everything" }
  | { readonly reason: "bad-prefix"; readonly detail: string };

/** Scope of the list of streams that are live. */
export const LIVE_STREAMS_SCOPE = "/api/streams";

/** A prefix, and the stream whose objects it is about. */
export interface Scope {
  readonly scope: string;
  readonly stream: string;
}

/** Scope of a stream: its playlists, and the media of all its broadcasts. */
export const streamScope = (stream: string): string => `/live/${stream}/`;
/** The stream whose scope this is; `undefined` for any other scope. */
export const streamOfScope = (scope: string): string | undefined => /^\/live\/([^/]+)\/$/.exec(scope)?.[1];
/** Scope of all playlists of a stream, and of nothing else. */
export const playlistsScope = (stream: string): string => `/live/${stream}/index.m3u8`;
/** Is this a scope of playlists alone? They are drawn: nothing of it is stored. */
export const isDrawn = (scope: string): boolean => scope.startsWith("/live/") && !scope.endsWith("/");
/** Scope of one rendition of a stream: its playlists, and its media in all broadcasts. */
const renditionScope = (stream: string, rendition: string): string => `/live/${stream}/${rendition}/`;

/** Read a prefix: the path of a stream, a rendition, a broadcast, a session, a rendition of it, or one object. */
export function parsePrefix(text: string): Result<Scope, PrefixError> {
  const path = text.replace(/^\//, "");
  if (path === "") return fail({ reason: "everything" });
  const names = path.replace(/\/$/, "").split("/");
  const [root, ...rest] = names;
  const found = root === "live" ? liveScope(rest) : root === "media" ? mediaScope(rest) : undefined;
  return found ? ok(found) : bad(whyNot(text));
}

function liveScope([stream = "", rendition, file, ...rest]: readonly string[]): Scope | undefined {
  if (!STREAM_ID.test(stream) || rest.length > 0) return undefined;
  if (rendition === undefined) return { scope: streamScope(stream), stream };
  if (rendition === "index.m3u8" && file === undefined) return { scope: playlistsScope(stream), stream };
  if (!RENDITION_NAME.test(rendition)) return undefined;
  if (file === undefined) return { scope: renditionScope(stream, rendition), stream };
  if (file !== "index.m3u8" && file !== "iframes.m3u8") return undefined;
  return { scope: `/live/${stream}/${rendition}/${file}`, stream };
}

function mediaScope(names: readonly string[]): Scope | undefined {
  const [broadcast = "", session, rendition, file, ...rest] = names;
  const stream = streamOfBroadcast(broadcast);
  if (stream === undefined || rest.length > 0) return undefined;
  if (file !== undefined) {
    const address = parseMediaPath(names.join("/"));
    return address && { scope: `/media/${mediaPath(address)}`, stream };
  }
  if (session !== undefined && !/^[1-9][0-9]{0,8}$/.test(session)) return undefined;
  if (rendition !== undefined && !RENDITION_NAME.test(rendition)) return undefined;
  return { scope: `/media/${names.join("/")}/`, stream };
}

const bad = (detail: string) => fail({ reason: "bad-prefix" as const, detail });

function whyNot(text: string): string {
  if (/^[a-z]+:\/\//i.test(text)) return "A prefix is a path, without scheme and host.";
  if (/^\/?p\//.test(text))
    return "A prefix is a path without its token: what is purged is purged for every token.";
  return "A prefix is the path of a stream (/live/<stream>/), a rendition, a broadcast (/media/<broadcast>/), a session, or one object.";
}

/** All scopes that a media object of a stream answers to, widest first. */
export function scopesOfMedia(address: MediaAddress, stream: string): readonly string[] {
  const { broadcast, session, rendition } = address;
  return [
    EVERYTHING,
    streamScope(stream),
    renditionScope(stream, rendition),
    `/media/${broadcast}/`,
    `/media/${broadcast}/${session}/`,
    `/media/${broadcast}/${session}/${rendition}/`,
    `/media/${mediaPath(address)}`,
  ];
}

/** All scopes that a playlist answers to, widest first; the multivariant one has no rendition. */
export function scopesOfPlaylist(
  stream: string,
  of?: { readonly rendition: string; readonly file: "index.m3u8" | "iframes.m3u8" },
): readonly string[] {
  const shared = [EVERYTHING, streamScope(stream), playlistsScope(stream)];
  if (!of) return shared;
  return [...shared, renditionScope(stream, of.rendition), `/live/${stream}/${of.rendition}/${of.file}`];
}
