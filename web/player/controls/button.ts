/** A button of the bar that shows an icon: what it shows and is called changes only when it must. */
import { icon } from "../../dom.ts";
import { ICONS, type IconName } from "../icons.ts";

/** Show an icon, and say what a press will do. */
export function face(button: HTMLElement, name: IconName, label: string): void {
  if (button.dataset.icon !== name) {
    button.dataset.icon = name;
    button.replaceChildren(icon(ICONS[name]));
  }
  if (button.getAttribute("aria-label") !== label) {
    button.setAttribute("aria-label", label);
    button.title = label;
  }
}
