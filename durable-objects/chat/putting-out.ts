/**
 * Who left a conversation listens no more: their sockets are told at once, and again when whatever subscription was under way at that
 * moment has come about or failed.
 */

/** A subscription asks for a membership, and for the feed with a word before it, twice at most; each takes 5 s (viewer-source.ts). */
const AGAIN_MS = [2_000, 30_000] as const;
const OUT = "out";

interface Out {
  readonly user: string;
  /** Milliseconds since 1970. */
  readonly due: readonly number[];
}

export interface PuttingOutPorts {
  readonly putOut: (users: readonly string[]) => void;
  /** They came back. */
  readonly isIn: (user: string) => boolean;
  readonly alarmBy: (at: number) => void;
}

export class PuttingOut {
  readonly #kv: SyncKvStorage;
  readonly #ports: PuttingOutPorts;

  constructor(kv: SyncKvStorage, ports: PuttingOutPorts) {
    this.#kv = kv;
    this.#ports = ports;
  }

  begin(users: readonly string[], now: number): void {
    const due = AGAIN_MS.map((ms) => now + ms);
    this.#keep([...this.#out(), ...users.map((user) => ({ user, due }))]);
    this.#ports.putOut(users);
    this.#ports.alarmBy(Math.min(...due));
  }

  /** Do what is due. */
  go(now: number): void {
    const out = this.#out();
    const users = out.filter(({ user, due }) => due.some((at) => at <= now) && !this.#ports.isIn(user));
    if (users.length > 0) this.#ports.putOut(users.map(({ user }) => user));
    this.#keep(out.map(({ user, due }) => ({ user, due: due.filter((at) => at > now) })));
  }

  dueAt(): number | undefined {
    const due = this.#out().flatMap((one) => one.due);
    return due.length > 0 ? Math.min(...due) : undefined;
  }

  #out(): readonly Out[] {
    return this.#kv.get<readonly Out[]>(OUT) ?? [];
  }

  #keep(out: readonly Out[]): void {
    const left = out.filter(({ due, user }) => due.length > 0 && !this.#ports.isIn(user));
    if (left.length > 0) this.#kv.put(OUT, left);
    else if (this.#out().length > 0) this.#kv.delete(OUT);
  }
}
