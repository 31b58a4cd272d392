/** `millrace push-keys`: a pair that fits together, and the lines to set. */
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { expect, it } from "vitest";
import { runCli } from "../../../cli/program.ts";

async function pushKeys(...args: readonly string[]) {
  const printed: string[] = [];
  const complained: string[] = [];
  const code = await runCli(["push-keys", ...args], {
    env: {},
    root: "/nowhere",
    print: (text) => printed.push(text),
    complain: (text) => complained.push(text),
  });
  return { code, out: printed.join("\n"), said: complained.join("\n") };
}

it("prints the three lines, with a new pair each time", async () => {
  const one = await pushKeys("--subject", "mailto:ops@example.com");
  expect(one).toMatchObject({ code: 0, said: "" });
  expect(one.out).toMatch(
    /^VAPID_PUBLIC_KEY=[\w-]{87}\nVAPID_PRIVATE_KEY=[\w-]{43}\nVAPID_SUBJECT=mailto:ops@example\.com$/,
  );
  expect((await pushKeys("--subject", "mailto:ops@example.com")).out).not.toBe(one.out);
});

it("makes keys that belong together", async () => {
  const { out } = await pushKeys("--subject", "https://example.com", "--json");
  const { publicKey, privateKey, subject } = JSON.parse(out);
  expect(subject).toBe("https://example.com");
  const point = Buffer.from(publicKey, "base64url");
  expect([point.length, point[0]]).toEqual([65, 4]);
  const half = (from: number) => point.subarray(from, from + 32).toString("base64url");
  const jwk = { kty: "EC", crv: "P-256", x: half(1), y: half(33) };
  const words = Buffer.from("words");
  const signed = sign("sha256", words, createPrivateKey({ key: { ...jwk, d: privateKey }, format: "jwk" }));
  expect(verify("sha256", words, createPublicKey({ key: jwk, format: "jwk" }), signed)).toBe(true);
});

it.each<[string, readonly string[]]>([
  ["nothing", []],
  ["a bare address", ["--subject", "ops@example.com"]],
  ["no address", ["--subject", "mailto:ops"]],
  ["another scheme", ["--subject", "http://example.com"]],
])("refuses %s", async (_what, args) => {
  const { code, said } = await pushKeys(...args);
  expect(code).toBe(2);
  expect(said).toContain("--subject");
});
