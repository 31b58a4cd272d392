/**
 * Media playlists drawn from the timeline that the socket brings. Requests that ask for more than there is wait for it; when
 * nothing comes any more they are all given back, and go out over HTTP as they are. It knows neither hls.js nor the socket.
 */
import { mediaPlaylist } from "../../../media/hls.ts";
import { decide, edgeOf } from "../../../media/live-edge.ts";
import { pushedPartHoldBack } from "../../../media/profile.ts";
import type { Timeline } from "../../../media/timeline.ts";
import type { Place } from "../place.ts";
import { type PlaylistRequest, requestOf } from "./request.ts";
import { silenceMs } from "./silence.ts";

/** The playlist, or `undefined`: it has to be fetched. Called once, never while `ask` runs. */
export type Settle = (text: string | undefined) => void;

interface Waiting {
  readonly request: PlaylistRequest;
  readonly settle: Settle;
}

export class PushedPlaylists {
  /** This viewer has a socket, and is counted by it. */
  hasSocket = false;
  readonly #place: Place;
  readonly #waiting = new Set<Waiting>();
  #timeline: Timeline | undefined;
  #isSilent = false;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Playlists are answered from here. After the end nothing says whether the next show has begun at the same addresses. */
  get isUp(): boolean {
    return this.#timeline !== undefined && !this.#timeline.ended && !this.#isSilent;
  }

  /** Requests that wait for an event. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** The timeline as it is now; `undefined` when the feed is down. Who waits when it ends is told the end. */
  show(timeline: Timeline | undefined): void {
    this.#timeline = timeline;
    this.#isSilent = false;
    clearTimeout(this.#silence);
    if (timeline && !timeline.ended)
      this.#silence = setTimeout(() => {
        this.#isSilent = true;
        this.#look();
      }, silenceMs(timeline));
    this.#look();
  }

  /**
   * Ask for the playlist at `url`. `undefined`: it is not to be had here. Otherwise `settle` is called when it is, or when it
   * has to be fetched after all; the answer takes the question back.
   */
  ask(url: string, settle: Settle): (() => void) | undefined {
    if (!this.isUp) return undefined;
    const request = requestOf(url, this.#place);
    if (!request || this.#verdict(request) === "fetch") return undefined;
    const one = { request, settle };
    this.#waiting.add(one);
    // hls.js asks for the next playlist while it takes this one: an answer at once would nest without end.
    queueMicrotask(() => this.#answer(one));
    return () => this.#waiting.delete(one);
  }

  #look(): void {
    for (const one of [...this.#waiting]) this.#answer(one);
  }

  #answer(one: Waiting): void {
    if (!this.#waiting.has(one)) return;
    const verdict = this.#verdict(one.request);
    if (verdict === "wait") return;
    this.#waiting.delete(one);
    one.settle(verdict === "serve" ? this.#draw(one.request) : undefined);
  }

  #verdict({ rendition, reload }: PlaylistRequest): "serve" | "wait" | "fetch" {
    const timeline = this.#timeline;
    if (!timeline || this.#isSilent) return "fetch";
    if (!timeline.renditions.some(({ name }) => name === rendition)) return "fetch";
    const verdict = decide(reload, edgeOf(timeline));
    return verdict === "too-far" ? "fetch" : verdict;
  }

  #draw({ rendition, skip }: PlaylistRequest): string | undefined {
    const timeline = this.#timeline;
    if (!timeline) return undefined;
    const { partTarget } = timeline.timing;
    return mediaPlaylist(timeline, rendition, {
      ...(skip && { skip }),
      ...(partTarget !== undefined && { partHoldBack: pushedPartHoldBack(partTarget) }),
    });
  }
}
