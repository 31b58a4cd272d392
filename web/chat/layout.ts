/**
 * Where the chat is: beside the video or below it, or hidden because the viewer wants it so. Beside the video its place is kept from
 * the start, so that the picture does not change its size when the chat comes.
 */
import { byId, icon, setText } from "../dom.ts";
import type { Snapshot } from "../player/snapshot.ts";
import { readStore, writeStore } from "../player/store.ts";

const STORED = "millrace-chat";
/** A page that has no chat by then shows the picture larger. */
const PATIENCE_MS = 20_000;
const BUBBLE = "M4 4h16a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-7l-5 4.5V17H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2Z";

/** `awaited`: it may come yet; `none`: not on this page. */
export type ChatPlace = "awaited" | "none" | "open" | "hidden";

const placeNow = (): ChatPlace => {
  const { chat } = document.documentElement.dataset;
  return chat === "open" || chat === "hidden" || chat === "none" ? chat : "awaited";
};
const setPlace = (place: ChatPlace): void => {
  document.documentElement.dataset.chat = place;
};
const isUnwanted = (): boolean => readStore(STORED) === "hidden";

/** Keep the chat's place, unless it will not be needed; the answer looks at the player. */
export function keepPlace(): (snapshot: Snapshot) => void {
  if (isUnwanted()) setPlace("none");
  let sinceMs: number | undefined;
  return ({ phase, status }) => {
    if (placeNow() !== "awaited") return;
    if (status) sinceMs ??= performance.now();
    const isLate = sinceMs !== undefined && performance.now() - sinceMs > PATIENCE_MS;
    if (phase === "unknown" || phase === "closed" || isLate) setPlace("none");
  };
}

/** The chat is here: show it, unless the viewer had it hidden, and let them change that. */
export function bindLayout(changed: (isShown: boolean) => void): void {
  const toggle = byId("chat-toggle", HTMLButtonElement);
  const label = document.createElement("span");
  toggle.append(icon(BUBBLE), label);
  const show = (isShown: boolean): void => {
    setPlace(isShown ? "open" : "hidden");
    byId("chat", HTMLElement).hidden = !isShown;
    toggle.setAttribute("aria-expanded", String(isShown));
    setText(label, isShown ? "Hide chat" : "Show chat");
    changed(isShown);
  };
  toggle.addEventListener("click", () => {
    const isShown = placeNow() !== "open";
    writeStore(STORED, isShown ? "shown" : "hidden");
    show(isShown);
  });
  toggle.hidden = false;
  show(!isUnwanted());
}
