/** A pair of keys for notifications, in the spelling of RFC 8292. Not where they are kept. */
import { generateKeyPairSync } from "node:crypto";

export interface PushKeys {
  /** The point of P-256, uncompressed, base64url. */
  readonly publicKey: string;
  /** The number, base64url. */
  readonly privateKey: string;
}

/** Make a pair. */
export function mintPushKeys(): PushKeys {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "", d = "" } = privateKey.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  return { publicKey: point.toString("base64url"), privateKey: d };
}
