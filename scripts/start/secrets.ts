/** The secrets of one data folder: made once, readable by their owner only. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { mintPushKeys } from "../../cli/push-keys.ts";
import { parseJson } from "../../wire/parse.ts";
import { StartFailure } from "./failure.ts";
import { writePrivate } from "./private-file.ts";

const randomToken = (): string => randomBytes(32).toString("base64url");

const SecretsSchema = v.object({
  adminToken: v.pipe(v.string(), v.minLength(16)),
  tokenSecret: v.pipe(v.string(), v.minLength(16)),
  /** Absent in a folder that is older than the registration of transcoders. */
  transcoderToken: v.optional(v.pipe(v.string(), v.minLength(16)), () => randomToken()),
  /** By which push services know this server; absent in a folder that is older than notifications. */
  push: v.optional(v.object({ publicKey: v.string(), privateKey: v.string() }), () => mintPushKeys()),
  /** Stream keys that origin told once, by stream. */
  keys: v.record(v.string(), v.string()),
});
export type Secrets = v.InferOutput<typeof SecretsSchema>;

const pathOf = (data: string): string => join(data, "secrets.json");

/** The secrets of a data folder; new ones if it has none. */
export function loadSecrets(data: string): Secrets {
  let text: string;
  try {
    text = readFileSync(pathOf(data), "utf8");
  } catch {
    const secrets = {
      adminToken: randomToken(),
      tokenSecret: randomToken(),
      transcoderToken: randomToken(),
      push: mintPushKeys(),
      keys: {},
    };
    saveSecrets(data, secrets);
    return secrets;
  }
  const parsed = parseJson(SecretsSchema, text);
  if (!parsed.ok) throw new StartFailure(`${pathOf(data)} is damaged (${parsed.error.detail}): remove it.`);
  return parsed.value;
}

/** Keep secrets. */
export function saveSecrets(data: string, secrets: Secrets): void {
  writePrivate(pathOf(data), `${JSON.stringify(secrets, null, 2)}\n`);
}
