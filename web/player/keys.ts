/** Which key does what on the watch page. Pure: a key becomes a command. */

export type Command =
  | "toggle-play"
  | "toggle-mute"
  | "toggle-fullscreen"
  | "go-live"
  | "seek-back"
  | "seek-forward"
  | "volume-up"
  | "volume-down"
  | "toggle-stats"
  | "help";

/** Keys as people read them, in the order of the help. */
export const KEY_HELP: readonly (readonly [keys: string, does: string])[] = [
  ["Space, K", "Play or pause"],
  ["M", "Sound on or off"],
  ["↑ ↓", "Louder, quieter"],
  ["← →", "10 seconds back, forward"],
  ["L", "Go live"],
  ["F", "Full screen"],
  ["S", "Statistics"],
  ["?", "This help"],
];

export interface KeyPress {
  readonly key: string;
  /** Control, Alt or Meta is held: the browser's business. */
  readonly modified: boolean;
  /** What has the focus. */
  readonly on: "page" | "button" | "menu" | "slider" | "text";
}

/** The command of a key press, or `undefined` when the focused element wants it for itself. */
export function commandOf({ key, modified, on }: KeyPress): Command | undefined {
  if (modified || on === "text") return undefined;
  const arrows = key.startsWith("Arrow");
  if (arrows && (on === "slider" || on === "menu")) return undefined;
  // Space presses a focused button.
  if (key === " ") return on === "page" || on === "slider" ? "toggle-play" : undefined;
  switch (key.toLowerCase()) {
    case "k":
      return "toggle-play";
    case "m":
      return "toggle-mute";
    case "f":
      return "toggle-fullscreen";
    case "l":
      return "go-live";
    case "s":
      return "toggle-stats";
    case "?":
      return "help";
    case "arrowleft":
      return "seek-back";
    case "arrowright":
      return "seek-forward";
    case "arrowup":
      return "volume-up";
    case "arrowdown":
      return "volume-down";
    default:
      return undefined;
  }
}
