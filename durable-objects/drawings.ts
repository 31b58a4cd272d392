/** Playlists of one moment of a timeline, each drawn once however many ask for it. How they are drawn stands in media/hls.ts. */
import {
  foldView,
  iframePlaylist,
  isEmptyView,
  mediaPlaylist,
  multivariantPlaylist,
  type Skip,
  type View,
} from "../media/hls.ts";
import type { Timeline } from "../media/timeline.ts";
import { copyOf } from "./core/viewers/publishing.ts";

/** A rendition's playlist. */
export interface RenditionRequest {
  readonly kind: "media" | "iframes";
  readonly rendition: string;
  readonly skip?: Skip;
}

/** The multivariant playlist, or what a view leaves of it. */
export interface MultivariantRequest {
  readonly kind: "multivariant";
  readonly view?: View;
}

/** The timeline itself as JSON, for players that draw their playlists themselves. */
export interface TimelineRequest {
  readonly kind: "timeline";
}

/** Which playlist is wanted, or the timeline. */
export type DrawRequest = MultivariantRequest | RenditionRequest | TimelineRequest;

export class Drawings {
  readonly #drawn = new Map<string, string>();

  /** The timeline is another one now. */
  forget(): void {
    this.#drawn.clear();
  }

  /** The text, or `undefined` when there is no such rendition, or nothing at all that the view may show. */
  draw(timeline: Timeline, request: DrawRequest): string | undefined {
    const wanted = request.kind === "multivariant" ? folded(timeline, request) : request;
    const key = keyOf(wanted);
    const known = this.#drawn.get(key);
    if (known !== undefined) return known;
    const text = drawNow(timeline, wanted);
    if (text !== undefined) this.#drawn.set(key, text);
    return text;
  }
}

const folded = (timeline: Timeline, { view }: MultivariantRequest): MultivariantRequest => ({
  kind: "multivariant",
  ...(view && { view: foldView(timeline, view) }),
});

function keyOf(request: DrawRequest): string {
  if (request.kind === "timeline") return request.kind;
  if (request.kind !== "multivariant") return `${request.kind} ${request.rendition} ${request.skip ?? ""}`;
  const { maxHeight = "", hardMaxHeight = "", audioFirst = "" } = request.view ?? {};
  return `${maxHeight} ${hardMaxHeight} ${audioFirst}`;
}

function drawNow(timeline: Timeline, request: DrawRequest): string | undefined {
  if (request.kind === "timeline") return JSON.stringify(copyOf(timeline));
  if (request.kind === "multivariant") {
    const { view } = request;
    return view && isEmptyView(timeline, view) ? undefined : multivariantPlaylist(timeline, view);
  }
  const { kind, rendition, skip } = request;
  const track = timeline.renditions.find(({ name }) => name === rendition);
  if (!track || (kind === "iframes" && track.kind !== "video")) return undefined;
  return (kind === "media" ? mediaPlaylist : iframePlaylist)(timeline, rendition, skip && { skip });
}
