/** Arguments that several commands take, read before origin is asked anything. */
import { InvalidArgumentError } from "commander";
import { STREAM_ID } from "../media/address.ts";

/** A stream's id; throws commander's error for anything else. */
export function streamArgument(text: string): string {
  if (!STREAM_ID.test(text))
    throw new InvalidArgumentError("A stream id has a-z, 0-9 and inner hyphens, at most 63 of them.");
  return text;
}
