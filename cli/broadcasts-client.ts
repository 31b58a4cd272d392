/** Origin's broadcasts as the CLI asks for them: one function per route. */
import { ok } from "../media/result.ts";
import {
  type BroadcastList,
  BroadcastListSchema,
  type BroadcastRecord,
  BroadcastRecordSchema,
} from "../wire/broadcasts.ts";
import type { AdminRequest, Answer } from "./origin.ts";

export interface BroadcastsClient {
  /** Newest first. */
  readonly list: (stream: string) => Answer<BroadcastList["broadcasts"]>;
  readonly show: (id: string) => Answer<BroadcastRecord>;
  /** Have a broadcast that is over compared with R2 now. */
  readonly check: (id: string) => Answer<BroadcastRecord>;
}

/** A client for the broadcasts of the origin that `request` reaches. */
export function broadcastsClient(request: AdminRequest): BroadcastsClient {
  const pathOf = (id: string) => `/admin/broadcasts/${encodeURIComponent(id)}`;
  return {
    async list(stream) {
      const path = `/admin/streams/${encodeURIComponent(stream)}/broadcasts`;
      const list = await request(BroadcastListSchema, "GET", path);
      return list.ok ? ok(list.value.broadcasts) : list;
    },
    show: (id) => request(BroadcastRecordSchema, "GET", pathOf(id)),
    check: (id) => request(BroadcastRecordSchema, "POST", `${pathOf(id)}/check`),
  };
}
