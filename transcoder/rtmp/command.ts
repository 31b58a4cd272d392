/** Command messages (RTMP 1.0, section 7.2): read from a client, and the few that this server says. */
import { fail, ok, type Result } from "../../media/result.ts";
import { type Amf0Value, amf0Object } from "./amf0.ts";
import { type Amf0Limits, decodeAmf0 } from "./amf0-decode.ts";
import { encodeAmf0 } from "./amf0-encode.ts";
import type { RtmpFailure } from "./failure.ts";
import { MESSAGE, type RtmpMessage } from "./message.ts";

/** A command as it came. */
export interface Command {
  readonly name: string;
  /** 0 when no answer is wanted. */
  readonly transactionId: number;
  /** The command object; `null` for most. */
  readonly object: Amf0Value;
  readonly args: readonly Amf0Value[];
  /** Message stream it came on. */
  readonly streamId: number;
}

/** Read a message of type 20, or of type 17 when its values are AMF0 ones. */
export function parseCommand(message: RtmpMessage, limits: Amf0Limits): Result<Command, RtmpFailure> {
  const decoded = decodeAmf0(amf0Payload(message), limits);
  if (!decoded.ok) return fail({ reason: "malformed-amf", amf: decoded.error });
  const [name, transactionId, object, ...args] = decoded.value;
  if (typeof name !== "string" || name === "") {
    return fail({ reason: "malformed-command", detail: "no command name" });
  }
  // Some encoders leave the transaction id of a command without answer out altogether.
  if (transactionId !== undefined && (typeof transactionId !== "number" || !Number.isFinite(transactionId))) {
    return fail({ reason: "malformed-command", detail: "the transaction id is no number" });
  }
  return ok({ name, transactionId: transactionId ?? 0, object, args, streamId: message.streamId });
}

/** The AMF0 part of a message: types 15 and 17 begin with a byte that says AMF0 (0). */
export function amf0Payload({ type, payload }: RtmpMessage): Uint8Array {
  const hasFormatByte = type === MESSAGE.commandAmf3 || type === MESSAGE.dataAmf3;
  return hasFormatByte && payload[0] === 0 ? payload.subarray(1) : payload;
}

/** `status` is good news, `error` the end of what was asked for. */
export type StatusLevel = "status" | "error";

/** Answer to `connect` (7.2.1.1). The version is Flash Media Server's, as some encoders look at its number. */
export const connectResult = (transactionId: number, fourCcs: readonly string[]): Uint8Array =>
  encodeAmf0([
    "_result",
    transactionId,
    amf0Object({ fmsVer: "FMS/3,5,3,888", capabilities: 31, mode: 1 }),
    amf0Object({
      level: "status",
      code: "NetConnection.Connect.Success",
      description: "Connection succeeded.",
      objectEncoding: 0,
      ...(fourCcs.length > 0 && { fourCcList: { type: "strict-array", items: fourCcs } }),
    }),
  ]);

/** Answer that says done, with a value where there is one to give: `createStream` gives an id (7.2.1.3). */
export const result = (transactionId: number, value?: number): Uint8Array =>
  encodeAmf0(["_result", transactionId, null, value]);

/** News of a message stream (7.2.2). */
export const onStatus = (level: StatusLevel, code: string, description: string): Uint8Array =>
  encodeAmf0(["onStatus", 0, null, amf0Object({ level, code, description })]);

/** Flash Media Live Encoder waits for this after `FCUnpublish`. */
export const onFcUnpublish = (name: string): Uint8Array =>
  encodeAmf0([
    "onFCUnpublish",
    0,
    null,
    amf0Object({ code: "NetStream.Unpublish.Success", description: name }),
  ]);
