/** Objects of the bench Worker die when they are told to (test/integration/socket-bench-worker.ts). */
import { Client } from "../edge/client.ts";

/** Kill one object: a conversation or an inbox by its name, or some shard that is at work. */
export async function killObject(
  base: string,
  kind: "conversation" | "inbox" | "shard",
  name = "",
): Promise<void> {
  const client = new Client(base, 1);
  const path = `/_bench/kill?class=${kind}&stream=${encodeURIComponent(name)}`;
  const { status, head } = await client.text(path, { method: "POST" });
  client.close();
  if (status !== 204) throw new Error(`${path}: ${status} ${head}`);
}
