/** Hides the controls while somebody just watches. Never while the keyboard is in them or a menu is open. */
import { byId } from "../../dom.ts";
import type { Snapshot } from "../snapshot.ts";

const IDLE_AFTER_MS = 2_800;

/** Bind; the answer takes note of what plays. */
export function bindIdleness(): (snapshot: Snapshot) => void {
  const player = byId("player", HTMLElement);
  const controls = byId("controls", HTMLElement);
  const menu = byId("menu", HTMLElement);
  let timer = 0;
  let playing = false;

  const busy = (): boolean =>
    !playing ||
    !menu.hidden ||
    (controls.contains(document.activeElement) && controls.querySelector(":focus-visible") !== null);
  const sleep = (): void => {
    if (busy()) wake();
    else player.dataset.idle = "true";
  };
  function wake(): void {
    player.dataset.idle = "false";
    clearTimeout(timer);
    timer = setTimeout(sleep, IDLE_AFTER_MS);
  }
  player.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") wake();
  });
  player.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch" && !busy()) player.dataset.idle = "true";
  });
  // A tap on the picture shows or hides the controls, as touch has no hover.
  byId("video", HTMLVideoElement).addEventListener("pointerup", (event) => {
    if (event.pointerType !== "touch") return;
    if (player.dataset.idle === "true") wake();
    else if (!busy()) player.dataset.idle = "true";
  });
  controls.addEventListener("pointerdown", wake);
  document.addEventListener("keydown", wake);
  player.addEventListener("focusin", wake);
  wake();

  return ({ phase }) => {
    const now = phase === "playing";
    if (now === playing) return;
    playing = now;
    wake();
  };
}
