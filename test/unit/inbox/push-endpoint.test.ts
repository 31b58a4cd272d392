/** Where notifications may be sent: a table of addresses, good and bad. Workers call what is good here. */
import { describe, expect, it } from "vitest";
import { isPushEndpoint, originsOf } from "../../../durable-objects/core/inbox/push-endpoint.ts";

describe("a push service", () => {
  it.each([
    "https://fcm.googleapis.com/fcm/send/abc:APA91b-_",
    "https://updates.push.services.mozilla.com/wpush/v2/gAAAAA-_=",
    "https://updates.push.services.mozilla.com:443/wpush/v2/x",
    "https://web.push.apple.com/QGxyz",
    "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAB%2b%2f=&a=b",
    "https://push.example-1.co.uk/x",
    "HTTPS://FCM.GoogleAPIs.com/Fcm",
    "https://xn--bcher-kva.xn--p1ai/push",
    "https://3.example1.com",
    "https://push.com/@user",
    "https://10.0.0.1.com/",
    `https://push.com/${"a".repeat(2_048 - 17)}`,
  ])("is at %s", (endpoint) => {
    expect(isPushEndpoint(endpoint, [])).toBe(true);
    expect(URL.canParse(endpoint)).toBe(true);
  });
});

describe("no push service", () => {
  it.each([
    ["nothing", ""],
    ["no address", "push"],
    ["another scheme", "http://fcm.googleapis.com/x"],
    ["another scheme", "ftp://fcm.googleapis.com/x"],
    ["another scheme", "file:///etc/passwd"],
    ["another scheme", "data:text/plain,x"],
    ["another scheme", "javascript:alert(1)"],
    ["no scheme", "//fcm.googleapis.com/x"],
    ["no authority", "https:///fcm.googleapis.com/x"],
    ["no authority", "https:fcm.googleapis.com/x"],
    ["one slash", "https:/fcm.googleapis.com/x"],
    ["backslashes", "https:\\\\127.0.0.1\\x"],
    ["a backslash in the path", "https://push.com\\@127.0.0.1/x"],
    ["a backslash after the path", "https://push.com/\\x"],
    ["a user", "https://user@push.com/x"],
    ["a user and a password", "https://push.com:443@127.0.0.1/x"],
    ["an empty user", "https://@push.com/x"],
    ["a user as a name", "https://push.com%40127.0.0.1/x"],
    ["a port", "https://push.com:8443/x"],
    ["a port", "https://push.com:80/x"],
    ["an empty port", "https://push.com:/x"],
    ["a port with a zero", "https://push.com:0443/x"],
    ["a fragment", "https://push.com/x#y"],
    ["a fragment alone", "https://push.com#@127.0.0.1"],
    ["an address", "https://127.0.0.1/x"],
    ["an address", "https://8.8.8.8/x"],
    ["an address", "https://10.1.2.3/x"],
    ["an address", "https://169.254.169.254/latest/meta-data/"],
    ["an address", "https://192.168.0.1/x"],
    ["an address", "https://0.0.0.0/x"],
    ["a short address", "https://127.1/x"],
    ["a short address", "https://0/x"],
    ["a decimal address", "https://2130706433/x"],
    ["a hexadecimal address", "https://0x7f000001/x"],
    ["a hexadecimal address", "https://0x7f.0.0.1/x"],
    ["an octal address", "https://0177.0.0.1/x"],
    ["an octal address", "https://017700000001/x"],
    ["a mixed address", "https://127.0.0x0.1/x"],
    ["an address with a dot", "https://127.0.0.1./x"],
    ["an address by name", "https://1.2.3.0x4/x"],
    ["an address in percents", "https://%31%32%37.0.0.1/x"],
    ["an address in wide letters", "https://１２７.0.0.1/x"],
    ["an address in circles", "https://①②⑦.⓪.⓪.①/x"],
    ["an IPv6 address", "https://[::1]/x"],
    ["an IPv6 address", "https://[fd00::1]/x"],
    ["an IPv6 address", "https://[2606:4700::1111]/x"],
    ["an IPv4 address as IPv6", "https://[::ffff:127.0.0.1]/x"],
    ["an IPv4 address as IPv6", "https://[64:ff9b::7f00:1]/x"],
    ["an IPv6 address with a zone", "https://[fe80::1%25eth0]/x"],
    ["this machine", "https://localhost/x"],
    ["this machine", "https://LOCALHOST/x"],
    ["this machine", "https://localhost./x"],
    ["this machine", "https://app.localhost/x"],
    ["this machine", "https://localhost.localdomain/x"],
    ["a network's own name", "https://printer.local/x"],
    ["a network's own name", "https://metadata.google.internal/computeMetadata/v1/"],
    ["a network's own name", "https://router.lan/x"],
    ["a network's own name", "https://nas.home.arpa/x"],
    ["a network's own name", "https://wiki.corp/x"],
    ["a network's own name", "https://db.intranet/x"],
    ["a network's own name", "https://x.private/x"],
    ["an address backwards", "https://1.0.0.127.in-addr.arpa/x"],
    ["a name that is never there", "https://push.test/x"],
    ["a name that is never there", "https://push.invalid/x"],
    ["a name that is never there", "https://push.example/x"],
    ["a hidden service", "https://push.onion/x"],
    ["one label", "https://push/x"],
    ["one label", "https://com/x"],
    ["a dot at the end", "https://push.com./x"],
    ["dots at the end", "https://push.com../x"],
    ["a dot at the beginning", "https://.push.com/x"],
    ["an empty label", "https://push..com/x"],
    ["a hyphen at the beginning", "https://-push.com/x"],
    ["a hyphen at the end", "https://push-.com/x"],
    ["an underscore", "https://push_1.com/x"],
    ["a long label", `https://${"a".repeat(64)}.com/x`],
    ["a long name", `https://${"abcdefgh.".repeat(28)}com/x`],
    ["a short top", "https://push.c/x"],
    ["a number on top", "https://push.123/x"],
    ["a name that is an address", "https://127.0.0.1.nip.io/x"],
    ["a name that is an address", "https://169-254-169-254.sslip.io/x"],
    ["a name that is this machine", "https://localtest.me/x"],
    ["a space before", " https://push.com/x"],
    ["a space after", "https://push.com/x "],
    ["a space in it", "https://push .com/x"],
    ["a tab in the scheme", "ht\ttps://push.com/x"],
    ["a tab in the name", "https://127.0.0\t.1/x"],
    ["a line in the path", "https://push.com/x\nHost: y"],
    ["a line after it", "https://push.com/x\n"],
    ["a zero", "https://push.com\0.127.0.0.1/x"],
    ["letters beyond ASCII", "https://pušh.com/x"],
    ["a full stop from elsewhere", "https://127。0。0。1/x"],
    ["half a letter", "https://push.com/\ud83d"],
    ["letters beyond ASCII in the path", "https://push.com/ü"],
    ["2,049 letters", `https://push.com/${"a".repeat(2_049 - 17)}`],
  ])("is %s: %j", (_why, endpoint) => {
    expect(isPushEndpoint(endpoint, [])).toBe(false);
  });
});

describe("an origin that the operator allows", () => {
  const allowed = originsOf(" http://127.0.0.1:4500 ,https://push.internal,");

  it.each([
    ["http://127.0.0.1:4500/push/1", true],
    ["http://127.0.0.1:4500", true],
    ["https://push.internal/x?y", true],
    ["https://fcm.googleapis.com/x", true],
    ["http://127.0.0.1:4501/push/1", false],
    ["https://127.0.0.1:4500/push/1", false],
    ["http://127.0.0.1:4500@evil.com/", false],
    ["http://127.0.0.1:45001/", false],
    ["http://127.0.0.1/", false],
    ["http://x@127.0.0.1:4500/", false],
    ["https://push.internal.evil.local/x", false],
    ["https://other.internal/x", false],
  ] as const)("lets %s in: %s", (endpoint, isAllowed) => {
    expect(isPushEndpoint(endpoint, allowed)).toBe(isAllowed);
  });

  it("is none where none is set", () => {
    expect(originsOf(undefined)).toEqual([]);
    expect(originsOf("")).toEqual([]);
  });
});
