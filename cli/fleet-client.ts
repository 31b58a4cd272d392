/** Origin's transcoders as the CLI asks for them: one function per route. */
import { ok } from "../media/result.ts";
import { TranscoderListSchema, type TranscoderRecord, TranscoderRecordSchema } from "../wire/fleet.ts";
import type { AdminRequest, Answer } from "./origin.ts";

const PATH = "/admin/transcoders";

export interface FleetClient {
  readonly list: () => Answer<readonly TranscoderRecord[]>;
  readonly setDrain: (id: string, drain: boolean) => Answer<TranscoderRecord>;
}

/** A client for the transcoders of the origin that `request` reaches. */
export function fleetClient(request: AdminRequest): FleetClient {
  return {
    async list() {
      const list = await request(TranscoderListSchema, "GET", PATH);
      return list.ok ? ok(list.value.transcoders) : list;
    },
    setDrain: (id, drain) =>
      request(
        TranscoderRecordSchema,
        "POST",
        `${PATH}/${encodeURIComponent(id)}/${drain ? "drain" : "undrain"}`,
      ),
  };
}
