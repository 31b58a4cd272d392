/** Whom a viewer's address is counted as: one IPv4 address, or one IPv6 /64, which is what a single customer has. Pure. */
import ipaddr from "ipaddr.js";

/** All whose address is not known share this key: it is the platform that names them, so there are none in production. */
const NOBODY = "unknown";

/** Key for counting the requests of one client; `address` is what `CF-Connecting-IP` says. */
export function clientKey(address: string | null): string {
  if (address === null || address.length > 45) return NOBODY;
  if (ipaddr.IPv4.isValid(address)) return ipaddr.IPv4.parse(address).toString();
  if (!ipaddr.IPv6.isValid(address)) return NOBODY;
  const client = ipaddr.IPv6.parse(address);
  // The same client as without the mapping.
  if (client.isIPv4MappedAddress()) return client.toIPv4Address().toString();
  const network = client.parts.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(":")}::/64`;
}
