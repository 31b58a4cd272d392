/** Bearer tokens (RFC 6750): taking one from a request, and comparing it in constant time. */

/** The token of an `Authorization: Bearer` header, or `undefined`. */
export const bearerOf = (request: Request): string | undefined =>
  /^Bearer ([A-Za-z0-9._~+/=-]{1,512})$/i.exec(request.headers.get("authorization") ?? "")?.[1];

/** Equal, without telling by the time it takes how much was. */
export async function sameToken(given: string, wanted: string): Promise<boolean> {
  const digest = (text: string) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const [a, b] = await Promise.all([digest(given), digest(wanted)]);
  return crypto.subtle.timingSafeEqual(a, b);
}
