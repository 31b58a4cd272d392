/** What was written and not sent, by room: kept in this browser, for one person. */
import { readStore, writeStore } from "../player/store.ts";

const KEPT = "millrace-drafts";
const MAX_DRAFTS = 50;

export class Drafts {
  readonly #user: string;
  #drafts: Map<string, string>;

  constructor(user: string) {
    this.#user = user;
    this.#drafts = new Map(read(user));
  }

  get(room: string): string {
    return this.#drafts.get(room) ?? "";
  }

  set(room: string, text: string): void {
    if (text === this.get(room)) return;
    this.#drafts.delete(room);
    if (text.trim() !== "") this.#drafts.set(room, text);
    this.#drafts = new Map([...this.#drafts].slice(-MAX_DRAFTS));
    writeStore(KEPT, JSON.stringify({ user: this.#user, drafts: [...this.#drafts] }));
  }

  /** Nobody reads here any more. */
  static forget(): void {
    writeStore(KEPT, "");
  }
}

/** Those of somebody else are not theirs. */
function read(user: string): readonly (readonly [string, string])[] {
  try {
    const kept: unknown = JSON.parse(readStore(KEPT) ?? "null");
    if (typeof kept !== "object" || kept === null || !("user" in kept) || kept.user !== user) return [];
    if (!("drafts" in kept) || !Array.isArray(kept.drafts)) return [];
    return kept.drafts.flatMap((one: unknown) => {
      const [room, text]: unknown[] = Array.isArray(one) ? one : [];
      return typeof room === "string" && typeof text === "string" ? [[room, text] as const] : [];
    });
  } catch {
    return [];
  }
}
