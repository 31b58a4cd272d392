/**
 * Whose page this is: the member that a token in the address names (`#token=…`), or the one who was here last. The token is kept in
 * this browser, because a notification opens the page anew; it is gone with `signOut`, and when the server does not take it.
 */
import { takeFromAddress } from "../chat/identity.ts";
import { nameOf } from "../chat/mentions.ts";
import { type Who, whoOf } from "../chat/who.ts";

const KEPT = "millrace-messages-token";
/** Where the watch page of this tab keeps its own (web/chat/identity.ts). */
const OF_WATCH_PAGE = "millrace-token";
/** The one before was somebody else. */
const TAKEN_OVER = "millrace-messages-taken-over";

export interface Identity {
  readonly token: string;
  readonly who: Who;
}

/** Read who it is, and take the token out of the address bar; `"guest"`: somebody without an account. */
export function readIdentity(): Identity | "guest" | undefined {
  const given = [takeFromAddress(), read(sessionStorage, OF_WATCH_PAGE)].flatMap(identityOf);
  const kept = [read(localStorage, KEPT)].flatMap(identityOf);
  const [member] = [...given.filter(isMember).filter(isWanted), ...kept];
  if (member === undefined) return given.length > 0 ? "guest" : undefined;
  keep(member);
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
    const [next] = [takeFromAddress()].flatMap(identityOf);
    if (next === undefined || !isWanted(next)) return;
    write(sessionStorage, OF_WATCH_PAGE, undefined);
    keep(next);
    location.reload();
  });
}

/** Somebody else was here before: what this browser still gets for them has to end. Says so once. */
export function tookOver(): boolean {
  const took = read(localStorage, TAKEN_OVER) !== undefined;
  write(localStorage, TAKEN_OVER, undefined);
  return took;
}

function keep({ token, who }: Identity): void {
  const before = keptUser();
  if (before !== undefined && before !== who.user) write(localStorage, TAKEN_OVER, "1");
  write(localStorage, KEPT, token);
}

/** Anybody can make a link with a token of theirs: who is here already is asked before they become somebody else. */
function isWanted({ who }: Identity): boolean {
  const [before] = [read(localStorage, KEPT)].flatMap(identityOf);
  if (before === undefined || before.who.user === who.user) return true;
  return confirm(`You are here as ${nameOf(before.who)}. Go on as ${nameOf(who)}?`);
}

const isMember = ({ who }: Identity): boolean => who.role !== "guest";
const keptUser = (): string | undefined => [read(localStorage, KEPT)].flatMap(identityOf)[0]?.who.user;

function identityOf(token: string | undefined): Identity[] {
  const who = token === undefined ? undefined : whoOf(token);
  return token !== undefined && who !== undefined ? [{ token, who }] : [];
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
