/**
 * Tells Cloudflare's API of purges, for the zone's own cache: in batches, inside its rate limit, until it is through or given
 * up. What is waiting is stored by its store; what a call names and what an answer means stands in core/purging/zone-purge.ts.
 */
import {
  type Batch,
  GIVE_UP_MS,
  hostOf,
  judgeZone,
  mayCallAt,
  nextBatch,
  type Pace,
  streamToList,
  type Waiting,
  withAnswer,
  withCall,
  type ZoneAnswer,
  type ZoneVerdict,
  type ZoneWork,
  zonePrefixes,
} from "../core/purging/zone-purge.ts";
import { within } from "../deadline.ts";

/** The zone, and how to reach it. */
export interface Zone {
  readonly id: string;
  readonly token: string;
  /** Host that viewers use. */
  readonly host: string;
  /** Base of the API. */
  readonly api: string;
}

/** What the operator has set of it (workers/env.ts). */
interface ZoneSettings {
  readonly CLOUDFLARE_ZONE_ID?: string;
  readonly CLOUDFLARE_API_TOKEN?: string;
  readonly PUBLIC_HOST?: string;
  readonly CLOUDFLARE_API?: string;
}

const HEADER_SAFE = /^[\x21-\x7e]+$/;
const CLOUDFLARE_API = "https://api.cloudflare.com/client/v4";

/** The zone whose credentials are set; one that cannot be used is complained of, and is as good as none. */
export function zoneOf(settings: ZoneSettings): Zone | undefined {
  const { CLOUDFLARE_ZONE_ID: id, CLOUDFLARE_API_TOKEN: token, PUBLIC_HOST } = settings;
  if (!id || !token || !PUBLIC_HOST) return undefined;
  const host = hostOf(PUBLIC_HOST);
  // The runtime writes a header that it does not like into the log, and the token with it.
  const odd =
    host === undefined ? "PUBLIC_HOST" : HEADER_SAFE.test(token) ? undefined : "CLOUDFLARE_API_TOKEN";
  if (host === undefined || odd !== undefined) {
    console.error(`${odd} cannot be used as it is: the zone's cache is not purged`);
    return undefined;
  }
  return { id, token, host, api: settings.CLOUDFLARE_API || CLOUDFLARE_API };
}

/** Where what waits is kept. */
export interface ZoneStore {
  pace: Pace;
  /** Purges that the zone is yet to be told of, oldest first. */
  waitingForZone(): readonly Waiting[];
  saveZone(number: number, zone: ZoneWork): void;
}

/** What a test may replace. */
export interface ZonePorts {
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** The newest broadcasts of a stream. */
  readonly broadcasts: (stream: string) => Promise<readonly string[]>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const CALL_TIMEOUT_MS = 15_000;
const MAX_ANSWER_LETTERS = 16_384;
const D1_TIMEOUT_MS = 5_000;
const D1_RETRY_MS = 10_000;

export class ZonePurge {
  readonly #store: ZoneStore;
  readonly #zone: Zone | undefined;
  readonly #ports: ZonePorts;
  readonly #now: () => number;

  constructor(store: ZoneStore, zone: Zone | undefined, ports: ZonePorts) {
    this.#store = store;
    this.#zone = zone;
    this.#ports = ports;
    this.#now = ports.now ?? Date.now;
  }

  /** Are there credentials? */
  get isSet(): boolean {
    return this.#zone !== undefined;
  }

  /** When a call may be made, milliseconds since 1970; `undefined`: nothing waits. */
  dueAt(): number | undefined {
    return this.#store.waitingForZone().length === 0 ? undefined : mayCallAt(this.#store.pace, this.#now());
  }

