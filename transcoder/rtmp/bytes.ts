/** Big-endian integers and text as bytes. Written out because pure code has no Buffer and no TextDecoder. */

/** One array out of many. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

/** A view of the same bytes. */
export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Unsigned 16 bits. */
export const u16 = (n: number): Uint8Array => Uint8Array.of(n >>> 8, n);
/** Unsigned 24 bits. */
export const u24 = (n: number): Uint8Array => Uint8Array.of(n >>> 16, n >>> 8, n);
/** Unsigned 32 bits. */
export const u32 = (n: number): Uint8Array => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);

/** Read unsigned 24 bits; the caller has checked that they are there. */
export const readU24 = (view: DataView, at: number): number =>
  view.getUint16(at) * 256 + view.getUint8(at + 2);

/** Text as UTF-8; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const raw = character.codePointAt(0) ?? 0;
    const code = raw >= 0xd800 && raw <= 0xdfff ? REPLACEMENT : raw;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code >> 6), tail(code));
    else bytes.push(0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code));
  }
  return Uint8Array.from(bytes);
}

/** UTF-8 as text; every byte that fits nowhere becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const { code, size } = codePointAt(bytes, at);
    text += String.fromCodePoint(code);
    at += size;
  }
  return text;
}

const REPLACEMENT = 0xfffd;
const tail = (code: number): number => 0x80 | (code & 0x3f);

function codePointAt(bytes: Uint8Array, at: number): { readonly code: number; readonly size: number } {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return { code: first, size: 1 };
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const bad = { code: REPLACEMENT, size: 1 };
  if (first < 0xc2 || first > 0xf4) return bad;
  let code = first & (0x7f >> size);
  for (let i = 1; i < size; i += 1) {
    const next = bytes[at + i] ?? 0;
    if ((next & 0xc0) !== 0x80) return bad;
    code = (code << 6) | (next & 0x3f);
  }
  // Longer than need be, surrogates, and past the last code point (RFC 3629, 3).
  const shortest = size === 4 ? 0x10000 : size === 3 ? 0x800 : 0x80;
  if (code < shortest || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return bad;
  return { code, size };
}
