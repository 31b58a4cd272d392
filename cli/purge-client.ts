/** Origin's purges as the CLI asks for them: one function per route. */
import type * as v from "valibot";
import { ok } from "../media/result.ts";
import {
  PurgeListSchema,
  type PurgeRecord,
  PurgeRecordSchema,
  type PurgeRequestSchema,
} from "../wire/purge.ts";
import type { AdminRequest, Answer } from "./origin.ts";

export interface PurgeClient {
  readonly purge: (request: v.InferInput<typeof PurgeRequestSchema>) => Answer<PurgeRecord>;
  readonly show: (id: string) => Answer<PurgeRecord>;
  /** Newest first. */
  readonly list: () => Answer<readonly PurgeRecord[]>;
}

/** A client for the purges of the origin that `request` reaches. */
export const purgeClient = (request: AdminRequest): PurgeClient => ({
  purge: (wanted) => request(PurgeRecordSchema, "POST", "/purge", wanted),
  show: (id) => request(PurgeRecordSchema, "GET", `/purge/${encodeURIComponent(id)}`),
  async list() {
    const list = await request(PurgeListSchema, "GET", "/purge");
    return list.ok ? ok(list.value.purges) : list;
  },
});
