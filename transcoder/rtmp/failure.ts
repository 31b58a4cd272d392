/** Why an RTMP connection had to end, as facts for the log. None of this is sent to the client. */
import type { Amf0Failure } from "./amf0.ts";

/** What the client did that ends its connection. */
export type RtmpFailure =
  | { readonly reason: "unsupported-version"; readonly version: number }
  /** A type 2 or 3 header on a chunk stream that has no earlier one to take its fields from. */
  | { readonly reason: "no-previous-header"; readonly chunkStream: number; readonly fmt: number }
  /** A new header where the rest of a message was due. */
  | { readonly reason: "message-interrupted"; readonly chunkStream: number; readonly missingBytes: number }
  | {
      readonly reason: "message-too-long";
      readonly type: number;
      readonly bytes: number;
      readonly limit: number;
    }
  | { readonly reason: "too-many-chunk-streams"; readonly limit: number }
  | { readonly reason: "too-many-message-streams"; readonly limit: number }
  | { readonly reason: "too-much-unfinished"; readonly bytes: number; readonly limit: number }
  | { readonly reason: "too-many-commands"; readonly limit: number }
  | { readonly reason: "too-many-bytes-before-publish"; readonly limit: number }
  | { readonly reason: "too-many-bytes-while-undecided"; readonly limit: number }
  | { readonly reason: "bad-chunk-size"; readonly chunkSize: number }
  | { readonly reason: "malformed-control"; readonly type: number; readonly bytes: number }
  | { readonly reason: "unknown-message-type"; readonly type: number }
  | { readonly reason: "malformed-amf"; readonly amf: Amf0Failure }
  | { readonly reason: "malformed-command"; readonly detail: string }
  | { readonly reason: "malformed-aggregate"; readonly offset: number }
  | { readonly reason: "not-connected"; readonly command: string }
  | { readonly reason: "already-connected" }
  | { readonly reason: "unknown-message-stream"; readonly streamId: number; readonly command: string }
  | { readonly reason: "second-publish" }
  | { readonly reason: "media-before-publish"; readonly type: number };
