/** Requests of viewers that wait at the live edge: for a playlist, or for a part that one hints. Who may wait is decided in media/live-edge.ts. */
import type { MediaAddress } from "../media/address.ts";
import { decide, decidePartRequest, edgeOf, type Hope, hopeFor, type Reload } from "../media/live-edge.ts";
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
      if (text === undefined) return fail({ reason: "no-rendition" });
      return ok({ text: request.kind === "timeline" ? this.#placed(text) : text, timing, ended });
    };
    return (await waiters.until(this.#longestWait(), look)) ?? fail({ reason: "timed-out" });
  }

  /**
   * What is known of an object that is not in R2: `exists` after a wait, when it is a part that a playlist hints; else
   * whether it may still come.
   */
  async awaitObject({ broadcast, session, file }: MediaAddress): Promise<"exists" | Hope> {
    const hopeless = (): "exists" | Hope => {
      const { timeline } = this.#state;
      if (timeline?.broadcast !== broadcast) return "never";
      // It was stored after the bucket was looked into: not a moment may it be remembered as missing.
      if (file.kind === "segment" && timeline.segments.at(-1)?.msn === file.msn) return "exists";
      return hopeFor(file, session - timeline.session, edgeOf(timeline));
    };
    const look = (): "exists" | Hope | undefined => {
      const { timeline } = this.#state;
      if (file.kind !== "part" || timeline?.broadcast !== broadcast) return hopeless();
      const found = decidePartRequest(file, edgeOf(timeline));
      if (found === "hinted" && session === timeline.session) return undefined;
      return found === "exists" ? found : hopeless();
    };
    return (await this.#state.waiters.until(this.#longestWait(), look)) ?? hopeless();
  }

  /** A timeline of this moment, with the place in the log that its changes go on from. */
  #placed(timeline: string): string {
    const { epoch, offset } = this.#state.log.position;
    return `{"epoch":${JSON.stringify(epoch)},"offset":${offset},"timeline":${timeline}}`;
  }

  #longestWait(): number {
    const { timeline } = this.#state;
    return Date.now() + 1000 * (timeline ? maxBlockSeconds(timeline.timing) : 0);
  }
}
