/** Who may open a socket at a shard: the request that the edge hands over (workers/edge/socket.ts), read and judged. */
import { fail, ok, type Result } from "../../media/result.ts";
import { problem } from "../../wire/problem.ts";
import { respond } from "../../workers/problems.ts";
import { SHARD_CAPACITY } from "../core/viewers/shards.ts";

/** Sockets of one address that a shard takes: a hall or an office behind one address, and not a flood. */
export const ADDRESS_SOCKETS = 200;

/** What the edge says of a socket. */
export interface Opening {
  /** Empty: none. */
  readonly stream: string;
  readonly shard: string;
  readonly viewer: string;
  readonly address: string;
  /** Until when the token of its path opens the stream, milliseconds since 1970. */
  readonly until?: number;
}

/** How many sockets a shard takes; the operator may choose others. */
export interface Room {
  readonly sockets: number;
  readonly ofAddress: number;
}

/** Room as the settings SHARD_SOCKETS and ADDRESS_SOCKETS say. */
export const roomOf = (settings: Readonly<Record<string, unknown>>): Room => ({
  sockets: numberOr(settings.SHARD_SOCKETS, SHARD_CAPACITY),
  ofAddress: numberOr(settings.ADDRESS_SOCKETS, ADDRESS_SOCKETS),
});

const numberOr = (setting: unknown, otherwise: number): number =>
  typeof setting === "string" && /^[1-9]\d{0,5}$/.test(setting) ? Number(setting) : otherwise;

/** Read a request for a socket; an error is the answer to it. */
export function readOpening(request: Request): Result<Opening, Response> {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    const answer = problem(426, "upgrade-required", "This address is for WebSockets.");
    return fail(respond(answer, { upgrade: "websocket" }));
  }
  // Empty for a socket that is no stream's.
  const stream = request.headers.get("x-millrace-stream");
  const shard = request.headers.get("x-millrace-shard");
  const viewer = request.headers.get("x-millrace-viewer");
  const address = request.headers.get("x-millrace-address");
  const until = request.headers.get("x-millrace-until");
  if (stream === null || !shard || !viewer || !address || !/^\d{1,15}$/.test(until ?? "0")) {
    return fail(respond(problem(400, "bad-socket", "A socket is opened at the edge.")));
  }
  return ok({ stream, shard, viewer, address, ...(until !== null && { until: Number(until) }) });
}

/** Sent elsewhere: the edge tries another shard. */
export const full = (): Response =>
  respond(problem(503, "shard-full", "There is no room here."), { "x-millrace-full": "1" });

/** An address has enough sockets. */
export const tooManySockets = (): Response =>
  respond(problem(429, "too-many-sockets", "Too many sockets are open from this address."), {
    "retry-after": "10",
  });
