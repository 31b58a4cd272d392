/** Viewers' cookies and what strangers are hashed from. */
import { describe, expect, it } from "vitest";
import {
  addressText,
  cookieText,
  readViewerCookie,
  strangerText,
  viewerKeyOf,
  writeViewerCookie,
} from "../../../workers/edge/core/viewer-key.ts";

const ID = "AAECAwQFBgcICQoLDA0ODw";
const MAC = "m".repeat(43);
const COOKIE = `millrace_viewer=${ID}.${MAC}`;

describe("a viewer's cookie", () => {
  it.each([
    ["alone", COOKIE],
    ["between others", `a=b; ${COOKIE}; c=d`],
    ["without spaces", `a=b;${COOKIE};c`],
    ["before another of its name", `${COOKIE}; millrace_viewer=x`],
  ])("is read %s", (_what, header) => {
    expect(readViewerCookie(header)).toEqual({ id: ID, mac: MAC });
  });

  it.each([
    ["no cookies", null],
    ["an empty header", ""],
    ["others", "a=b; viewer=c"],
    ["a name that ends like it", `x${COOKIE}`],
    ["a name in capitals", COOKIE.replace("millrace", "MILLRACE")],
    ["no value", "millrace_viewer"],
    ["an empty value", "millrace_viewer="],
    ["no mac", `millrace_viewer=${ID}`],
    ["a short id", `millrace_viewer=${ID.slice(1)}.${MAC}`],
    ["a long mac", `${COOKIE}m`],
    ["quotes", `millrace_viewer="${ID}.${MAC}"`],
    ["another alphabet", `millrace_viewer=${ID.slice(1)}+.${MAC}`],
    ["one behind another of its name", `millrace_viewer=x; ${COOKIE}`],
    ["one behind a hundred", `${"a=b;".repeat(100)}${COOKIE}`],
  ])("is not in %s", (_what, header) => {
    expect(readViewerCookie(header)).toBeUndefined();
  });

  it("is written for a day, for this server and no script", () => {
    const written = `${COOKIE}; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax`;
    expect(writeViewerCookie({ id: ID, mac: MAC }, false)).toBe(written);
    expect(writeViewerCookie({ id: ID, mac: MAC }, true)).toBe(`${written}; Secure`);
  });

  it("is signed over letters that no JWT has", () => {
    expect(cookieText(ID)).toBe(`millrace viewer cookie\n${ID}`);
  });
});

describe("a stranger", () => {
  const nowMs = Date.UTC(2026, 10, 21, 23, 59, 59, 999);
  const stranger = { address: "192.0.2.7", agent: "VLC/3", nowMs };

  it("is an address and a player on a day", () => {
    expect(strangerText(stranger)).toBe("millrace viewer\n20778\n192.0.2.7\nVLC/3");
    expect(strangerText({ ...stranger, nowMs: nowMs - 86_399_999 })).toBe(strangerText(stranger));
    expect(strangerText({ ...stranger, nowMs: nowMs + 1 })).toBe("millrace viewer\n20779\n192.0.2.7\nVLC/3");
    expect(strangerText({ address: null, agent: null, nowMs })).toBe("millrace viewer\n20778\n\n");
  });

  it("has an address that is counted apart from players", () => {
    expect(addressText("2001:db8:0:0::/64", nowMs)).toBe("millrace address\n20778\n2001:db8:0:0::/64");
  });

  it("is nobody with a cookie", () => {
    expect([viewerKeyOf("cookie", "x"), viewerKeyOf("stranger", "x")]).toEqual(["c:x", "s:x"]);
  });
});
