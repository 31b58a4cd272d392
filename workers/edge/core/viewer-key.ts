/**
 * Whom a viewer is counted as, without knowing who it is: a random id in a signed cookie, or what a stranger's request looks
 * like today, to be hashed (docs/edge.md, "Viewers"). Pure; keys and hashes are the shell's (workers/edge/viewer.ts).
 */

/** The cookie of viewers who came by a page. */
export const VIEWER_COOKIE = "millrace_viewer";
/** It says who is who among those that watch at the same time, and nothing is to be learned from it tomorrow. */
const COOKIE_SECONDS = 86_400;

const DAY_MS = 86_400_000;
/** An id of 16 random bytes, and the 32 bytes of an HMAC-SHA-256 over it, in base64url. */
const VALUE = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;
/** More cookies than this are no viewer's. */
const MAX_COOKIES = 100;

/** What a viewer cookie says, if its mac is right. */
export interface ViewerCookie {
  readonly id: string;
  readonly mac: string;
}

/** The viewer cookie among a request's cookies; the first one counts. */
export function readViewerCookie(header: string | null): ViewerCookie | undefined {
  for (const pair of header?.split(";", MAX_COOKIES) ?? []) {
    const [name = "", value = ""] = pair.trim().split("=", 2);
    if (name !== VIEWER_COOKIE) continue;
    const [, id, mac] = VALUE.exec(value) ?? [];
    return id === undefined || mac === undefined ? undefined : { id, mac };
  }
  return undefined;
}

/** `Set-Cookie` of a viewer; `isSecure`: its page came over https. */
export const writeViewerCookie = ({ id, mac }: ViewerCookie, isSecure: boolean): string =>
  [
    `${VIEWER_COOKIE}=${id}.${mac}`,
    "Path=/",
    `Max-Age=${COOKIE_SECONDS}`,
    "HttpOnly",
    "SameSite=Lax",
    ...(isSecure ? ["Secure"] : []),
  ].join("; ");

/** What the mac of a cookie is over. No JWT has such letters: nothing that is signed as one can be passed off as the other. */
export const cookieText = (id: string): string => `millrace viewer cookie\n${id}`;

/** Somebody without a cookie. What is not known is null. */
export interface Stranger {
  /** As `CF-Connecting-IP` says. */
  readonly address: string | null;
  readonly agent: string | null;
  readonly nowMs: number;
}

/** What a stranger is hashed from: two of one address with one player are one, and the same tomorrow is another. */
export const strangerText = ({ address, agent, nowMs }: Stranger): string =>
  ["millrace viewer", dayOf(nowMs), address ?? "", agent ?? ""].join("\n");

/** What an address is hashed from, for counting its sockets; `client`: core/client-key.ts. */
export const addressText = (client: string, nowMs: number): string =>
  ["millrace address", dayOf(nowMs), client].join("\n");

/** Days since 1970, UTC. */
const dayOf = (nowMs: number): number => Math.floor(nowMs / DAY_MS);

/** The key of a viewer: of a kind with no other. */
export const viewerKeyOf = (kind: "cookie" | "stranger", id: string): string =>
  `${kind === "cookie" ? "c" : "s"}:${id}`;
