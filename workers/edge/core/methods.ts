/** Which methods a path of the edge takes: viewers read, and one path makes something. Pure. */
import { PREFLIGHT } from "./headers.ts";

/** Where a guest gets a token (docs/wire.md, "The socket"). */
export const GUEST_PATH = "/api/guest";

const READING = ["GET", "HEAD", "OPTIONS"] as const;
const MAKING = ["POST", "OPTIONS"] as const;

/** The methods of a path, as `Allow` names them. */
export const methodsOf = (path: string): readonly string[] => (path === GUEST_PATH ? MAKING : READING);

/** Headers of the answer to a preflight. A body has a type, and JSON is not one that is sent without asking. */
export function preflight(methods: readonly string[]): Readonly<Record<string, string>> {
  if (methods === READING) return PREFLIGHT;
  return {
    ...PREFLIGHT,
    "access-control-allow-methods": methods.join(", "),
    "access-control-allow-headers": "Content-Type",
  };
}
