/** Whom requests are counted as, and how large one may be. */
import { describe, expect, it } from "vitest";
import { clientKey } from "../../../workers/edge/core/client-key.ts";
import { MAX_HEADER_LETTERS, MAX_URL_LETTERS, sizeProblem } from "../../../workers/edge/core/request-size.ts";

describe("a client", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::", "2001:db8:1:2::/64"],
    ["2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    [null, "unknown"],
    ["", "unknown"],
    ["nonsense", "unknown"],
    ["192.0.2.7, 192.0.2.8", "unknown"],
    ["1".repeat(10_000), "unknown"],
  ])("%s is counted as %s", (address, key) => {
    expect(clientKey(address)).toBe(key);
  });

  it("has one /64, and its neighbour another", () => {
    expect(clientKey("2001:db8:1:2::1")).not.toBe(clientKey("2001:db8:1:3::1"));
  });
});

describe("a request", () => {
  const header = (letters: number): [string, string][] => [["x", "y".repeat(letters - 1)]];

  it.each([
    ["small", 100, header(100), undefined],
    ["with the longest address", MAX_URL_LETTERS, [], undefined],
    ["with a longer one", MAX_URL_LETTERS + 1, [], [414, "uri-too-long"]],
    ["with the largest headers", 100, header(MAX_HEADER_LETTERS), undefined],
    ["with larger ones", 100, header(MAX_HEADER_LETTERS + 1), [431, "headers-too-large"]],
    [
      "with many headers",
      100,
      [...header(MAX_HEADER_LETTERS / 2), ...header(MAX_HEADER_LETTERS / 2), ["a", ""]],
      [431, "headers-too-large"],
    ],
  ] as const)("%s", (_name, url, headers, expected) => {
    const wrong = sizeProblem(url, headers);
    expect(wrong && [wrong.status, wrong.type.replace("urn:millrace:problem:", "")]).toEqual(expected);
  });
});
