/** Brings the feed in when the picture does not have to wait for it. The page's own script holds no more of it than this. */
import type { Centrifuge } from "centrifuge";
import type { Place } from "../place.ts";
import type { Player } from "../player.ts";
import type { Snapshot } from "../snapshot.ts";
import type { BoundFeed } from "./bind.ts";
import type { LiveFeed } from "./live-feed.ts";

/** A show whose first frame takes longer does not wait for its feed. */
const PATIENCE_MS = 5_000;
const TRY_AGAIN_MS = 60_000;

export interface LateFeed {
  /** Absent before it is there. */
  readonly live: LiveFeed | undefined;
  readonly look: (snapshot: Snapshot) => void;
}

/** Bind the feed, later. `useSocket` gets the page's socket before that connects. */
export function lateFeed(player: Player, place: Place, useSocket: (client: Centrifuge) => void): LateFeed {
  let bound: BoundFeed | undefined;
  let triedAtMs: number | undefined;
  let knownAtMs: number | undefined;

  const look = (snapshot: Snapshot): void => {
    bound?.look(snapshot);
    const now = performance.now();
    if (snapshot.status) knownAtMs ??= now;
    // The browser's own player asks for its playlists itself; its viewers are counted by them.
    const pushed = player.engine?.pushed;
    if (bound || !pushed || knownAtMs === undefined) return;
    const isIdle = snapshot.phase === "offline" || snapshot.phase === "ended";
    if (snapshot.firstFrameMs === undefined && !isIdle && now - knownAtMs < PATIENCE_MS) return;
    if (triedAtMs !== undefined && now - triedAtMs < TRY_AGAIN_MS) return;
    triedAtMs = now;
    import("./bind.ts").then(
      ({ bindFeed }) => {
        bound ??= bindFeed(player, place, pushed, useSocket);
      },
      // A page that was deployed over meanwhile: it goes on as it is.
      () => undefined,
    );
  };
  return {
    get live() {
      return bound?.live;
    },
    look,
  };
}
