/** What can be cached at the edge, and how it is named there: no viewer's host, token, query or header is part of a name. */
import type { DrawRequest } from "../../durable-objects/drawings.ts";
import { type MediaAddress, mediaPath } from "../../media/address.ts";
import type { Reload } from "../../media/live-edge.ts";
import { type Generations, type Place, placeOf } from "../../wire/generations.ts";
import {
  EVERYTHING,
  LIVE_STREAMS_SCOPE,
  scopesOfMedia,
  scopesOfPlaylist,
  streamScope,
} from "../../wire/purge-prefix.ts";

/** One thing that the origin side can be asked for. */
export type Target =
  | { readonly kind: "media"; readonly stream: string; readonly address: MediaAddress }
  | {
      readonly kind: "playlist";
      readonly stream: string;
      readonly request: DrawRequest;
      readonly reload?: Reload;
    }
  | { readonly kind: "status"; readonly stream: string }
  | { readonly kind: "live-streams" };

/** Its one name. */
export function pathOf(target: Target): string {
  switch (target.kind) {
    case "media":
      return `/media/${mediaPath(target.address)}`;
    case "playlist":
      return playlistPath(target);
    case "status":
      return `/api/streams/${target.stream}`;
    case "live-streams":
      return "/api/streams";
  }
}

function playlistPath({ stream, request, reload }: Target & { kind: "playlist" }): string {
  if (request.kind === "multivariant") {
    const { maxHeight = "", hardMaxHeight = "", audioFirst = false } = request.view ?? {};
    return `/live/${stream}/index.m3u8?max=${maxHeight}&hard=${hardMaxHeight}&audio=${audioFirst ? 1 : 0}`;
  }
  if (request.kind === "timeline") return `/live/${stream}/timeline.json`;
  const query = [
    ...(reload ? [`msn=${reload.msn}`] : []),
    ...(reload?.part === undefined ? [] : [`part=${reload.part}`]),
    ...(request.skip ? [`skip=${request.skip}`] : []),
  ];
  const file = fileOf(request.kind);
  return `/live/${stream}/${request.rendition}/${file}${query.length > 0 ? `?${query.join("&")}` : ""}`;
}

const fileOf = (kind: "media" | "iframes") => (kind === "media" ? "index.m3u8" : "iframes.m3u8");

/** The scopes whose purge it is under. */
function scopesOf(target: Target): readonly string[] {
  switch (target.kind) {
    case "media":
      return scopesOfMedia(target.address, target.stream);
    case "playlist": {
      const { stream, request } = target;
      // It names every rendition: a purge of one of them takes its playlists, and its objects are fetched anew.
      if (request.kind === "multivariant" || request.kind === "timeline") return scopesOfPlaylist(stream);
      return scopesOfPlaylist(stream, { rendition: request.rendition, file: fileOf(request.kind) });
    }
    case "status":
      return [EVERYTHING, streamScope(target.stream)];
    case "live-streams":
      return [EVERYTHING, LIVE_STREAMS_SCOPE];
  }
}

/** Where it is found in a cache. An edge that cannot learn of purges keeps nothing for longer than a second. */
export const placeIn = (generations: Generations | undefined, target: Target, now: number): Place =>
  generations ? placeOf(generations, scopesOf(target)) : { number: -Math.floor(now / 1000), soft: false };

/** The stream that it is about. */
export function streamOf(target: Target): string | undefined {
  return target.kind === "live-streams" ? undefined : target.stream;
}

/** What may stand in for it when it cannot be had: the newest playlist for one that is still to come. */
export function standInOf(target: Target): Target | undefined {
  if (target.kind !== "playlist" || target.reload === undefined) return undefined;
  const { kind, stream, request } = target;
  return { kind, stream, request };
}
