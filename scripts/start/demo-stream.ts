/** The stream that `npm start` comes with: made once, its key remembered. */
import type { OriginClient } from "../../cli/origin.ts";
import { StartFailure } from "./failure.ts";
import { type Secrets, saveSecrets } from "./secrets.ts";

export const DEMO_STREAM = "demo";

/** Create the demo stream unless it is there. Answers its key: one that was lost, or replaced by the CLI, is made anew. */
export async function seedDemoStream(origin: OriginClient, data: string, secrets: Secrets): Promise<string> {
  const created = await origin.createStream({ id: DEMO_STREAM, title: "Test picture" });
  if (created.ok) return remember(data, secrets, created.value.key);
  if (created.error.name !== "stream-exists")
    throw new StartFailure(`The stream "${DEMO_STREAM}" could not be made: ${created.error.message}`);
  const known = secrets.keys[DEMO_STREAM];
  const checked = known === undefined ? undefined : await origin.checkKey(DEMO_STREAM, known);
  if (known !== undefined && checked?.ok && checked.value) return known;
  const rotated = await origin.rotateKey(DEMO_STREAM);
  if (rotated.ok) return remember(data, secrets, rotated.value.key);
  throw new StartFailure(`The stream "${DEMO_STREAM}" has no key: ${rotated.error.message}`);
}

function remember(data: string, secrets: Secrets, key: string): string {
  saveSecrets(data, { ...secrets, keys: { ...secrets.keys, [DEMO_STREAM]: key } });
  return key;
}
