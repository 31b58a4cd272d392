/** One ISO BMFF box (ISO/IEC 14496-12, 4.2) within bytes that are already there: finding children, never running past the end. */

export interface Box {
  readonly type: string;
  /** Everything after size and type. */
  readonly body: Uint8Array;
}

const HEADER_BYTES = 8;
/** More children than any box here has reason to hold. */
const MAX_CHILDREN = 1000;

/** Boxes inside `bytes`; `undefined` when their sizes do not add up. */
export function boxesIn(bytes: Uint8Array): Box[] | undefined {
  const boxes: Box[] = [];
  const view = viewOf(bytes);
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const size = view.getUint32(at);
    if (size < HEADER_BYTES || at + size > bytes.length || boxes.length >= MAX_CHILDREN) return undefined;
    boxes.push({ type: boxType(bytes, at + 4), body: bytes.subarray(at + HEADER_BYTES, at + size) });
    at += size;
  }
  return boxes;
}

/** Body of the first box along a path of types, or `undefined`. */
export function findBody(bytes: Uint8Array, ...path: readonly string[]): Uint8Array | undefined {
  let body: Uint8Array | undefined = bytes;
  for (const type of path) body = body && boxesIn(body)?.find((box) => box.type === type)?.body;
  return body;
}

/** Four letters; bytes that are none become `?`, which no type has. */
export function boxType(bytes: Uint8Array, at: number): string {
  let type = "";
  for (let i = at; i < at + 4; i += 1) {
    const byte = bytes[i] ?? 0;
    type += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "?";
  }
  return type;
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
