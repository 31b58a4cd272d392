import { describe, expect, it } from "vitest";
import { type Amf0Value, amf0Object } from "../../../transcoder/rtmp/amf0.ts";
import { decodeAmf0, leadingString } from "../../../transcoder/rtmp/amf0-decode.ts";
import { encodeAmf0 } from "../../../transcoder/rtmp/amf0-encode.ts";
import { decodeUtf8, encodeUtf8 } from "../../../transcoder/rtmp/bytes.ts";
import { be32, bytes } from "./encoder.ts";

const LIMITS = { amfDepth: 4, amfElements: 20 };
const nested = (depth: number): Amf0Value => (depth === 0 ? 1 : amf0Object({ a: nested(depth - 1) }));

describe("values", () => {
  it.each<[string, Amf0Value, number[]]>([
    ["a number", 1.5, [0, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ["true", true, [1, 1]],
    ["false", false, [1, 0]],
    ["a string", "né", [2, 0, 3, 0x6e, 0xc3, 0xa9]],
    ["an empty string", "", [2, 0, 0]],
    ["null", null, [5]],
    ["undefined", undefined, [6]],
    ["an object", amf0Object({ a: true }), [3, 0, 1, 0x61, 1, 1, 0, 0, 9]],
    [
      "a member called __proto__",
      amf0Object(JSON.parse('{"__proto__":null}')),
      [3, 0, 9, ...encodeUtf8("__proto__"), 5, 0, 0, 9],
    ],
    [
      "a typed object",
      { type: "typed-object", className: "C", members: new Map([["a", null]]) },
      [16, 0, 1, 0x43, 0, 1, 0x61, 5, 0, 0, 9],
    ],
    [
      "an ECMA array",
      { type: "ecma-array", members: new Map([["a", "b"]]) },
      [8, 0, 0, 0, 1, 0, 1, 0x61, 2, 0, 1, 0x62, 0, 0, 9],
    ],
    ["a strict array", { type: "strict-array", items: [null, true] }, [10, 0, 0, 0, 2, 5, 1, 1]],
    [
      "a date",
      { type: "date", epochMs: 2, timezoneMinutes: -60 },
      [11, 0x40, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xc4],
    ],
  ])("writes and reads %s", (_name, value, encoded) => {
    expect([...encodeAmf0([value])]).toEqual(encoded);
    expect(decodeAmf0(Uint8Array.from(encoded), LIMITS)).toEqual({ ok: true, value: [value] });
  });

  it("writes a string of more than 65,535 bytes as a long one", () => {
    const encoded = encodeAmf0(["x".repeat(65_536)]);
    expect([...encoded.subarray(0, 5)]).toEqual([12, 0, 1, 0, 0]);
    expect(decodeAmf0(encoded, LIMITS)).toEqual({ ok: true, value: ["x".repeat(65_536)] });
  });

  it.each<[string, number[], Amf0Value]>([
    [
      "an ECMA array whose count is wrong",
      [8, 0, 0, 0, 99, 0, 1, 0x61, 5, 0, 0, 9],
      { type: "ecma-array", members: new Map([["a", null]]) },
    ],
    ["an XML document as its text", [15, 0, 0, 0, 1, 0x78], "x"],
    ["an unsupported value as undefined", [13], undefined],
  ])("reads %s", (_name, encoded, value) => {
    expect(decodeAmf0(Uint8Array.from(encoded), LIMITS)).toEqual({ ok: true, value: [value] });
  });
});

describe("refusals", () => {
  it.each<[string, Uint8Array, object]>([
    ["a reference", bytes(7, 0, 0), { reason: "refused-marker", marker: 7, offset: 0 }],
    ["a movie clip", bytes(4), { reason: "refused-marker", marker: 4, offset: 0 }],
    ["a record set", bytes(5, 14), { reason: "refused-marker", marker: 14, offset: 1 }],
    ["an AMF3 value", bytes(17, 1), { reason: "refused-marker", marker: 17, offset: 0 }],
    ["an object end on its own", bytes(9), { reason: "refused-marker", marker: 9, offset: 0 }],
    ["half a number", bytes(0, 1, 2), { reason: "truncated", offset: 1 }],
    ["a string that promises more", bytes(2, 0, 5, 0x61), { reason: "truncated", offset: 3 }],
    ["a long string that promises 4 GB", bytes(12, be32(0xffffffff)), { reason: "truncated", offset: 5 }],
    ["an object without its end", bytes(3, 0, 1, 0x61, 5), { reason: "truncated", offset: 5 }],
    ["an empty name that is no end", bytes(3, 0, 0, 5), { reason: "no-object-end", offset: 3 }],
    [
      "a strict array that promises 4 billion",
      bytes(10, be32(0xffffffff), 5),
      { reason: "truncated", offset: 6 },
    ],
    ["too many values", bytes(Array(21).fill(5)), { reason: "too-many-elements", limit: 20, offset: 20 }],
    [
      "too many in an array",
      bytes(10, be32(30), Array(30).fill(5)),
      { reason: "too-many-elements", limit: 20, offset: 24 },
    ],
    ["too deep", encodeAmf0([nested(5)]), { reason: "too-deep", limit: 4, offset: 20 }],
  ])("refuses %s", (_name, encoded, error) => {
    expect(decodeAmf0(encoded, LIMITS)).toEqual({ ok: false, error });
  });

  it("reads what is just within the limits", () => {
    expect(decodeAmf0(encodeAmf0([nested(4)]), LIMITS)).toEqual({ ok: true, value: [nested(4)] });
    expect(decodeAmf0(bytes(Array(20).fill(5)), LIMITS).ok).toBe(true);
  });

  it("stops at every truncation of a value without a throw", () => {
    const whole = encodeAmf0(["a", 1, amf0Object({ b: { type: "date", epochMs: 1, timezoneMinutes: 0 } })]);
    const ends = [0, 4, 13, whole.length];
    for (let end = 0; end <= whole.length; end += 1) {
      expect(decodeAmf0(whole.subarray(0, end), LIMITS).ok).toBe(ends.includes(end));
    }
  });
});

describe("leadingString", () => {
  it.each<[string, Uint8Array, number]>([
    ["the same string", bytes(encodeAmf0(["abc"]), 5), 6],
    ["another", encodeAmf0(["abd"]), 0],
    ["a longer one", encodeAmf0(["abcd"]), 0],
    ["too few bytes", encodeAmf0(["abc"]).subarray(0, 5), 0],
  ])("measures %s", (_name, encoded, length) => {
    expect(leadingString(encoded, "abc")).toBe(length);
  });
});

describe("UTF-8", () => {
  it.each(["", "plain", "né", "日本", "🎥x", "\u0000"])("agrees with the platform on %j", (text) => {
    expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
    expect(decodeUtf8(encodeUtf8(text))).toBe(text);
  });

  it.each([
    ["an overlong slash", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["past the last code point", [0xf4, 0x90, 0x80, 0x80]],
    ["a lone tail", [0x80]],
    ["half a character", [0x61, 0xe6, 0x97]],
  ])("replaces %s and goes on", (_name, encoded) => {
    const text = decodeUtf8(Uint8Array.from([...encoded, 0x62]));
    expect(text).toMatch(/^a?\ufffd+b$/);
  });

  it("writes a lone surrogate as a replacement", () => {
    expect(encodeUtf8("\ud800")).toEqual(new TextEncoder().encode("\ud800"));
  });
});
