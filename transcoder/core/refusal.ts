/** What an encoder is told when origin refuses, and when a session cannot go on: RTMP status codes and words. Pure. */
import type { ProbeFailure } from "./source-probe.ts";

/** An `onStatus` error. */
export interface RtmpStatus {
  readonly code: string;
  readonly description: string;
}

/** Answer to a publish that origin refused, by the name of its problem. */
export function statusOfRefusal(problem: string): RtmpStatus {
  switch (problem) {
    case "unknown-key":
      return { code: "NetStream.Publish.BadName", description: "No stream has this key." };
    case "already-live":
      return {
        code: "NetStream.Publish.BadName",
        description: "This stream is already live from another encoder.",
      };
    case "stream-disabled":
      return { code: "NetStream.Publish.Denied", description: "This stream is disabled." };
    case "fenced":
      return { code: "NetStream.Publish.Failed", description: "Another encoder has taken over this stream." };
    case "closed":
      return { code: "NetStream.Publish.Failed", description: "The operator ended this broadcast." };
    case "unreachable":
      return {
        code: "NetStream.Publish.Failed",
        description: "The origin cannot be reached. Try again shortly.",
      };
    default:
      return { code: "NetStream.Publish.Failed", description: "The origin did not take this stream." };
  }
}

/** Why a source cannot be shown, in words for the person at the encoder. */
export function statusOfProbeFailure(failure: ProbeFailure): RtmpStatus {
  const code = "NetStream.Publish.Failed";
  switch (failure.reason) {
    case "no-keyframe":
      return {
        code,
        description: `No keyframe in ${Math.round(failure.seconds)} seconds. Set the keyframe interval to 2 seconds.`,
      };
    case "no-parameter-sets":
      return { code, description: `The ${failure.codec} video does not say how to decode it.` };
    case "unsupported-codec":
      return {
        code,
        description: `The ${failure.kind} codec ${failure.codec} is not supported. Use H.264 video and AAC audio.`,
      };
    case "no-media":
      return { code, description: `No audio or video in ${Math.round(failure.seconds)} seconds.` };
  }
}
