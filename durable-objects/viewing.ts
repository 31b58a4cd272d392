/** Requests of viewers that wait at the live edge: for a playlist, or for a part that one hints. Who may wait is decided in media/live-edge.ts. */
import type { MediaAddress } from "../media/address.ts";
import { decide, decidePartRequest, edgeOf, type PartVerdict, type Reload } from "../media/live-edge.ts";
import { maxBlockSeconds } from "../media/profile.ts";
import { fail, ok, type Result } from "../media/result.ts";
import type { DrawnPlaylist, ReachError } from "./answers.ts";
import type { DrawRequest } from "./drawings.ts";
import type { LiveState } from "./live-state.ts";

export class Viewing {
  readonly #state: LiveState;

  constructor(state: LiveState) {
    this.#state = state;
  }

  /** A playlist, drawn once for all who ask, as soon as `want` is reached. */
  async playlist(request: DrawRequest, want: Reload | undefined): Promise<Result<DrawnPlaylist, ReachError>> {
    const { waiters, drawings, stored } = this.#state;
    const look = (): Result<DrawnPlaylist, ReachError> | undefined => {
      const { timeline } = this.#state;
      if (!timeline || timeline.segments.length === 0 || stored.disabled) return fail({ reason: "not-live" });
      const verdict = decide(want, edgeOf(timeline));
      if (verdict === "wait") return undefined;
      if (verdict === "too-far") return fail({ reason: "too-far" });
      const text = drawings.draw(timeline, request);
      const { timing, ended } = timeline;
      return text === undefined ? fail({ reason: "no-rendition" }) : ok({ text, timing, ended });
    };
    return (await waiters.until(this.#longestWait(), look)) ?? fail({ reason: "timed-out" });
  }

  /** Wait for a hinted part. `unknown` is answered at once, and so is what never came. */
  async awaitPart({ broadcast, session, file }: MediaAddress): Promise<PartVerdict> {
    if (file.kind !== "part") return "unknown";
    const look = (): PartVerdict | undefined => {
      const { timeline } = this.#state;
      if (timeline?.broadcast !== broadcast) return "unknown";
      const found = decidePartRequest(file, edgeOf(timeline));
      if (found !== "hinted") return found;
      return session === timeline.session ? undefined : "unknown";
    };
    return (await this.#state.waiters.until(this.#longestWait(), look)) ?? "unknown";
  }

  #longestWait(): number {
    const { timeline } = this.#state;
    return Date.now() + 1000 * (timeline ? maxBlockSeconds(timeline.timing) : 0);
  }
}
