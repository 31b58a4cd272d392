/** Where a key may stand in a publish, what else is read there, and what cannot be read. */
import { describe, expect, it } from "vitest";
import {
  type ClaimProblem,
  loggableApp,
  type PublishAddress,
  type PublishClaim,
  readClaim,
} from "../../../transcoder/core/publish-name.ts";
import { statusOfClaimProblem, statusOfRefusal } from "../../../transcoder/core/refusal.ts";

const read = (address: Partial<PublishAddress>) =>
  readClaim({ name: "", app: "live", tcUrl: "rtmp://host/live", ...address });

describe("a publish", () => {
  it.each<[string, Partial<PublishAddress>, Partial<PublishClaim>]>([
    ["with the key as its name", { name: "mrk_a" }, { key: "mrk_a" }],
    ["that yields", { name: "mrk_a?yield=1" }, { key: "mrk_a", yields: true }],
    ["that waits", { name: "mrk_a?x=2&backup=1" }, { key: "mrk_a", backup: true }],
    ["that does not yield", { name: "mrk_a?yield=10&backup=" }, { key: "mrk_a" }],
    ["with parameters that nobody knows", { name: "mrk_a?%zz&tz=1=2&&keys=b" }, { key: "mrk_a" }],
    ["with its stream and a key", { name: "demo?key=mrk_a" }, { key: "mrk_a", stream: "demo" }],
    ["with the key alone behind the mark", { name: "?key=mrk_a" }, { key: "mrk_a" }],
    [
      "with the key in the app",
      { name: "demo", app: "live?key=mrk_a", tcUrl: "rtmp://host/live?key=mrk_a" },
      { key: "mrk_a", stream: "demo" },
    ],
    ["with the key in tcUrl alone", { tcUrl: "rtmp://host/live?key=mrk_a/" }, { key: "mrk_a" }],
    [
      "with wishes in the app",
      { name: "mrk_a", app: "live?yield=1&backup=1" },
      { key: "mrk_a", yields: true, backup: true },
    ],
    [
      "with a wish in each place",
      { name: "demo?backup=1", app: "live?key=mrk_a&yield=1" },
      { key: "mrk_a", stream: "demo", yields: true, backup: true },
    ],
    ["with one key everywhere", { name: "mrk_a?key=mrk_a", app: "live?key=mrk%5Fa" }, { key: "mrk_a" }],
    [
      "with an empty key beside a real one",
      { name: "demo?key=", app: "live?key=mrk_a" },
      { key: "mrk_a", stream: "demo" },
    ],
    ["with a key that is percent-encoded", { name: "mrk%5fa" }, { key: "mrk_a" }],
    ["with a stream that is percent-encoded", { name: "de%6Do?key=mrk_a" }, { key: "mrk_a", stream: "demo" }],
    ["with a plus, which is no space here", { name: "demo?key=a+b" }, { key: "a+b", stream: "demo" }],
    ["with an equals sign in the key", { name: "demo?key=a=b" }, { key: "a=b", stream: "demo" }],
    ["with the longest key", { name: "k".repeat(256) }, { key: "k".repeat(256) }],
    ["without a prefix in its key", { name: "demo" }, { key: "demo" }],
  ])("%s", (_what, address, claim) => {
    expect(read(address)).toEqual({ ok: true, value: { yields: false, backup: false, ...claim } });
  });

  it.each<[string, Partial<PublishAddress>, ClaimProblem]>([
    ["with nothing", {}, { reason: "no-key" }],
    ["with wishes alone", { name: "?yield=1" }, { reason: "no-key" }],
    ["with a stream and an empty key", { name: "demo?key=" }, { reason: "no-key" }],
    ["with two keys in one place", { name: "demo?key=mrk_a&key=mrk_b" }, { reason: "two-keys" }],
    ["with a key in each place", { name: "demo?key=mrk_a", app: "live?key=mrk_b" }, { reason: "two-keys" }],
    ["with another key as its name", { name: "mrk_b?key=mrk_a" }, { reason: "two-keys" }],
    ["with a stream that cannot be", { name: "De mo?key=mrk_a" }, { reason: "bad-stream-name" }],
    ["with a path as its stream", { name: "a/b?key=mrk_a" }, { reason: "bad-stream-name" }],
    ["with a stream of 64 letters", { name: `${"s".repeat(64)}?key=mrk_a` }, { reason: "bad-stream-name" }],
    ["with half a percent-encoding in its key", { name: "demo?key=mrk_%5" }, { reason: "bad-encoding" }],
    ["with bytes that are no UTF-8 in its name", { name: "mrk_%ff" }, { reason: "bad-encoding" }],
    ["with a key of 257 letters", { name: "k".repeat(257) }, { reason: "too-long", limit: 256 }],
    [
      "with a long key behind the mark",
      { app: `live?key=${"k".repeat(257)}` },
      { reason: "too-long", limit: 256 },
    ],
    ["with a name of 4097 letters", { name: `k?${"x".repeat(4095)}` }, { reason: "too-long", limit: 4096 }],
    [
      "with an app of 4097 letters",
      { name: "k", app: "a".repeat(4097) },
      { reason: "too-long", limit: 4096 },
    ],
    [
      "with a tcUrl of 4097 letters",
      { name: "k", tcUrl: "a".repeat(4097) },
      { reason: "too-long", limit: 4096 },
    ],
  ])("%s cannot be read", (_what, address, problem) => {
    expect(read(address)).toEqual({ ok: false, error: problem });
    const { code, description } = statusOfClaimProblem(problem);
    expect(code).toBe("NetStream.Publish.BadName");
    expect(description).toMatch(/^[A-Z].*\.$/);
    expect(description).not.toContain("mrk_");
  });
});

it("says of an address only that it is not let in", () => {
  expect(statusOfRefusal("address-not-allowed")).toEqual({
    code: "NetStream.Publish.Denied",
    description: "This stream takes no encoder from this address.",
  });
});

it.each([
  ["live", "live"],
  ["live/demo", "live"],
  ["live?key=mrk_a", "live"],
  ["live%3Fkey=mrk_a", "live"],
  ["mrk_0123456789abcdefghjkmnpqrs", "mrk"],
  ["0123456789abcdefghjkmnpqrs", ""],
  ["sixteen-letters1", "sixteen-letters1"],
  ["\u001b[31m", ""],
  ["", ""],
])("shows the log of the app %j no more than %j", (app, shown) => {
  expect(loggableApp(app)).toBe(shown);
});
