/** What the player knows at one moment: all that the controls draw from. Types only. */
import type { StreamStatus } from "../../wire/public.ts";
import type { Qualities, Reading } from "./engine.ts";
import type { Phase } from "./state.ts";

export interface Snapshot {
  readonly phase: Phase;
  readonly status?: StreamStatus;
  readonly replay: boolean;
  readonly reading?: Reading;
  /** Where `reading.latency` is to settle: the playlist's target and what stalls added. */
  readonly target: number;
  /** Behind the camera. */
  readonly latency?: { readonly seconds: number; readonly by: "clock" | "playlist" };
  readonly atEdge: boolean;
  readonly qualities?: Qualities;
  readonly engine: string;
  /** Sound was taken away by the browser's autoplay rule, not by the viewer. */
  readonly silenced: boolean;
  readonly stalls: number;
  /** People who watch, as the socket said last, or the API. */
  readonly viewers?: number;
  /** To the first frame: from the navigation, or from when a show began that the page had waited for. */
  readonly firstFrameMs?: number;
}
