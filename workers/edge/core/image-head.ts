/**
 * What an image says of itself in its first bytes: its kind and its size. JPEG (ITU-T T.81, B.2), PNG (W3C PNG, 11.2.1), WebP (RFC 9649),
 * GIF (GIF89a, 18). Whether the rest of it can be decoded is not looked at. Never throws, whatever the bytes.
 */
import type { PHOTO_TYPES } from "../../../wire/conversations.ts";

export interface ImageHead {
  readonly type: (typeof PHOTO_TYPES)[number];
  /** Pixels, before any turn that its metadata ask for. */
  readonly width: number;
  readonly height: number;
}

/** Read the head of an image; `undefined`: it is none of these, or broken. */
export function readImageHead(bytes: Uint8Array): ImageHead | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = readPng(view) ?? readGif(view) ?? readWebp(view) ?? readJpeg(view);
  return head && head.width > 0 && head.height > 0 ? head : undefined;
}

const startsWith = (view: DataView, at: number, letters: string): boolean =>
  view.byteLength >= at + letters.length &&
  [...letters].every((letter, index) => view.getUint8(at + index) === letter.charCodeAt(0));

/** The signature, then IHDR: it must be the first chunk, of 13 bytes. */
function readPng(view: DataView): ImageHead | undefined {
  if (view.byteLength < 33 || !startsWith(view, 0, "\x89PNG\r\n\x1a\n")) return undefined;
  if (view.getUint32(8) !== 13 || !startsWith(view, 12, "IHDR")) return undefined;
  return { type: "image/png", width: view.getUint32(16), height: view.getUint32(20) };
}

/** The logical screen. */
function readGif(view: DataView): ImageHead | undefined {
  const isGif = startsWith(view, 0, "GIF87a") || startsWith(view, 0, "GIF89a");
  if (!isGif || view.byteLength < 13) return undefined;
  return { type: "image/gif", width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

function readWebp(view: DataView): ImageHead | undefined {
  if (view.byteLength < 30 || !startsWith(view, 0, "RIFF") || !startsWith(view, 8, "WEBP")) return undefined;
  const type = "image/webp";
  if (startsWith(view, 12, "VP8X")) {
    return { type, width: 1 + uint24(view, 24), height: 1 + uint24(view, 27) };
  }
  if (startsWith(view, 12, "VP8L")) {
    if (view.getUint8(20) !== 0x2f) return undefined;
    const bits = view.getUint32(21, true);
    return { type, width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  // A key frame of VP8 (RFC 6386, 9.1): the start code, then 14 bits each.
  if (!startsWith(view, 12, "VP8 ") || !startsWith(view, 23, "\x9d\x01\x2a")) return undefined;
  return { type, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

const uint24 = (view: DataView, at: number): number =>
  view.getUint16(at, true) | (view.getUint8(at + 2) << 16);

/** Segments up to the first frame header; what is in them is passed over by their lengths. */
function readJpeg(view: DataView): ImageHead | undefined {
  if (!startsWith(view, 0, "\xff\xd8\xff")) return undefined;
  let at = 2;
  while (at + 4 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    // Fill bytes may stand before a marker (B.1.1.2).
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    // What stands alone, or ends the headers: no frame began.
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xda)) return undefined;
    const length = view.getUint16(at + 2);
    if (length < 2) return undefined;
    if (isFrame(marker)) {
      if (length < 8 || at + 9 > view.byteLength) return undefined;
      return { type: "image/jpeg", height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    }
    at += 2 + length;
  }
  return undefined;
}

/** SOF0 to SOF15: not the tables that have numbers among them (DHT, JPG, DAC). */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
