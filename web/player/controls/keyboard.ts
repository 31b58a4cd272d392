/** Keys of the watch page, and the help that lists them. Which key means what is `keys.ts`. */
import { byId } from "../../dom.ts";
import { type Command, commandOf, KEY_HELP, type KeyPress } from "../keys.ts";
import type { Player } from "../player.ts";
import { setVolume, toggleMute } from "./bar.ts";
import { toggleFullscreen } from "./fullscreen.ts";

const SEEK_SECONDS = 10;
const VOLUME_STEP = 0.1;

/** Listen to the whole page. */
export function bindKeys(player: Player, toggleStats: () => void): void {
  fillHelp();
  const commands = commandsOf(player, toggleStats);
  document.addEventListener("keydown", (event) => {
    const help = byId("help", HTMLDialogElement);
    if (event.defaultPrevented || (help.open && event.key !== "?")) return;
    const modified = event.ctrlKey || event.altKey || event.metaKey;
    const command = commandOf({ key: event.key, modified, on: focusOn(event.target) });
    if (!command) return;
    event.preventDefault();
    commands[command]();
  });
}

/** Show the keys, or close them again. */
export function openHelp(): void {
  const help = byId("help", HTMLDialogElement);
  if (help.open) help.close();
  else help.showModal();
}

function commandsOf(player: Player, toggleStats: () => void): Record<Command, () => void> {
  const { video } = player;
  return {
    "toggle-play": () => player.dispatch({ type: "toggle" }),
    "toggle-mute": () => toggleMute(player),
    "toggle-fullscreen": () => toggleFullscreen(video),
    "go-live": () => player.dispatch({ type: "go-live" }),
    "seek-back": () => player.seek(video.currentTime - SEEK_SECONDS),
    "seek-forward": () => player.seek(video.currentTime + SEEK_SECONDS),
    "volume-up": () => setVolume(player, (video.muted ? 0 : video.volume) + VOLUME_STEP),
    "volume-down": () => setVolume(player, video.volume - VOLUME_STEP),
    "toggle-stats": toggleStats,
    help: openHelp,
  };
}

function focusOn(target: EventTarget | null): KeyPress["on"] {
  if (!(target instanceof HTMLElement)) return "page";
  if (target.closest("[role=menu]")) return "menu";
  if (target instanceof HTMLInputElement) {
    if (target.type !== "range") return "text";
    // Seeking by a 1000th of the window is nobody's wish: the arrows mean seconds there too.
    return target.id === "seek" ? "page" : "slider";
  }
  if (target.isContentEditable) return "text";
  return target instanceof HTMLButtonElement || target.closest("a,summary") ? "button" : "page";
}

function fillHelp(): void {
  const list = byId("help-keys", HTMLElement);
  for (const [keys, does] of KEY_HELP) {
    const term = document.createElement("dt");
    for (const [i, key] of keys.split(", ").entries()) {
      const cap = document.createElement("kbd");
      cap.textContent = key;
      term.append(i > 0 ? " " : "", cap);
    }
    const meaning = document.createElement("dd");
    meaning.textContent = does;
    list.append(term, meaning);
  }
}