  /** Make the calls that may be made now. Never throws for what Cloudflare does. */
  async step(): Promise<void> {
    const zone = this.#zone;
    if (!zone) {
      for (const { number, zone } of this.#store.waitingForZone())
        this.#store.saveZone(number, failedFor(zone, "The zone's credentials are not set any more."));
      return;
    }
    while (mayCallAt(this.#store.pace, this.#now()) <= this.#now()) {
      const named = await this.#nameAll(zone);
      const batch = nextBatch(named);
      if (!batch) return;
      this.#store.pace = withCall(this.#store.pace, this.#now());
      const answer = await this.#call(zone, batch);
      const verdict = judgeZone(answer);
      this.#store.pace = withAnswer(this.#store.pace, answer, verdict, this.#now());
      this.#settle(named, batch, verdict);
    }
  }

  /** Find the names of what waits. What is to be removed must have its names before, as they are lost with it. */
  async name(): Promise<void> {
    if (this.#zone) await this.#nameAll(this.#zone);
  }

  /** Purges with the names that they have in the zone. One that D1 could not help with waits, and holds nobody up. */
  async #nameAll({ host }: Zone): Promise<readonly Waiting[]> {
    const named: Waiting[] = [];
    const waiting = this.#store.waitingForZone();
    for (const one of waiting) {
      try {
        named.push({ ...one, zone: await this.#name(one, host) });
      } catch (error) {
        console.error("the broadcasts of a purge could not be listed yet", one.number, error);
        this.#giveUpIfOld(one, this.#now(), "The broadcasts could not be listed.");
      }
    }
    if (named.length === 0 && waiting.length > 0)
      this.#store.pace = { ...this.#store.pace, notBefore: this.#now() + D1_RETRY_MS };
    return named;
  }

  async #name({ number, zone }: Waiting, host: string): Promise<ZoneWork> {
    if (zone.scopes.length === 0) return zone;
    const prefixes = new Set(zone.prefixes);
    for (const scope of zone.scopes) {
      const stream = streamToList(scope);
      const broadcasts =
        stream === undefined
          ? []
          : await within(D1_TIMEOUT_MS, "the list of broadcasts", this.#ports.broadcasts(stream));
      for (const prefix of zonePrefixes(scope, host, broadcasts)) prefixes.add(prefix);
    }
    const named = { ...zone, scopes: [], prefixes: [...prefixes], named: [...prefixes] };
    this.#store.saveZone(number, named);
    return named;
  }

  #settle(named: readonly Waiting[], { left }: Batch, verdict: ZoneVerdict): void {
    const present = new Map(this.#store.waitingForZone().map(({ number, zone }) => [number, zone.since]));
    for (const one of named) {
      const rest = left.get(one.number);
      // One that was queued anew during the call has to be told anew.
      if (rest === undefined || present.get(one.number) !== one.zone.since) continue;
      const { error: _error, ...zone } = { ...one.zone, attempts: one.zone.attempts + 1 };
      if (verdict.is === "done") {
        const state = rest.length === 0 ? "done" : "waiting";
        this.#store.saveZone(one.number, { ...zone, state, prefixes: rest });
      } else if (verdict.is === "refused") this.#store.saveZone(one.number, failedFor(zone, verdict.error));
      else this.#giveUpIfOld({ ...one, zone }, this.#store.pace.notBefore, verdict.error);
    }
  }

  /** It is tried again at `next`, unless it is too old by then. */
  #giveUpIfOld({ number, zone }: Waiting, next: number, error: string): void {
    const isOld = next > zone.since + GIVE_UP_MS;
    this.#store.saveZone(
      number,
      isOld ? failedFor(zone, `Given up after a day. ${error}`) : { ...zone, error },
    );
  }

  async #call({ id, token, api }: Zone, { soft, body }: Batch): Promise<ZoneAnswer> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), CALL_TIMEOUT_MS);
    const fetchOnce = this.#ports.fetch ?? ((url: string, init: RequestInit) => fetch(url, init));
    try {
      const answer = await fetchOnce(
        `${api.replace(/\/+$/, "")}/zones/${encodeURIComponent(id)}/${soft ? "invalidate_cache" : "purge_cache"}`,
        {
          method: "POST",
          body: JSON.stringify(body),
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          redirect: "manual",
          signal: deadline.signal,
        },
      );
      const retryAfter = answer.headers.get("retry-after");
      return {
        kind: "answered",
        status: answer.status,
        ...(retryAfter !== null && { retryAfter }),
        body: (await answer.text()).slice(0, MAX_ANSWER_LETTERS),
      };
    } catch (error) {
      if (deadline.signal.aborted)
        return { kind: "unreachable", why: `no answer within ${CALL_TIMEOUT_MS / 1000} s` };
      return { kind: "unreachable", why: error instanceof Error ? error.message : String(error) };
    } finally {
      clearTimeout(timer);
    }
  }
}

const failedFor = (zone: ZoneWork, error: string): ZoneWork => ({
  ...zone,
  state: "failed",
  error,
  scopes: [],
  prefixes: [],
});
