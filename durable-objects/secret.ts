/** Comparing secrets inside an object, where there is no time to wait for a digest. */

/** Equal, without telling by its timing how much was. Lengths are no secret. */
export function sameSecret(a: string, b: string): boolean {
  const encoder = new TextEncoder();
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  return left.byteLength === right.byteLength && crypto.subtle.timingSafeEqual(left, right);
}
