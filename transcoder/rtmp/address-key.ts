/** Whom an address is counted as: one IPv4 address, or one IPv6 /64, which is what a single customer has. */

/** Key for counting; `address` as Node spells it. */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [front = "", back] = address.toLowerCase().split("%", 1)[0]?.split("::") ?? [];
  const groups = front === "" ? [] : front.split(":");
  const backGroups = back === undefined || back === "" ? [] : back.split(":");
  const zeros = Math.max(0, 8 - groups.length - backGroups.length);
  const all = [...groups, ...Array<string>(back === undefined ? 0 : zeros).fill("0"), ...backGroups];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}
