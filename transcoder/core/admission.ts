/**
 * Whether this host takes one more encoder, and what it says if not. Pure.
 *
 * The status is `NetStream.Publish.Rejected`: OBS closes the connection at once and writes code and description to its log (a
 * `NetStream.Publish.Failed` it does not know, and waits); FFmpeg shows the description of any error and ends.
 */
import type { Load } from "./capacity.ts";
import type { RtmpStatus } from "./refusal.ts";

/** Why no encoder is taken; `reason` is for the log. */
export interface Turned extends RtmpStatus {
  readonly reason: "stopping" | "draining" | "full";
}

const REJECTED = "NetStream.Publish.Rejected";

/** Why the next encoder is refused; `undefined` when it is let in. */
export function refusalOf({ slots, encoders, draining, stopping }: Load): Turned | undefined {
  const turned = (reason: Turned["reason"], why: string): Turned => ({
    reason,
    code: REJECTED,
    description: `${why} Try another.`,
  });
  if (stopping) return turned("stopping", "This server is shutting down.");
  if (draining) return turned("draining", "This server is being drained.");
  if (encoders >= slots) return turned("full", `This server is full (${slots} encoders).`);
  return undefined;
}

/** Why no encoder should be sent here now, in words for `/readyz`; empty when all is well. */
export function unreadiness({ slots, encoders, draining, stopping }: Load): readonly string[] {
  return [
    ...(stopping ? ["The transcoder is stopping."] : []),
    ...(draining ? [`The transcoder is being drained (${encoders} encoders left).`] : []),
    ...(encoders >= slots ? [`All ${slots} slots are taken.`] : []),
  ];
}
