/** Self-signed certificates (RFC 5280) without a program to make them: P-256, for localhost and 127.0.0.1. Not for anything but tests. */
import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";

const OID = {
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  commonName: [0x55, 0x04, 0x03],
  subjectAltName: [0x55, 0x1d, 0x11],
} as const;

/** A certificate and its key, PEM. `name` is the common name; it was valid from a day ago, until so many days from now. */
export function selfSigned(name: string, days = 2): { readonly cert: string; readonly key: string } {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const algorithm = sequence(der(0x06, OID.ecdsaWithSha256));
  const names = sequence(der(0x31, sequence(der(0x06, OID.commonName), der(0x0c, [...Buffer.from(name)]))));
  const hosts = sequence(der(0x82, [...Buffer.from("localhost")]), der(0x87, [127, 0, 0, 1]));
  const body = sequence(
    der(0xa0, der(0x02, [2])),
    der(0x02, [1, ...Buffer.from(name).subarray(0, 8)]),
    algorithm,
    names,
    sequence(time(-1), time(days)),
    names,
    [...spki],
    der(0xa3, sequence(sequence(der(0x06, OID.subjectAltName), der(0x04, hosts)))),
  );
  const signature = sign("sha256", Uint8Array.from(body), privateKey);
  const certificate = sequence(body, algorithm, der(0x03, [0, ...signature]));
  const lines = Buffer.from(certificate).toString("base64").replaceAll(/.{64}/g, "$&\n").trimEnd();
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function der(tag: number, content: readonly number[]): readonly number[] {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return [tag, ...size, ...content];
}

const sequence = (...parts: readonly (readonly number[])[]): readonly number[] => der(0x30, parts.flat());

/** UTCTime, so many days from now. */
function time(days: number): readonly number[] {
  const text = new Date(Date.now() + days * 86_400_000).toISOString();
  return der(0x17, [...Buffer.from(`${text.slice(2, 19).replaceAll(/[-:T]/g, "")}Z`)]);
}
