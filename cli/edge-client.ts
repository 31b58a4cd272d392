/** What edges counted, as the CLI asks origin for it: one function per route. */
import { type EdgeAnswer, EdgeAnswerSchema, type QoeAnswer, QoeAnswerSchema } from "../wire/admin-edge.ts";
import type { AdminRequest, Answer } from "./origin.ts";

export interface EdgeClient {
  /** Of all streams, in the last minutes. */
  readonly edge: (minutes: number) => Answer<EdgeAnswer>;
  /** What the players of one stream said. */
  readonly qoe: (stream: string, minutes: number) => Answer<QoeAnswer>;
}

/** A client for the counts of the origin that `request` reaches. */
export function edgeClient(request: AdminRequest): EdgeClient {
  return {
    edge: (minutes) => request(EdgeAnswerSchema, "GET", `/admin/edge?minutes=${minutes}`),
    qoe: (stream, minutes) =>
      request(QoeAnswerSchema, "GET", `/admin/qoe/${encodeURIComponent(stream)}?minutes=${minutes}`),
  };
}
