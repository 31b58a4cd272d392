/** `window.millrace`: what a person at the console or a test may look at. Nothing on the page depends on it. */
import type Hls from "hls.js";
import type { Player, Snapshot } from "./player.ts";

export interface Diagnostics {
  readonly video: HTMLVideoElement;
  /** hls.js, when that is what plays. */
  readonly hls: Hls | undefined;
  readonly snapshot: Snapshot;
}

declare global {
  interface Window {
    millrace?: Diagnostics;
  }
}

/** Make it reachable. */
export function publishDiagnostics(player: Player): void {
  window.millrace = {
    video: player.video,
    get hls() {
      return player.engine?.hls;
    },
    get snapshot() {
      return player.snapshot;
    },
  };
}
