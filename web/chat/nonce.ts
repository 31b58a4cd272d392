/** A name for what is sent, by which the room knows it again. */

/** `randomUUID` is not there on pages without TLS. */
export const newNonce = (): string =>
  [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
