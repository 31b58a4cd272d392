/** The origin Worker: HTTP for transcoders and operators, and an RPC entrypoint for the edge. */
import { WorkerEntrypoint } from "cloudflare:workers";
import type { StreamRecord } from "../../wire/admin.ts";
import type { OriginEnv } from "../env.ts";
import { originApp } from "./app.ts";
import { addReport } from "./edge-counts.ts";
import { findStream, listUnended } from "./streams.ts";

/** What the edge may ask of origin. Bound by name; it has no URL. */
export class Origin extends WorkerEntrypoint<OriginEnv> {
  /** One stream; a disabled one does not exist for viewers. */
  async stream(id: string): Promise<StreamRecord | undefined> {
    const stream = await findStream(this.env.DB, id);
    return stream?.disabled ? undefined : stream;
  }

  /** Streams with a broadcast under way. */
  liveStreams(): Promise<readonly StreamRecord[]> {
    return listUnended(this.env.DB);
  }

  /** What an edge has counted since its last report (wire/edge-report.ts). */
  report(report: unknown): Promise<void> {
    return addReport(this.env.DB, report, Date.now());
  }
}

export default {
  fetch: originApp.fetch,
} satisfies ExportedHandler<OriginEnv>;
