/** Who may push to a stream: the order of refusals, and that none of them says more than it must. */
import { expect, it } from "vitest";
import type { StreamRecord } from "../../../wire/admin.ts";
import { admit } from "../../../workers/origin/core/admit.ts";

const OPEN: StreamRecord = {
  id: "radio",
  title: "",
  profile: "low",
  reconnectSeconds: 60,
  allowAddresses: [],
  standby: "cold",
  access: "public",
  disabled: false,
  createdAt: "2026-11-21T03:04:05.000Z",
  live: false,
};
const LISTED: StreamRecord = { ...OPEN, allowAddresses: ["192.0.2.0/24", "2001:db8::/32"] };

it.each<[string, StreamRecord, Parameters<typeof admit>[1]]>([
  ["an encoder from anywhere", OPEN, {}],
  ["one that names its stream", OPEN, { stream: "radio", remoteAddress: "not even an address" }],
  ["one from the list", LISTED, { remoteAddress: "192.0.2.7" }],
  [
    "one from the list, as a socket for both families spells it",
    LISTED,
    { remoteAddress: "::ffff:192.0.2.7" },
  ],
  ["one from the list over IPv6", LISTED, { stream: "radio", remoteAddress: "2001:db8::7" }],
])("admits %s", (_what, record, claim) => {
  expect(admit(record, claim)).toEqual({ ok: true, value: record });
});

it.each<[string, StreamRecord | undefined, Parameters<typeof admit>[1], number, string]>([
  ["a key of no stream", undefined, {}, 401, "unknown-key"],
  ["a key of another stream", OPEN, { stream: "tv" }, 401, "unknown-key"],
  [
    "a key of another stream, whatever else",
    { ...LISTED, disabled: true },
    { stream: "tv" },
    401,
    "unknown-key",
  ],
  ["another address", LISTED, { remoteAddress: "192.0.3.7" }, 403, "address-not-allowed"],
  ["an address that is not told", LISTED, {}, 403, "address-not-allowed"],
  ["an address that cannot be read", LISTED, { remoteAddress: "unknown" }, 403, "address-not-allowed"],
  [
    "another address, before it learns that the stream is disabled",
    { ...LISTED, disabled: true },
    {},
    403,
    "address-not-allowed",
  ],
  ["a disabled stream", { ...OPEN, disabled: true }, { stream: "radio" }, 403, "stream-disabled"],
])("refuses %s", (_what, record, claim, status, name) => {
  const refused = admit(record, claim);
  expect(refused).toMatchObject({ ok: false, error: { status, type: `urn:millrace:problem:${name}` } });
  expect(JSON.stringify(refused)).not.toMatch(/radio|192\.0\.2/);
});

it("says the same of a wrong key and of another stream's", () => {
  expect(admit(OPEN, { stream: "tv" })).toEqual(admit(undefined, {}));
});
