/** Emotes: names between colons that pages show as signs. What is sent is the name, so that another client may draw its own. Pure text. */

/** Signs by their names, as most chats name them. */
export const EMOTES: Readonly<Record<string, string>> = {
  smile: "😄",
  grin: "😁",
  joy: "😂",
  rofl: "🤣",
  wink: "😉",
  blush: "😊",
  cool: "😎",
  love: "😍",
  kiss: "😘",
  think: "🤔",
  neutral: "😐",
  smirk: "😏",
  sleepy: "😴",
  cry: "😢",
  sob: "😭",
  angry: "😠",
  scream: "😱",
  wow: "😮",
  party: "🥳",
  nerd: "🤓",
  shrug: "🤷",
  facepalm: "🤦",
  wave: "👋",
  clap: "👏",
  pray: "🙏",
  thumbsup: "👍",
  thumbsdown: "👎",
  ok: "👌",
  muscle: "💪",
  eyes: "👀",
  heart: "❤️",
  broken: "💔",
  fire: "🔥",
  star: "⭐",
  sparkles: "✨",
  tada: "🎉",
  rocket: "🚀",
  trophy: "🏆",
  hundred: "💯",
  music: "🎵",
  coffee: "☕",
  pizza: "🍕",
  cat: "🐱",
  dog: "🐶",
};

const NAMES = Object.keys(EMOTES);
const EMOTE = /:([a-z]{2,16}):/g;
/** Letters after the colon before names are offered: a smiley has fewer. */
const MIN_TYPED = 2;
const MAX_OFFERED = 6;

/** A piece of a text; `sign`: it is shown as that. */
export interface EmotePiece {
  readonly text: string;
  readonly sign?: string;
}

/** The pieces of a text in their order. A name that nobody knows stays as it was written. */
export function emotesIn(text: string): readonly EmotePiece[] {
  const pieces: EmotePiece[] = [];
  let end = 0;
  for (const found of text.matchAll(EMOTE)) {
    const name = found[1] ?? "";
    const sign = Object.hasOwn(EMOTES, name) ? EMOTES[name] : undefined;
    if (sign === undefined) continue;
    if (found.index > end) pieces.push({ text: text.slice(end, found.index) });
    pieces.push({ text: found[0], sign });
    end = found.index + found[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

/** Names of emotes that begin as what is being typed before the caret, and where its colon is. */
export function emoteAt(
  text: string,
  caret: number,
): { readonly from: number; readonly to: number; readonly names: readonly string[] } | undefined {
  const typed = /(?:^|[\s:])(:[a-z]{0,16})$/.exec(text.slice(0, caret))?.[1];
  if (typed === undefined || typed.length <= MIN_TYPED) return undefined;
  const names = NAMES.filter((name) => name.startsWith(typed.slice(1))).slice(0, MAX_OFFERED);
  return names.length === 0 ? undefined : { from: caret - typed.length, to: caret, names };
}
