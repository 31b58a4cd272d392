/** What a writer is told when it may not write, or wrote nonsense. */
import type { LeaseError } from "../../durable-objects/core/live.ts";
import type { ExtendError } from "../../media/timeline.ts";
import { type Problem, problem } from "../../wire/problem.ts";

/** The problem that an error of a LiveStream is on the ingest API. */
export function writeProblem(error: LeaseError | ExtendError): Problem {
  switch (error.reason) {
    case "unknown-lease":
      return problem(401, "unknown-lease", "The lease is missing or wrong.");
    case "fenced":
      return problem(409, "fenced", "Another session has taken over this stream.");
    case "closed":
    case "ended":
      return problem(409, "closed", "This session is over.");
    case "no-init":
      return problem(409, "no-init", "A session describes its tracks before it adds media.");
    case "gap":
      return problem(409, "gap", "Something that comes before this is missing.", {
        expected: error.expected,
      });
    case "too-long":
      return problem(422, "too-long", "The duration is more than the broadcast allows.", {
        seconds: error.seconds,
        limit: error.limit,
      });
    case "uneven":
      return problem(422, "uneven", "The segment does not last as long as its parts together.", {
        seconds: error.seconds,
        parts: error.parts,
      });
    case "too-many":
      return problem(422, "too-many", "The broadcast has as many renditions as it may have.", {
        limit: error.limit,
      });
  }
}
