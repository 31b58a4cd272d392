/** When a feed that says nothing counts as down. Pure; beside the playlists, so that they need nothing else of the feed. */
import type { Timeline } from "../../../media/timeline.ts";

/** How long a feed may be silent before playlists are asked for over HTTP, milliseconds: parts or segments were due. */
export const silenceMs = ({ timing: { partTarget, targetDuration } }: Pick<Timeline, "timing">): number =>
  500 + 1000 * (partTarget === undefined ? 1.5 * targetDuration : 3 * partTarget);
