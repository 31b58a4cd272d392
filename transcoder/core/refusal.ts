/** What an encoder is told when origin refuses, and when a session cannot go on: RTMP status codes and words. Pure. */
import type { ClaimProblem } from "./publish-name.ts";
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
    case "address-not-allowed":
      return {
        code: "NetStream.Publish.Denied",
        description: "This stream takes no encoder from this address.",
      };
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

/** Why a publish cannot be read, in words that repeat nothing of it: they go to a screen that others may see. */
export function statusOfClaimProblem(problem: ClaimProblem): RtmpStatus {
  const code = "NetStream.Publish.BadName";
  switch (problem.reason) {
    case "no-key":
      return { code, description: "There is no stream key. Give it as the stream name or behind ?key=." };
    case "two-keys":
      return { code, description: "There are two different stream keys. Give one." };
    case "bad-stream-name":
      return { code, description: "What stands beside the stream key is not the name of a stream." };
    case "bad-encoding":
      return { code, description: "The percent-encoding of the stream key or name is broken." };
    case "too-long":
      return { code, description: `The stream key or address has more than ${problem.limit} letters.` };
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
