/**
 * Addresses and CIDR ranges (RFC 4632, RFC 4291) of an allow-list: how they are spelled, and whether an address is within.
 * An IPv4 address is the same one when it is mapped into IPv6 (`::ffff:192.0.2.7`). Not counting by address: transcoder/rtmp/address-key.ts.
 */
import ipaddr from "ipaddr.js";
import * as v from "valibot";

/** Ranges that one list may have. */
export const MAX_ADDRESS_RANGES = 64;
/** Letters of the longest address with a prefix length. */
const MAX_RANGE_LETTERS = 49;

type Address = ipaddr.IPv4 | ipaddr.IPv6;
interface Range {
  readonly network: Address;
  readonly bits: number;
}

/** The one spelling of an address or range: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`; `undefined` for anything else. */
export function normalRange(text: string): string | undefined {
  const range = readRange(text);
  return range && spell(range);
}

/** Is the address within one of the ranges? What cannot be read is not. */
export function isWithin(address: string, ranges: readonly string[]): boolean {
  // Node names the interface behind the address of a link.
  const peer = readAddress(address.replace(/%.*$/s, ""));
  if (peer === undefined) return false;
  return ranges.some((text) => {
    const range = readRange(text);
    return range?.network.kind() === peer.kind() && peer.match(range.network, range.bits);
  });
}

const AddressRangeSchema = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const range = dataset.value.length <= MAX_RANGE_LETTERS ? normalRange(dataset.value) : undefined;
    if (range !== undefined) return range;
    addIssue({ expected: "an IP address or CIDR range", message: "an IP address or CIDR range" });
    return NEVER;
  }),
);

/** Where encoders may connect from, each range once and in its one spelling; an empty list is anywhere. */
export const AddressRangesSchema = v.pipe(
  v.array(AddressRangeSchema),
  v.maxLength(MAX_ADDRESS_RANGES),
  v.transform((ranges) => [...new Set(ranges)]),
);

function readRange(text: string): Range | undefined {
  const [address = "", length, ...rest] = text.split("/");
  const host = readAddress(address);
  if (host === undefined || rest.length > 0) return undefined;
  const width = host.kind() === "ipv4" ? 32 : 128;
  if (length === undefined) return { network: host, bits: width };
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length)) return undefined;
  // The prefix of a mapped address counts the 96 bits in front of it.
  const bits = Number(length) - (address.includes(":") && width === 32 ? 96 : 0);
  return bits < 0 || bits > width ? undefined : { network: networkOf(host, bits), bits };
}

/** Only what is written in full: `127.1`, octal and hexadecimal numbers mean different things to different readers. */
function readAddress(text: string): Address | undefined {
  const [decimal] = /[^:]*\..*$/s.exec(text) ?? [];
  if (decimal !== undefined && !ipaddr.IPv4.isValidFourPartDecimal(decimal)) return undefined;
  if (decimal === text) return ipaddr.IPv4.parse(text);
  // RFC 4291 2.5.5.1, deprecated: not the IPv4 address that it contains.
  const isCompatible = decimal !== undefined && text === `::${decimal}`;
  if (isCompatible || text.includes("%") || !ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

function networkOf(host: Address, bits: number): Address {
  return ipaddr.fromByteArray(
    host.toByteArray().map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))) & 0xff),
  );
}

function spell({ network, bits }: Range): string {
  const address = network instanceof ipaddr.IPv6 ? network.toRFC5952String() : network.toString();
  return bits === (network.kind() === "ipv4" ? 32 : 128) ? address : `${address}/${bits}`;
}
