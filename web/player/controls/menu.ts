/** The quality menu: Auto, the levels, sound only, and the statistics. Keys as in the ARIA menu pattern. */
import { byId, setText } from "../../dom.ts";
import type { Qualities, QualityChoice } from "../engine.ts";
import type { Player } from "../player.ts";
import type { Snapshot } from "../snapshot.ts";
import { bitrateWords, qualityWords } from "../words.ts";
import { openHelp } from "./keyboard.ts";

interface Item {
  readonly label: string;
  readonly note?: string;
  /** `undefined` is a plain command. */
  readonly checked?: boolean;
  readonly act: () => void;
}

/** Bind button and menu; the answer draws them. */
export function bindMenu(player: Player, toggleStats: () => void): (snapshot: Snapshot) => void {
  const button = byId("quality", HTMLButtonElement);
  const menu = byId("menu", HTMLElement);
  let latest: Qualities | undefined;
  let drawn = "";

  /** Index of the focused item, or -1. */
  const focusedAt = (): number =>
    document.activeElement instanceof HTMLElement ? items().indexOf(document.activeElement) : -1;
  const items = (): HTMLElement[] => [...menu.querySelectorAll<HTMLElement>("[role^=menuitem]")];
  const close = (giveBack: boolean): void => {
    menu.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (giveBack) button.focus();
  };
  const open = (): void => {
    menu.hidden = false;
    button.setAttribute("aria-expanded", "true");
    (menu.querySelector<HTMLElement>("[aria-checked=true]") ?? items()[0])?.focus();
  };
  const choose = (quality: QualityChoice) => () => player.choose(quality);
  const fillMenu = (): void => {
    const list: Item[] = [];
    if (latest && (latest.levels.length > 0 || latest.audioOnly)) {
      const { chosen, levels, audioOnly } = latest;
      list.push({ label: "Auto", checked: chosen === "auto", act: choose("auto") });
      for (let i = levels.length - 1; i >= 0; i -= 1) {
        const level = levels[i];
        if (level)
          list.push({
            label: qualityWords(level),
            note: bitrateWords(level.bitrate),
            checked: chosen === i,
            act: choose(i),
          });
      }
      if (audioOnly) list.push({ label: "Sound only", checked: chosen === "audio", act: choose("audio") });
    }
    const radios = list.map((item) => draw(item, () => close(true)));
    const group = document.createElement("div");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Quality");
    group.append(...radios);
    const rule = document.createElement("div");
    rule.setAttribute("role", "separator");
    menu.replaceChildren(
      ...(radios.length > 0 ? [group, rule] : []),
      draw({ label: "Statistics", act: toggleStats }, () => close(true)),
      draw({ label: "Keys", act: openHelp }, () => close(false)),
    );
  };

  button.addEventListener("click", () => (menu.hidden ? open() : close(true)));
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    event.stopPropagation();
    open();
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || event.key === "Tab") close(event.key === "Escape");
    const list = items();
    const at = focusedAt();
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    list[(next + list.length) % list.length]?.focus();
  });
  document.addEventListener("pointerdown", (event) => {
    const inside =
      event.target instanceof Node && (menu.contains(event.target) || button.contains(event.target));
    if (!menu.hidden && !inside) close(false);
  });

  return ({ qualities, phase }) => {
    latest = qualities;
    button.disabled = phase === "unknown" || phase === "closed";
    const key = JSON.stringify([qualities?.levels, qualities?.chosen, qualities?.audioOnly]);
    if (key !== drawn) {
      drawn = key;
      const focused = focusedAt();
      fillMenu();
      if (focused >= 0) items()[focused]?.focus();
    }
    byId("player", HTMLElement).dataset.sound = qualities?.chosen === "audio" ? "only" : "with-picture";
    drawButton(button, qualities);
  };
}

function drawButton(button: HTMLButtonElement, qualities: Qualities | undefined): void {
  const playing = qualities?.playing;
  const words = qualities?.chosen === "audio" ? "Sound only" : playing ? qualityWords(playing) : "Quality";
  const [name = words, rate] = words.split(" · ");
  if (button.dataset.words !== words) {
    button.dataset.words = words;
    const wide = document.createElement("span");
    wide.className = "wide";
    setText(wide, rate ? ` · ${rate}` : "");
    button.replaceChildren(name, wide);
  }
  const auto = qualities?.chosen === "auto" && playing ? "automatic, " : "";
  button.setAttribute("aria-label", words === "Quality" ? "Quality" : `Quality: ${auto}${words}`);
}

function draw({ label, note, checked, act }: Item, done: () => void): HTMLElement {
  const item = document.createElement("button");
  item.type = "button";
  item.tabIndex = -1;
  item.setAttribute("role", checked === undefined ? "menuitem" : "menuitemradio");
  if (checked !== undefined) item.setAttribute("aria-checked", String(checked));
  item.append(label);
  if (note !== undefined) {
    const small = document.createElement("small");
    small.textContent = note;
    item.append(small);
  }
  item.addEventListener("click", () => {
    done();
    act();
  });
  return item;
}
