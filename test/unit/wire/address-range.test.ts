/** Allow-lists: how ranges are spelled, what is no range, and which addresses are within. */
import { describe, expect, it } from "vitest";
import {
  AddressRangesSchema,
  isWithin,
  MAX_ADDRESS_RANGES,
  normalRange,
} from "../../../wire/address-range.ts";
import { parse } from "../../../wire/parse.ts";

describe("a range", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["192.0.2.7/32", "192.0.2.7"],
    ["192.0.2.7/24", "192.0.2.0/24"],
    ["255.255.255.255/1", "128.0.0.0/1"],
    ["203.0.113.129/25", "203.0.113.128/25"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["2001:DB8:0:0:0:0:0:7", "2001:db8::7"],
    ["2001:db8::7/128", "2001:db8::7"],
    ["2001:db8:ffff::/33", "2001:db8:8000::/33"],
    ["2001:db8::ffff/127", "2001:db8::fffe/127"],
    ["::/0", "::/0"],
    ["::1", "::1"],
    // One address in two families (RFC 4291 2.5.5.2).
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::ffff:c000:207", "192.0.2.7"],
    ["::ffff:192.0.2.77/120", "192.0.2.0/24"],
    ["::ffff:0:0/96", "0.0.0.0/0"],
    ["64:ff9b::192.0.2.7", "64:ff9b::c000:207"],
  ])("%s is written %s", (text, written) => {
    expect(normalRange(text)).toBe(written);
    expect(normalRange(written)).toBe(written);
  });

  it.each([
    "",
    "1",
    "127.1",
    "0x7f.0.0.1",
    "010.0.0.1",
    "192.0.2.007",
    "192.0.2",
    "192.0.2.256",
    "1.2.3.4.5",
    "192.0.2.1/33",
    "192.0.2.1/-1",
    "192.0.2.1/+8",
    "192.0.2.1/08",
    "192.0.2.1/8.0",
    "192.0.2.1/",
    "192.0.2.1/8/8",
    "192.0.2.1/255.255.255.0",
    "192.0.2.1:1935",
    "192.0.2.1-192.0.2.9",
    " 192.0.2.1",
    "192.0.2.1\n",
    "/8",
    ":",
    "1::2::3",
    "2001:db8::/129",
    "2001:db8:::1",
    "[::1]",
    "fe80::1%eth0",
    // Short of the 96 bits that say that it is IPv4.
    "::ffff:192.0.2.0/95",
    "::192.0.2.7",
    "::ffff:010.0.0.1",
    "::ffff:1.2.3",
    "localhost",
    "example.com",
    "*",
  ])("%j is none", (text) => {
    expect(normalRange(text)).toBeUndefined();
    expect(parse(AddressRangesSchema, ["::1", text])).toEqual({
      ok: false,
      error: { reason: "malformed", detail: "1: expected an IP address or CIDR range" },
    });
  });
});

describe("a list", () => {
  it("has each range once, in its one spelling", () => {
    const list = ["192.0.2.9/24", "2001:DB8::/32", "::ffff:192.0.2.1/120", "192.0.2.0/24"];
    expect(parse(AddressRangesSchema, list)).toEqual({ ok: true, value: ["192.0.2.0/24", "2001:db8::/32"] });
  });

  it.each<[string, unknown]>([
    ["text", "192.0.2.1"],
    ["nothing", null],
    ["a number in it", [3232235521]],
    ["a list in it", [["192.0.2.1"]]],
    ["a thousand letters in it", ["1".repeat(1000)]],
    ["one range too many", Array.from({ length: MAX_ADDRESS_RANGES + 1 }, (_, i) => `10.0.0.${i}`)],
  ])("cannot be %s", (_what, list) => {
    expect(parse(AddressRangesSchema, list).ok).toBe(false);
  });
});

describe("an address", () => {
  it.each<[string, readonly string[], boolean]>([
    ["192.0.2.7", ["192.0.2.7"], true],
    ["192.0.2.8", ["192.0.2.7"], false],
    ["192.0.2.255", ["198.51.100.0/24", "192.0.2.0/24"], true],
    ["192.0.3.0", ["192.0.2.0/24"], false],
    ["203.0.113.127", ["203.0.113.128/25"], false],
    ["203.0.113.128", ["203.0.113.128/25"], true],
    ["::ffff:192.0.2.7", ["192.0.2.0/24"], true],
    ["::ffff:c000:207", ["192.0.2.0/24"], true],
    ["192.0.2.7", ["::ffff:192.0.2.0/120"], true],
    ["192.0.2.7", ["0.0.0.0/0"], true],
    ["2001:db8::7", ["2001:db8::/32"], true],
    ["2001:db9::7", ["2001:db8::/32"], false],
    ["2001:DB8:0::7", ["2001:db8::7"], true],
    ["fe80::1%eth0", ["fe80::/10"], true],
    // The families are apart: all of one is nothing of the other.
    ["192.0.2.7", ["::/0"], false],
    ["::ffff:192.0.2.7", ["::/0"], false],
    ["2001:db8::7", ["0.0.0.0/0"], false],
    // Deprecated spelling of an IPv6 address, not the IPv4 one.
    ["::192.0.2.7", ["192.0.2.0/24", "0.0.0.0/0"], false],
    ["", ["0.0.0.0/0", "::/0"], false],
    ["unknown", ["0.0.0.0/0", "::/0"], false],
    ["127.1", ["0.0.0.0/0"], false],
    ["192.0.2.0/24", ["192.0.2.0/24"], false],
    ["192.0.2.7", [], false],
    ["192.0.2.7", ["nonsense"], false],
  ])("%j in %j: %j", (address, ranges, within) => {
    expect(isWithin(address, ranges)).toBe(within);
  });
});
