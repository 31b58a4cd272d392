/** The Purges object of the tests, asked over HTTP as operators ask it, and shows that are over for it to remove. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import type { Generation, Generations } from "../../wire/generations.ts";
import type { PurgeRecord } from "../../wire/purge.ts";
import { ADMIN, createStream, Encoder, json, origin } from "./encoder.ts";

export const purges = () => env.PURGES.getByName("purges");

/** Ask for a purge; the answer. */
export const post = (body: unknown, headers: Record<string, string> = ADMIN): Promise<Response> =>
  origin("/purge", json("POST", body, headers));

/** Purge; the record. */
export const purge = async (body: unknown): Promise<PurgeRecord> => {
  const answer = await post(body);
  expect(answer.status).toBe(202);
  return answer.json<PurgeRecord>();
};

/** A purge's record by its id. */
export const show = async (id: string): Promise<PurgeRecord> =>
  (await origin(`/purge/${id}`, { headers: ADMIN })).json<PurgeRecord>();

/** What an edge knows that has just begun. RPC has lost that an entry is a pair. */
export const knowledge = async (): Promise<Generations> =>
  new Map((await purges().generations(0)).changes as readonly (readonly [string, Generation])[]);

/** Run the alarm until a removal is done; `between` runs before each. */
export async function finish(
  id: string,
  between: () => Promise<unknown> = async () => {},
): Promise<PurgeRecord> {
  for (let step = 0; step < 100; step += 1) {
    const record = await show(id);
    if (record.removal?.state === "done") return record;
    await between();
    await runDurableObjectAlarm(purges());
  }
  throw new Error("a removal that never ends");
}

/** Give the object other bindings; the answer puts the right ones back. */
export async function rebind(others: Record<string, unknown>): Promise<() => Promise<void>> {
  const put = (bindings: Record<string, unknown>) =>
    runInDurableObject(purges(), (object) => {
      const holder = object as unknown as { env: Record<string, unknown> };
      holder.env = { ...holder.env, ...bindings };
    });
  await put(others);
  return () => put({ MEDIA: env.MEDIA, DB: env.DB });
}

/** A show that is over, by its encoder. */
export async function pastShow(stream: string, key?: string, segments = 1): Promise<Encoder> {
  const encoder = await Encoder.open(key ?? (await createStream(stream)));
  for (let i = 0; i < segments; i += 1) await encoder.pushSegment();
  await encoder.close("broadcast");
  return encoder;
}

/** A problem's status, name and words. */
export const problemOf = async (answer: Response) => {
  const { type, title, detail, prefix } = await answer.json<Record<string, string>>();
  return { status: answer.status, name: type?.replace("urn:millrace:problem:", ""), title, detail, prefix };
};
