/**
 * Who the viewer is on this page: a token that the operator's app put into the fragment (`#token=…`), or a guest's. It is kept for
 * the tab only, and given to the page's socket; one that the server does not take is forgotten.
 */
import type { Centrifuge } from "centrifuge";
import { fail, ok, type Result } from "../../media/result.ts";
import { parse } from "../../wire/parse.ts";
import { GuestSchema } from "../../wire/socket-token.ts";
import { NOBODY, takeToken, type Who, whoOf } from "./who.ts";

const TOKEN = "millrace-token";
const GUEST_NAME = "millrace-guest-name";
/** centrifuge-js: its token expired and there is nobody to ask for another. */
const UNAUTHORIZED = 1;
/** wire/centrifugo.ts, `invalidToken`. */
const INVALID_TOKEN = 3500;
const TIMEOUT_MS = 8_000;

export class Visitor {
  #token: string;
  #who: Who;
  #client: Centrifuge | undefined;
  /** They were somebody until their token ended. */
  hasLapsed = false;
  /** They are somebody else now. */
  onChange: () => void = () => undefined;

  /** Takes the token out of the address bar. */
  constructor() {
    const token = takeFromAddress() ?? readKept(TOKEN) ?? "";
    this.#who = whoOf(token) ?? NOBODY;
    this.#token = this.#who === NOBODY ? "" : token;
    keep(TOKEN, this.#token);
    addEventListener("hashchange", () => {
      const other = takeFromAddress();
      if (other !== undefined && other !== this.#token && whoOf(other)) this.#become(other);
    });
  }

  get who(): Who {
    return this.#who;
  }

  /** The name of a guest who was here. */
  get lastName(): string {
    return readKept(GUEST_NAME) ?? "";
  }

  /** Come to the socket as who they are; it is not connected yet. */
  use(client: Centrifuge): void {
    this.#client = client;
    client.setToken(this.#token);
    client.on("disconnected", ({ code }) => {
      if (this.#token === "" || (code !== UNAUTHORIZED && code !== INVALID_TOKEN)) return;
      // Without it the page can still be watched.
      this.hasLapsed = true;
      this.#set("");
      client.connect();
    });
  }

  /** Become a guest with a name, on the whole site also where the page came by a signed path; an error is the status of the answer, 0 without one. */
  async becomeGuest(name: string): Promise<Result<void, number>> {
    const answer = await fetch("/api/guest", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => undefined);
    if (!answer?.ok) return fail(answer?.status ?? 0);
    const guest = parse(GuestSchema, await answer.json().catch(() => undefined));
    if (!guest.ok) return fail(0);
    keep(GUEST_NAME, guest.value.name);
    this.#become(guest.value.token);
    return ok(undefined);
  }

  /** A connection is one person's: it begins anew. */
  #become(token: string): void {
    this.hasLapsed = false;
    this.#set(token);
    this.#client?.disconnect();
    this.#client?.connect();
  }

  #set(token: string): void {
    this.#token = token;
    this.#who = whoOf(token) ?? NOBODY;
    keep(TOKEN, token);
    this.#client?.setToken(token);
    this.onChange();
  }
}

/** At once: addresses are copied, and looked at over shoulders. */
export function takeFromAddress(): string | undefined {
  const taken = takeToken(location.hash);
  if (!taken) return undefined;
  history.replaceState(history.state, "", `${location.pathname}${location.search}${taken.rest}`);
  return taken.token;
}

function readKept(key: string): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

function keep(key: string, value: string): void {
  try {
    if (value === "") sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  } catch {
    // Then it is for this page only.
  }
}
