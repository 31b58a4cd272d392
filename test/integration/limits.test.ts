/** Limits of one client: who is counted together, and how a refusal is answered. */
import { describe, expect, it } from "vitest";
import { isTooMuch, tooLarge, tooManyRequests } from "../../workers/edge/limits.ts";

const from = (address?: string) =>
  new Request("https://edge.test/", {
    headers: address === undefined ? {} : { "cf-connecting-ip": address },
  });

/** Lets one request of each key through. */
function once(): RateLimit & { readonly keys: string[] } {
  const keys: string[] = [];
  return {
    keys,
    limit: async ({ key }) => {
      keys.push(key);
      return { success: keys.filter((one) => one === key).length === 1 };
    },
  };
}

describe("rate limits", () => {
  it("count an IPv6 network as one client, and strangers as one", async () => {
    const binding = once();
    const said: boolean[] = [];
    for (const address of [
      "192.0.2.1",
      "192.0.2.2",
      "192.0.2.1",
      "2001:db8::1",
      "2001:db8::2",
      undefined,
      undefined,
    ])
      said.push(await isTooMuch(binding, from(address)));
    expect(said).toEqual([false, false, true, false, true, false, true]);
    expect(new Set(binding.keys)).toEqual(
      new Set(["192.0.2.1", "192.0.2.2", "2001:db8:0:0::/64", "unknown"]),
    );
  });

  it("let everybody through without a binding, and when it fails", async () => {
    expect(await isTooMuch(undefined, from("192.0.2.1"))).toBe(false);
    const broken: RateLimit = { limit: () => Promise.reject(new Error("away")) };
    expect(await isTooMuch(broken, from("192.0.2.1"))).toBe(false);
  });

  it("tell when to come back", async () => {
    const answer = tooManyRequests();
    expect([answer.status, answer.headers.get("retry-after"), answer.headers.get("cache-control")]).toEqual([
      429,
      "10",
      "no-store",
    ]);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await answer.json()).toMatchObject({ type: "urn:millrace:problem:too-many-requests" });
  });
});

it.each([
  ["/", {}, undefined],
  [`/${"x".repeat(4096)}`, {}, 414],
  ["/", { "x-long": "y".repeat(16_500) }, 431],
])("a request is looked at unless it is too large", (path, headers, status) => {
  const answer = tooLarge(new Request(`https://edge.test${path}`, { headers }));
  expect(answer?.status).toBe(status);
  if (answer) expect(answer.headers.get("cache-control")).toBe("no-store");
});
