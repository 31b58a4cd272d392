/** Playlists of one moment of a timeline, each drawn once however many ask for it. How they are drawn stands in media/hls.ts. */
import { iframePlaylist, mediaPlaylist, multivariantPlaylist, type Skip } from "../media/hls.ts";
import type { Timeline } from "../media/timeline.ts";

/** A rendition's playlist. */
export interface RenditionRequest {
  readonly kind: "media" | "iframes";
  readonly rendition: string;
  readonly skip?: Skip;
}

/** Which playlist is wanted. */
export type DrawRequest = { readonly kind: "multivariant" } | RenditionRequest;

export class Drawings {
  readonly #drawn = new Map<string, string>();

  /** The timeline is another one now. */
  forget(): void {
    this.#drawn.clear();
  }

  /** The text, or `undefined` when there is no such rendition. */
  draw(timeline: Timeline, request: DrawRequest): string | undefined {
    const key =
      request.kind === "multivariant" ? "" : `${request.kind} ${request.rendition} ${request.skip ?? ""}`;
    const known = this.#drawn.get(key);
    if (known !== undefined) return known;
    const text = drawNow(timeline, request);
    if (text !== undefined) this.#drawn.set(key, text);
    return text;
  }
}

function drawNow(timeline: Timeline, request: DrawRequest): string | undefined {
  if (request.kind === "multivariant") return multivariantPlaylist(timeline);
  const { kind, rendition, skip } = request;
  const track = timeline.renditions.find(({ name }) => name === rendition);
  if (!track || (kind === "iframes" && track.kind !== "video")) return undefined;
  return (kind === "media" ? mediaPlaylist : iframePlaylist)(timeline, rendition, skip && { skip });
}
