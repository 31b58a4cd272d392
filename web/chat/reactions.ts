/** The signs of a live room: buttons that give one, and what rises for those that everybody gave. */
import { LIVE_REACTIONS, type LiveReaction, type Reactions } from "../../wire/chat.ts";
import { byId, make, makeButton } from "../dom.ts";
import { type Counts, floatsOf, MAX_FLOATS, withoutOwn } from "./floats.ts";
import type { Room } from "./room.ts";
import { obstacleOf } from "./standing.ts";

const NAMES: Readonly<Record<LiveReaction, string>> = {
  "❤️": "Heart",
  "🔥": "Fire",
  "😂": "Laughter",
  "👏": "Applause",
  "😮": "Surprise",
  "🎉": "Party",
};
/** What comes together rises one after the other within this. */
const SPREAD_MS = 900;
/** Own ones are counted by then, or never. */
const OWN_MS = 4_000;
/** So long the sums stand for who wants nothing to move. */
const STILL_MS = 2_500;

export interface ReactionEnds {
  /** Whether it was taken. */
  readonly react: (emoji: LiveReaction) => Promise<boolean>;
}

export class ReactionBar {
  readonly #bar = byId("chat-reactions", HTMLElement);
  readonly #layer = byId("chat-floats", HTMLElement);
  readonly #ends: ReactionEnds;
  readonly #isStill = matchMedia("(prefers-reduced-motion: reduce)");
  /** Given here and not counted yet. */
  #own: Counts = {};
  #ownTimer: ReturnType<typeof setTimeout> | undefined;
  #stillTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(ends: ReactionEnds) {
    this.#ends = ends;
    this.#bar.append(...LIVE_REACTIONS.map((emoji) => this.#button(emoji)));
    this.#layer.addEventListener("animationend", ({ target }) => {
      if (target instanceof Element) target.remove();
    });
  }

  /** Show the buttons to who may use them. */
  draw({ settings, standing }: Room): void {
    const obstacle = settings && obstacleOf(standing, settings, Date.now())?.type;
    const isSilent = obstacle === "banned" || obstacle === "timed-out" || obstacle === "chat-off";
    this.#bar.hidden = settings === undefined || standing.who.user === "" || isSilent;
  }

  /** Show what everybody gave. */
  show(reactions: Reactions): void {
    const counts = withoutOwn(reactions, this.#own);
    this.#own = {};
    if (document.hidden || byId("chat", HTMLElement).hidden) return;
    if (this.#isStill.matches) this.#stand(reactions);
    else this.#rise(floatsOf(counts, MAX_FLOATS - this.#layer.childElementCount));
  }

  #button(emoji: LiveReaction): HTMLElement {
    const button = makeButton("reaction", emoji, () => void this.#give(emoji));
    button.setAttribute("aria-label", NAMES[emoji]);
    button.title = NAMES[emoji];
    button.dataset.testid = "chat-reaction";
    return button;
  }

  async #give(emoji: LiveReaction): Promise<void> {
    if (!(await this.#ends.react(emoji))) return;
    if (this.#isStill.matches) return;
    this.#own = { ...this.#own, [emoji]: (this.#own[emoji] ?? 0) + 1 };
    clearTimeout(this.#ownTimer);
    this.#ownTimer = setTimeout(() => {
      this.#own = {};
    }, OWN_MS);
    if (this.#layer.childElementCount < MAX_FLOATS) this.#rise([emoji]);
  }

  #rise(signs: readonly LiveReaction[]): void {
    const floats = signs.map((emoji, n) => {
      const float = make("span", "float", emoji);
      float.style.left = `${Math.round(70 * Math.random())}%`;
      float.style.animationDelay = `${Math.round((SPREAD_MS * n) / signs.length)}ms`;
      float.style.setProperty("--sway", `${Math.round(36 * Math.random() - 18)}px`);
      return float;
    });
    this.#layer.append(...floats);
  }

  /** Sums, for who wants nothing to move. */
  #stand({ counts }: Reactions): void {
    const known = LIVE_REACTIONS.filter((emoji) => (counts[emoji] ?? 0) > 0);
    this.#layer.replaceChildren(
      ...known.map((emoji) => make("span", "sum", `${emoji} ${counts[emoji] ?? 0}`)),
    );
    clearTimeout(this.#stillTimer);
    this.#stillTimer = setTimeout(() => this.#layer.replaceChildren(), STILL_MS);
  }
}
