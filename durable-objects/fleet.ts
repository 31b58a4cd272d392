/**
 * One object, named "fleet": the only writer of which transcoders there are. Decisions are made in core/fleet.ts; this
 * class stores them, and tells the streams of a host that went away. What could not be told is told again by the alarm.
 */
import { DurableObject } from "cloudflare:workers";
import { parseSessionId } from "../media/address.ts";
import { fail, ok, type Result } from "../media/result.ts";
import { HEARTBEAT_SECONDS, type Registered, type Report, type TranscoderRecord } from "../wire/fleet.ts";
import type { ObjectsEnv } from "../workers/env.ts";
import {
  check,
  type Host,
  MAX_HOSTS,
  nextCheckAt,
  type Orphan,
  recordOf,
  register,
  type Superseded,
} from "./core/fleet.ts";

const HOST = "host:";
const ORPHAN = "orphan:";
const RETRY_MS = 5_000;
/** After this long a session's own silence has freed it anyway. */
const GIVE_UP_MS = 60_000;

type Waiting = Orphan & { readonly since: number };

export class Fleet extends DurableObject<ObjectsEnv> {
  readonly #hosts: Map<string, Host>;
  /** When the alarm rings, if this instance has set it. */
  #alarmAt: number | undefined;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.#hosts = new Map(
      [...ctx.storage.kv.list<Host>({ prefix: HOST })].map(([, host]) => [host.id, host]),
    );
  }

  /** Take a host's report; the answer says what is wanted of it. */
  register(id: string, report: Report): Result<Registered, Superseded | { readonly reason: "too-many" }> {
    const known = this.#hosts.get(id);
    if (!known && this.#hosts.size >= MAX_HOSTS) return fail({ reason: "too-many" });
    const registered = register(known, id, report, Date.now());
    if (!registered.ok) return registered;
    const { host, orphans } = registered.value;
    this.#save(host);
    this.#watch(this.#queue(orphans));
    // A host that beats must not wait for the streams of one that is gone.
    if (orphans.length > 0) this.ctx.waitUntil(this.#freeOrphans());
    return ok({ drain: host.drain, heartbeatSeconds: HEARTBEAT_SECONDS });
  }

  /** All hosts by id. */
  list(): readonly TranscoderRecord[] {
    const hosts = [...this.#hosts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return hosts.map(recordOf);
  }

  /** Say whether a host is to be drained; it hears of it with its next heartbeat. */
  setDrain(id: string, drain: boolean): TranscoderRecord | undefined {
    const host = this.#hosts.get(id);
    if (!host) return undefined;
    const told = { ...host, drain };
    this.#save(told);
    return recordOf(told);
  }

  /** See who is gone; may run twice. */
  override async alarm(): Promise<void> {
    this.#alarmAt = undefined;
    const { silent, forgotten, orphans } = check(this.#hosts.values(), Date.now());
    for (const host of silent) this.#save(host);
    for (const { id } of forgotten) {
      this.ctx.storage.kv.delete(HOST + id);
      this.#hosts.delete(id);
    }
    this.#queue(orphans);
    this.#watch(await this.#freeOrphans());
  }

  #save(host: Host): void {
    this.ctx.storage.kv.put(HOST + host.id, host);
    this.#hosts.set(host.id, host);
  }

  /** Remember sessions until their streams know. True: there are some. */
  #queue(orphans: readonly Orphan[]): boolean {
    const since = Date.now();
    for (const orphan of orphans)
      this.ctx.storage.kv.put<Waiting>(ORPHAN + orphan.session, { ...orphan, since });
    return orphans.length > 0;
  }

  /** Tell the streams whose host is gone. True: some could not be told yet. */
  async #freeOrphans(): Promise<boolean> {
    const waiting = [...this.ctx.storage.kv.list<Waiting>({ prefix: ORPHAN })];
    const told = await Promise.all(waiting.map(([key, orphan]) => this.#free(key, orphan)));
    return told.includes(false);
  }

  async #free(key: string, { session, transcoder, certain, since }: Waiting): Promise<boolean> {
    const stream = parseSessionId(session)?.stream;
    try {
      if (stream !== undefined)
        await this.env.LIVE_STREAM.getByName(stream).free(session, transcoder, certain);
    } catch (error) {
      console.error("a stream could not be told that its transcoder is gone", session, error);
      if (Date.now() < since + GIVE_UP_MS) return false;
    }
    this.ctx.storage.kv.delete(key);
    return true;
  }

  /** Set the alarm, unless an earlier one will look at what is due then: a heartbeat costs one row, not two. */
  #watch(soon: boolean): void {
    const now = Date.now();
    const due = nextCheckAt(this.#hosts.values());
    const at = soon ? Math.min(now + RETRY_MS, due ?? Number.POSITIVE_INFINITY) : due;
    if (at === undefined || (this.#alarmAt !== undefined && this.#alarmAt <= at)) return;
    this.#alarmAt = at;
    void this.ctx.storage.setAlarm(at);
  }
}
