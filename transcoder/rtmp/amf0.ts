/** AMF0 values (Adobe "Action Message Format -- AMF 0"): what they are, and their markers. Reading and writing are beside this file. */

/** Named members; a map, because a member may be called `__proto__`. */
export type Amf0Members = ReadonlyMap<string, Amf0Value>;

/** Any AMF0 value. A long string is a string. */
export type Amf0Value =
  | number
  | boolean
  | string
  | null
  | undefined
  | { readonly type: "object"; readonly members: Amf0Members }
  | { readonly type: "typed-object"; readonly className: string; readonly members: Amf0Members }
  | { readonly type: "ecma-array"; readonly members: Amf0Members }
  | { readonly type: "strict-array"; readonly items: readonly Amf0Value[] }
  /** `timezoneMinutes` is reserved and should be 0 (2.13). */
  | { readonly type: "date"; readonly epochMs: number; readonly timezoneMinutes: number };

/** Why bytes are no AMF0; `offset` is where. */
export type Amf0Failure =
  | { readonly reason: "truncated"; readonly offset: number }
  /** References, AMF3 values, reserved markers and unknown ones. */
  | { readonly reason: "refused-marker"; readonly marker: number; readonly offset: number }
  | { readonly reason: "no-object-end"; readonly offset: number }
  | { readonly reason: "too-deep"; readonly limit: number; readonly offset: number }
  | { readonly reason: "too-many-elements"; readonly limit: number; readonly offset: number };

/** Type markers (2.1). */
export const MARKER = {
  number: 0x00,
  boolean: 0x01,
  string: 0x02,
  object: 0x03,
  null: 0x05,
  undefined: 0x06,
  ecmaArray: 0x08,
  objectEnd: 0x09,
  strictArray: 0x0a,
  date: 0x0b,
  longString: 0x0c,
  unsupported: 0x0d,
  xmlDocument: 0x0f,
  typedObject: 0x10,
} as const;

/** An anonymous object. */
export const amf0Object = (members: Readonly<Record<string, Amf0Value>>): Amf0Value => ({
  type: "object",
  members: new Map(Object.entries(members)),
});

/** One member of an object, typed object or ECMA array; of anything else `undefined`. */
export function member(value: Amf0Value, name: string): Amf0Value {
  if (typeof value !== "object" || value === null || !("members" in value)) return undefined;
  return value.members.get(name);
}
