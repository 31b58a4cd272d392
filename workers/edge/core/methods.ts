/** Which methods a path of the edge takes: viewers read, one path makes something, and photos are put. Pure. */
import { PREFLIGHT } from "./headers.ts";

/** Where a guest gets a token (docs/wire.md, "The socket"). */
export const GUEST_PATH = "/api/guest";

/** Photos of conversations (docs/wire.md, "Photos"). */
export const PHOTOS_PATH = "/photos/";

const READING = ["GET", "HEAD", "OPTIONS"] as const;
const MAKING = ["POST", "OPTIONS"] as const;

const PUTTING = ["GET", "HEAD", "PUT", "OPTIONS"] as const;

/** The methods of a path, as `Allow` names them. */
export function methodsOf(path: string): readonly string[] {
  if (path === GUEST_PATH) return MAKING;
  return path.startsWith(PHOTOS_PATH) ? PUTTING : READING;
}

/** Headers of the answer to a preflight. A body has a type, and JSON is not one that is sent without asking. */
export function preflight(methods: readonly string[]): Readonly<Record<string, string>> {
  if (methods === READING) return PREFLIGHT;
  return {
    ...PREFLIGHT,
    "access-control-allow-methods": methods.join(", "),
    "access-control-allow-headers": "Content-Type",
  };
}
