/** Writing AMF0. For what this server says itself: depth and size are not checked. */
import { type Amf0Members, type Amf0Value, MARKER } from "./amf0.ts";
import { concat, encodeUtf8, u16, u32 } from "./bytes.ts";

const LONGEST_STRING_BYTES = 0xffff;

/** Write values one after the other. */
export const encodeAmf0 = (values: readonly Amf0Value[]): Uint8Array => concat(values.map(encodeValue));

function encodeValue(value: Amf0Value): Uint8Array {
  if (value === undefined) return Uint8Array.of(MARKER.undefined);
  if (value === null) return Uint8Array.of(MARKER.null);
  switch (typeof value) {
    case "number":
      return concat([Uint8Array.of(MARKER.number), float64(value)]);
    case "boolean":
      return Uint8Array.of(MARKER.boolean, value ? 1 : 0);
    case "string":
      return encodeString(value);
  }
  switch (value.type) {
    case "object":
      return concat([Uint8Array.of(MARKER.object), encodeMembers(value.members)]);
    case "typed-object":
      return concat([Uint8Array.of(MARKER.typedObject), name(value.className), encodeMembers(value.members)]);
    case "ecma-array":
      return concat([Uint8Array.of(MARKER.ecmaArray), u32(value.members.size), encodeMembers(value.members)]);
    case "strict-array":
      return concat([Uint8Array.of(MARKER.strictArray), u32(value.items.length), encodeAmf0(value.items)]);
    case "date":
      return concat([Uint8Array.of(MARKER.date), float64(value.epochMs), u16(value.timezoneMinutes)]);
  }
}

function encodeString(text: string): Uint8Array {
  const utf8 = encodeUtf8(text);
  return utf8.length > LONGEST_STRING_BYTES
    ? concat([Uint8Array.of(MARKER.longString), u32(utf8.length), utf8])
    : concat([Uint8Array.of(MARKER.string), u16(utf8.length), utf8]);
}

function encodeMembers(members: Amf0Members): Uint8Array {
  const pieces = [...members].flatMap(([key, value]) => [name(key), encodeValue(value)]);
  return concat([...pieces, Uint8Array.of(0, 0, MARKER.objectEnd)]);
}

/** A name without marker: the length has 16 bits, so what does not fit is cut off. */
function name(text: string): Uint8Array {
  const utf8 = encodeUtf8(text).subarray(0, LONGEST_STRING_BYTES);
  return concat([u16(utf8.length), utf8]);
}

function float64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}
