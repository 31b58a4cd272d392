/** Who may watch what, without a platform: claims, verdicts, heights, and how long what is known of a stream is good. */
import { describe, expect, it } from "vitest";
import type { WatchClaims } from "../../../wire/watch-token.ts";
import {
  allowsRendition,
  type Circumstances,
  decideWatch,
  fits,
  policyUseOf,
  UNSIGNED,
  type Visitor,
} from "../../../workers/edge/core/visitor.ts";

const NOW = 1_800_000_000;
const claims: WatchClaims = { aud: "watch", stream: "radio", exp: NOW + 60 };
const here: Circumstances = { nowMs: NOW * 1000, address: "192.0.2.7", country: "DE" };
const at = (seconds: number): Circumstances => ({ ...here, nowMs: (NOW + seconds) * 1000 });
const from = (address: string): Circumstances => ({ ...here, address });
const nowhere: Circumstances = { nowMs: NOW * 1000 };

describe("a genuine token", () => {
  const ip = ["192.0.2.0/24", "2001:db8::/32"];
  it.each<[string, Partial<WatchClaims>, Circumstances, string]>([
    ["in its time", {}, here, "ok"],
    ["from nowhere that is known, when it asks for nothing", {}, nowhere, "ok"],
    ["in its last millisecond", {}, { ...here, nowMs: (NOW + 60) * 1000 - 1 }, "ok"],
    ["at its end", {}, at(60), "expired"],
    ["after its end", {}, at(61), "expired"],
    ["long after its end", {}, at(1e9), "expired"],
    ["of 1970", { exp: 0 }, here, "expired"],
    ["from its begin on", { nbf: NOW }, here, "ok"],
    ["by a clock five seconds behind", { nbf: NOW + 5 }, here, "ok"],
    ["by a clock six seconds behind", { nbf: NOW + 6 }, here, "not-yet"],
    ["that ends before it begins", { nbf: NOW + 90 }, at(70), "expired"],
    ["from its range", { ip }, here, "ok"],
    ["from its other range", { ip }, from("2001:db8::1"), "ok"],
    ["from its range, in another spelling", { ip }, from("::ffff:192.0.2.9"), "ok"],
    ["from beside its range", { ip }, from("192.0.3.7"), "address"],
    ["from an address that is none", { ip }, from("192.0.2"), "address"],
    ["from two addresses", { ip }, from("192.0.2.7, 192.0.2.8"), "address"],
    ["from an empty address", { ip }, from(""), "address"],
    ["from no address that is known", { ip }, nowhere, "address"],
    ["for no address at all", { ip: [] }, here, "address"],
    ["from its country", { country: "DE" }, here, "ok"],
    ["from another country", { country: "FR" }, here, "country"],
    ["from no country that is known", { country: "DE" }, nowhere, "country"],
    ["in which everything fits", { nbf: NOW - 1, ip, country: "DE" }, here, "ok"],
  ])("%s", (_what, more, circumstances, answer) => {
    const fit = fits({ ...claims, ...more }, circumstances);
    expect(fit.ok ? "ok" : fit.error).toBe(answer);
  });

  it("makes a visitor of its stream, with the height that it names", () => {
    const of = (more: Partial<WatchClaims>) => fits({ ...claims, ...more }, here);
    expect(of({})).toEqual({ ok: true, value: { signed: true, stream: "radio" } });
    expect(of({ maxHeight: 0 })).toEqual({
      ok: true,
      value: { signed: true, stream: "radio", maxHeight: 0 },
    });
  });
});

describe("a stream", () => {
  const signed: Visitor = { signed: true, stream: "radio" };
  it.each([
    ["public", UNSIGNED, "yes"],
    ["private", UNSIGNED, "hidden"],
    ["absent", UNSIGNED, "hidden"],
    [undefined, UNSIGNED, "unknown"],
    ["public", signed, "yes"],
    ["private", signed, "yes"],
    ["absent", signed, "hidden"],
    [undefined, signed, "yes"],
  ] as const)("that is %s is for %o: %s", (policy, visitor, verdict) => {
    expect(decideWatch(visitor, "radio", policy)).toBe(verdict);
  });

  it.each(["public", "private", "absent", undefined] as const)(
    "is never opened by another's token: %s",
    (policy) => {
      for (const stream of ["radio2", "radi", "Radio", ""])
        expect(decideWatch(signed, stream, policy)).toBe("forbidden");
    },
  );
});

describe("a rendition", () => {
  const upTo = (maxHeight: number): Visitor => ({ signed: true, stream: "radio", maxHeight });
  it.each<[string, Visitor, boolean]>([
    ["v1080", UNSIGNED, true],
    ["v2160", { signed: true, stream: "radio" }, true],
    ["anything", { signed: true, stream: "radio" }, true],
    ["v720", upTo(720), true],
    ["v721", upTo(720), false],
    ["v1080", upTo(720), false],
    ["v0720", upTo(720), true],
    ["v480", upTo(479), false],
    ["v144", upTo(0), false],
    ["audio", upTo(0), true],
    ["source", upTo(720), false],
    ["720", upTo(720), false],
    ["v", upTo(720), false],
    ["v-1", upTo(720), false],
    ["v123456", upTo(8640), false],
    ["v720 ", upTo(720), false],
  ])("%s for %o: %s", (rendition, visitor, allowed) => {
    expect(allowsRendition(visitor, rendition)).toBe(allowed);
  });
});

describe("what is known of a stream", () => {
  it.each([
    ["public", false, 0, "fresh"],
    ["public", false, 4_999, "fresh"],
    ["public", false, 5_000, "refresh"],
    ["public", false, 59_999, "refresh"],
    ["public", false, 60_000, "ask"],
    ["public", false, -1, "ask"],
    ["private", false, 999, "fresh"],
    ["private", false, 1_000, "ask"],
    ["private", true, 4_999, "fresh"],
    ["private", true, 5_000, "refresh"],
    ["private", true, 60_000, "ask"],
    ["absent", true, 999, "fresh"],
    ["absent", true, 1_000, "ask"],
  ] as const)("%s, signed %s, after %i ms: %s", (policy, signed, ageMs, freshness) => {
    expect(policyUseOf(policy, ageMs, signed)).toBe(freshness);
  });

  it("is as old for what is private as for what is not there, so that time tells nothing", () => {
    for (let ageMs = -1; ageMs < 70_000; ageMs += 499)
      expect(policyUseOf("private", ageMs, false)).toBe(policyUseOf("absent", ageMs, false));
  });
});
