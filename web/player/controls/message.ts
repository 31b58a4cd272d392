/** What the page says over the picture, the one button that may go with it, and the voice for screen readers. */
import { byId, icon, setText } from "../../dom.ts";
import { ICONS } from "../icons.ts";
import type { Player } from "../player.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Phase } from "../state.ts";
import { messageOf } from "../words.ts";

/** A wait shorter than this is not announced. */
const PATIENCE_MS = 800;

/** Bind message, action and unmute button; the answer draws them. */
export function bindMessage(player: Player): (snapshot: Snapshot) => void {
  const message = byId("message", HTMLElement);
  const headline = byId("headline", HTMLElement);
  const detail = byId("detail", HTMLElement);
  const spinner = byId("spinner", HTMLElement);
  const action = byId("action", HTMLButtonElement);
  const unmute = byId("unmute", HTMLButtonElement);
  const said = byId("said", HTMLElement);
  byId("unmute-icon", HTMLElement).append(icon(ICONS.mute));
  let timer = 0;
  let phaseBefore: Phase | undefined;

  action.addEventListener("click", () => player.dispatch({ type: "toggle" }));
  unmute.addEventListener("click", () => player.setMuted(false));

  return ({ phase, status, silenced, replay }) => {
    const canReplay = status?.playlist !== undefined;
    const words = messageOf(phase, status?.title || status?.id || "This stream", canReplay);
    message.hidden = words === undefined;
    message.dataset.phase = phase;
    setText(headline, words?.headline ?? "");
    setText(detail, words?.detail ?? "");
    spinner.hidden = !words?.busy;
    action.hidden = !(phase === "blocked" || (phase === "ended" && canReplay));
    setText(action, phase === "blocked" ? "Play" : "Watch the last minutes");
    unmute.hidden = !silenced || (phase !== "playing" && phase !== "paused");

    if (phase === phaseBefore) return;
    phaseBefore = phase;
    clearTimeout(timer);
    const text = words ? [words.headline, words.detail].filter(Boolean).join(". ") : sound(phase, replay);
    timer = setTimeout(() => setText(said, text), PATIENCE_MS);
  };
}

function sound(phase: Phase, replay: boolean): string {
  if (phase === "paused") return "Paused";
  return replay ? "Playing the recording" : "Playing live";
}
