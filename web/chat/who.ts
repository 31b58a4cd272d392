/** Who the viewer is, as their token says. Nobody checks it here: the server does, and its answers are what counts. Pure. */
import { parseJson } from "../../wire/parse.ts";
import { type Role, type SocketClaims, SocketClaimsSchema } from "../../wire/socket-token.ts";

/** Somebody, in the words of a token; `user` is empty for who has none. */
export interface Who {
  readonly user: string;
  readonly name?: string;
  readonly role: Role;
  readonly badges: readonly string[];
}

export const NOBODY: Who = { user: "", role: "guest", badges: [] };

/** Read what a token says; `undefined`: that is no token. */
export function whoOf(token: string): Who | undefined {
  const [, payload, , ...rest] = token.split(".");
  if (payload === undefined || rest.length > 0) return undefined;
  const text = textOf(payload);
  const claims = text === undefined ? undefined : parseJson(SocketClaimsSchema, text);
  return claims?.ok ? personOf(claims.value) : undefined;
}

const personOf = ({ sub, name, role, badges }: SocketClaims): Who => ({
  user: sub,
  role,
  badges: badges ?? [],
  ...(name !== undefined && { name }),
});

/** Base64url (RFC 4648, 5) of UTF-8. */
function textOf(encoded: string): string | undefined {
  try {
    const bytes = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder("utf-8", { fatal: true }).decode(
      Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)),
    );
  } catch {
    return undefined;
  }
}

/** The token in a page's fragment (`#token=…`), and the fragment without it; `undefined`: there is none. */
export function takeToken(hash: string): { readonly token: string; readonly rest: string } | undefined {
  const facts = new URLSearchParams(hash.replace(/^#/, ""));
  const token = facts.get("token");
  if (!token) return undefined;
  facts.delete("token");
  const rest = facts.toString();
  return { token, rest: rest === "" ? "" : `#${rest}` };
}
