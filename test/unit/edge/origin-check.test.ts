/** From whose pages a socket may be opened. */
import { expect, it } from "vitest";
import { isOriginAllowed } from "../../../workers/edge/core/origin-check.ts";

const HERE = "https://watch.example/connection/websocket?stream=radio";
const SHOP = "https://shop.example, http://dev.example:3000 ,";

it.each<[string, string | null, string | undefined, boolean]>([
  ["what is no browser", null, undefined, true],
  ["our own page", "https://watch.example", undefined, true],
  ["our own page, TLS ended before us", "http://watch.example", undefined, true],
  ["our own page in other letters", "HTTPS://Watch.Example", undefined, true],
  ["our own host at another port", "https://watch.example:8443", undefined, false],
  ["a host that begins like ours", "https://watch.example.evil.example", undefined, false],
  ["a host that ends like ours", "https://evil-watch.example", undefined, false],
  ["another page", "https://shop.example", undefined, false],
  ["another page, with an empty list", "https://shop.example", "", false],
  ["a page of the list", "https://shop.example", SHOP, true],
  ["a page of the list, at its own port by name", "https://shop.example:443", SHOP, true],
  ["the second of the list", "http://dev.example:3000", SHOP, true],
  ["the list's host, not by its scheme", "http://shop.example", SHOP, false],
  ["the list's host at another port", "http://dev.example", SHOP, false],
  ["below a host of the list", "https://www.shop.example", SHOP, false],
  ["our own page beside a list", "https://watch.example", SHOP, true],
  ["anyone", "https://evil.example", "*", true],
  ["anyone, beside a list", "https://evil.example", "https://shop.example,*", true],
  ["nobody, when all may", "null", "*", true],
  ["nobody", "null", SHOP, false],
  ["nobody, though the list says null", "null", "null", false],
  ["an empty header", "", SHOP, false],
  ["no origin", "watch.example", undefined, false],
  ["another scheme", "ftp://watch.example", undefined, false],
  ["an extension", "chrome-extension://watch.example", "chrome-extension://watch.example", false],
  ["a host that is none", "https://", undefined, false],
])("%s", (_who, origin, allowed, verdict) => {
  expect(isOriginAllowed(origin, HERE, allowed)).toBe(verdict);
});

it("knows its own port", () => {
  const local = "http://127.0.0.1:8787/connection/websocket";
  expect(isOriginAllowed("http://127.0.0.1:8787", local, undefined)).toBe(true);
  expect(isOriginAllowed("http://127.0.0.1:3000", local, undefined)).toBe(false);
});
