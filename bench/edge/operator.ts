/** What an operator and an encoder ask of the origin of a Worker that is measured. */
import * as v from "valibot";
import { type Ask, Client } from "./client.ts";
import { ADMIN_TOKEN } from "./harness.ts";

/** A request of JSON. */
export const json = (body: unknown, headers: Readonly<Record<string, string>> = {}): Ask => ({
  method: "POST",
  body: JSON.stringify(body),
  headers: { "content-type": "application/json", ...headers },
});

/** POST JSON to origin with the admin token; what is answered, or an error for anything but a success. */
export async function operate(base: string, path: string, body: unknown): Promise<unknown> {
  const client = new Client(base, 1);
  try {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const { status, head } = await client.text(`/_origin${path}`, json(body, headers));
    if (status < 200 || status > 299) throw new Error(`POST ${path}: ${status} ${head}`);
    return JSON.parse(head);
  } finally {
    client.close();
  }
}

const CreatedSchema = v.object({ key: v.string() });

/** Create a public stream; its key comes back. */
export async function createStream(base: string, id: string): Promise<string> {
  return v.parse(CreatedSchema, await operate(base, "/admin/streams", { id, profile: "low" })).key;
}
