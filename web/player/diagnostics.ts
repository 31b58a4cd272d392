/** `window.millrace`: what a person at the console or a test may look at. Nothing on the page depends on it. */
import type Hls from "hls.js";
import type { LateFeed } from "./feed/late.ts";
import type { LiveFeed } from "./feed/live-feed.ts";
import type { Player } from "./player.ts";
import type { Snapshot } from "./snapshot.ts";

export interface Diagnostics {
  readonly video: HTMLVideoElement;
  /** hls.js, when that is what plays. */
  readonly hls: Hls | undefined;
  readonly snapshot: Snapshot;
  /** The socket; `setConnected(false)` shows how the page does without. */
  readonly feed: LiveFeed | undefined;
}

declare global {
  interface Window {
    millrace?: Diagnostics;
  }
}

/** Make it reachable. */
export function publishDiagnostics(player: Player, feed: LateFeed): void {
  window.millrace = {
    video: player.video,
    get feed() {
      return feed.live;
    },
    get hls() {
      return player.engine?.hls;
    },
    get snapshot() {
      return player.snapshot;
    },
  };
}
