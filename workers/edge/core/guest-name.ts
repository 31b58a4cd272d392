/** Names that guests give themselves: what others could not see, or would see in the wrong place, is none. Pure. */

/**
 * Control characters and halves of surrogates; line ends of Unicode; and what turns the direction of the text around it
 * (UAX 9: marks, embeddings, overrides, isolates), with which a name can look like another's.
 */
const REFUSED = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
/** Something that leaves ink. The fillers of Hangul and the empty Braille cell are letters and symbols by name only. */
const VISIBLE = /[[\p{L}\p{N}\p{P}\p{S}]--[\u115f\u1160\u3164\uffa0\u2800]]/v;

/** May somebody go by this name? Its length is checked before. */
export const isGuestName = (name: string): boolean => !REFUSED.test(name) && VISIBLE.test(name);
