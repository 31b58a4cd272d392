/**
 * Whose page this is: the member that a token in the address names (`#token=…`), or the one who was here last. The token is kept in
 * this browser, because a notification opens the page anew; it is gone with `signOut`, and when the server does not take it.
 */
import { takeFromAddress } from "../chat/identity.ts";
import { type Who, whoOf } from "../chat/who.ts";

const KEPT = "millrace-messages-token";
/** Where the watch page of this tab keeps its own (web/chat/identity.ts). */
const OF_WATCH_PAGE = "millrace-token";

export interface Identity {
  readonly token: string;
  readonly who: Who;
}

/** Read who it is, and take the token out of the address bar; `"guest"`: somebody without an account. */
export function readIdentity(): Identity | "guest" | undefined {
  const given = takeFromAddress();
  const candidates = [given, read(sessionStorage, OF_WATCH_PAGE), read(localStorage, KEPT)];
  const known = candidates.flatMap((token) => {
    const who = token === undefined ? undefined : whoOf(token);
    return token !== undefined && who !== undefined ? [{ token, who }] : [];
  });
  const member = known.find(({ who }) => who.role !== "guest");
  if (member === undefined) return known.length > 0 ? "guest" : undefined;
  write(localStorage, KEPT, member.token);
  return member;
}

/** Forget them, here and on the watch page of this tab. */
export function forgetIdentity(): void {
  write(localStorage, KEPT, undefined);
  write(sessionStorage, OF_WATCH_PAGE, undefined);
}

/** Whoever comes with another token is somebody else: the page begins anew. */
export function watchIdentity(): void {
  addEventListener("hashchange", () => {
    const token = takeFromAddress();
    if (token === undefined || whoOf(token) === undefined) return;
    write(sessionStorage, OF_WATCH_PAGE, undefined);
    write(localStorage, KEPT, token);
    location.reload();
  });
}

function read(storage: Storage, key: string): string | undefined {
  try {
    return storage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

function write(storage: Storage, key: string, value: string | undefined): void {
  try {
    if (value === undefined) storage.removeItem(key);
    else storage.setItem(key, value);
  } catch {
    // Then it is for this page only.
  }
}
