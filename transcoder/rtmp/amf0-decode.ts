/** Reading AMF0 from a stranger: bounded in depth and in number of values, and nothing is resolved or executed. */
import { fail, ok, type Result } from "../../media/result.ts";
import { type Amf0Failure, type Amf0Value, MARKER } from "./amf0.ts";
import { decodeUtf8, viewOf } from "./bytes.ts";

/** How much one message may hold. */
export interface Amf0Limits {
  readonly amfDepth: number;
  readonly amfElements: number;
}

/** Where reading stands. The first failure stays, and every read after it gives nothing. */
interface Cursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly limits: Amf0Limits;
  offset: number;
  elements: number;
  failure: Amf0Failure | undefined;
}

/** Read values until the bytes end. */
export function decodeAmf0(bytes: Uint8Array, limits: Amf0Limits): Result<readonly Amf0Value[], Amf0Failure> {
  const cursor: Cursor = { bytes, view: viewOf(bytes), limits, offset: 0, elements: 0, failure: undefined };
  const values: Amf0Value[] = [];
  while (cursor.offset < bytes.length && cursor.failure === undefined) values.push(readValue(cursor, 0));
  return cursor.failure === undefined ? ok(values) : fail(cursor.failure);
}

/** Length of the string value at the start, marker and all, if it is exactly `text`; else 0. */
export function leadingString(bytes: Uint8Array, text: string): number {
  const end = 3 + text.length;
  if (bytes.length < end || bytes[0] !== MARKER.string) return 0;
  return viewOf(bytes).getUint16(1) === text.length && decodeUtf8(bytes.subarray(3, end)) === text ? end : 0;
}

function readValue(cursor: Cursor, depth: number): Amf0Value {
  const { limits } = cursor;
  cursor.elements += 1;
  if (cursor.elements > limits.amfElements) {
    return refuse(cursor, { reason: "too-many-elements", limit: limits.amfElements, offset: cursor.offset });
  }
  if (depth > limits.amfDepth) {
    return refuse(cursor, { reason: "too-deep", limit: limits.amfDepth, offset: cursor.offset });
  }
  const marker = readInteger(cursor, 1);
  if (cursor.failure !== undefined) return undefined;
  switch (marker) {
    case MARKER.number:
      return readDouble(cursor);
    case MARKER.boolean:
      return readInteger(cursor, 1) !== 0;
    case MARKER.string:
      return readText(cursor, 2);
    case MARKER.longString:
    case MARKER.xmlDocument:
      return readText(cursor, 4);
    case MARKER.null:
      return null;
    case MARKER.undefined:
    case MARKER.unsupported:
      return undefined;
    case MARKER.object:
      return { type: "object", members: readMembers(cursor, depth) };
    case MARKER.typedObject: {
      const className = readText(cursor, 2);
      return { type: "typed-object", className, members: readMembers(cursor, depth) };
    }
    case MARKER.ecmaArray:
      // The count is a hint (2.10), and encoders write 0 or a wrong one: the end marker decides.
      readInteger(cursor, 4);
      return { type: "ecma-array", members: readMembers(cursor, depth) };
    case MARKER.strictArray:
      return { type: "strict-array", items: readItems(cursor, depth) };
    case MARKER.date: {
      const epochMs = readDouble(cursor);
      const timezone = readInteger(cursor, 2);
      return { type: "date", epochMs, timezoneMinutes: timezone > 0x7fff ? timezone - 0x10000 : timezone };
    }
    default:
      return refuse(cursor, { reason: "refused-marker", marker, offset: cursor.offset - 1 });
  }
}

function readMembers(cursor: Cursor, depth: number): ReadonlyMap<string, Amf0Value> {
  const members = new Map<string, Amf0Value>();
  while (cursor.failure === undefined) {
    const name = readText(cursor, 2);
    if (name === "") {
      const marker = readInteger(cursor, 1);
      if (marker === MARKER.objectEnd || cursor.failure !== undefined) break;
      // An empty name is only ever the end (2.5).
      refuse(cursor, { reason: "no-object-end", offset: cursor.offset - 1 });
      break;
    }
    const value = readValue(cursor, depth + 1);
    if (cursor.failure === undefined) members.set(name, value);
  }
  return members;
}

function readItems(cursor: Cursor, depth: number): readonly Amf0Value[] {
  const count = readInteger(cursor, 4);
  const items: Amf0Value[] = [];
  while (items.length < count && cursor.failure === undefined) items.push(readValue(cursor, depth + 1));
  return items;
}

function readText(cursor: Cursor, lengthBytes: 2 | 4): string {
  const length = readInteger(cursor, lengthBytes);
  const start = advance(cursor, length);
  return start === undefined ? "" : decodeUtf8(cursor.bytes.subarray(start, start + length));
}

function readDouble(cursor: Cursor): number {
  const start = advance(cursor, 8);
  return start === undefined ? 0 : cursor.view.getFloat64(start);
}

function readInteger(cursor: Cursor, size: 1 | 2 | 4): number {
  const start = advance(cursor, size);
  if (start === undefined) return 0;
  if (size === 1) return cursor.view.getUint8(start);
  return size === 2 ? cursor.view.getUint16(start) : cursor.view.getUint32(start);
}

/** Step over `size` bytes; their offset, or `undefined` when they are not there. */
function advance(cursor: Cursor, size: number): number | undefined {
  if (cursor.failure !== undefined) return undefined;
  const start = cursor.offset;
  if (start + size > cursor.bytes.length) {
    return refuse(cursor, { reason: "truncated", offset: start });
  }
  cursor.offset = start + size;
  return start;
}

function refuse(cursor: Cursor, failure: Amf0Failure): undefined {
  cursor.failure ??= failure;
  return undefined;
}
