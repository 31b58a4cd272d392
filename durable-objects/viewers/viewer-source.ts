/** What a shard asks of the rest: its stream, the relay above it, and who a token is. A stub is made anew for each call. */
import type { Result } from "../../media/result.ts";
import type { StreamPosition } from "../../wire/centrifugo.ts";
import type { SocketClaims } from "../../wire/socket-token.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import { verifySocketToken } from "../../workers/socket-tokens.ts";
import { mergePresence, type Presence } from "../core/viewers/socket/presence.ts";
import type { Followed, ReportAnswer, ShardReport } from "../core/viewers/viewer-messages.ts";
import { within } from "../deadline.ts";

/** A client waits for what these answer. */
const ANSWER_MS = 5_000;
/** Who is there is remembered, and longer when it takes many questions. */
const REMEMBERED_MS = 1_000;
const LONG_REMEMBERED_MS = 10_000;
const FEW_SHARDS = 32;

export class ViewerSource {
  readonly #env: ObjectsEnv;
  readonly #stream: string;
  /** A relay, or nothing: the stream's object itself. */
  #parent: string | undefined;
  #attendance: { readonly presence: Promise<Presence>; readonly until: number } | undefined;

  constructor(env: ObjectsEnv, stream: string) {
    this.#env = env;
    this.#stream = stream;
  }

  /** What followed a position, or all that is kept. */
  since(position: StreamPosition | undefined): Promise<Followed> {
    return within(ANSWER_MS, "since", this.#live().since(position));
  }

  /** Say something to everyone; false: the stream did not take it. */
  say(from: string, data: unknown): Promise<boolean> {
    return within(ANSWER_MS, "say", this.#live().say(from, data));
  }

  /** Who is in the stream's channel, in all shards; `own` is what the shard `name` sees itself. */
  presence(name: string, own: () => Presence): Promise<Presence> {
    const now = Date.now();
    if (this.#attendance && now < this.#attendance.until) return this.#attendance.presence;
    // Thousands who ask at once are one question.
    const presence = this.#askAll(name, own);
    this.#attendance = { presence, until: now + REMEMBERED_MS };
    return presence;
  }

  async #askAll(name: string, own: () => Presence): Promise<Presence> {
    const region = name.split("/")[1] ?? "";
    const directory = await within(ANSWER_MS, "shards", this.#live().shards(region));
    const all = [...Object.values(directory.regions).flat(), ...(directory.others ?? [])];
    const others = all.filter((shard) => shard !== name);
    const asked = others.map((shard) => this.#env.VIEWER_SET.getByName(shard).presence());
    const presence = mergePresence([own(), ...(await within(ANSWER_MS, "presence", Promise.all(asked)))]);
    const lasts = others.length < FEW_SHARDS ? REMEMBERED_MS : LONG_REMEMBERED_MS;
    this.#attendance = { presence: Promise.resolve(presence), until: Date.now() + lasts };
    return presence;
  }

  /** Who somebody is. */
  verify(token: string): Promise<Result<SocketClaims, "expired" | "invalid">> {
    return verifySocketToken(token, this.#env, Date.now());
  }

  /** Report to whom the answer before named, and to the stream itself when that is not there. */
  async report(report: ShardReport): Promise<ReportAnswer> {
    const relay = this.#parent;
    this.#parent = undefined;
    const answer = await this.#reportBy(relay, report);
    this.#parent = answer.parents[report.shard] ?? undefined;
    return answer;
  }

  async #reportBy(relay: string | undefined, report: ShardReport): Promise<ReportAnswer> {
    if (relay !== undefined) {
      try {
        const stub = this.#env.LIVE_RELAY.getByName(relay);
        return await within(ANSWER_MS, "a relay's report", stub.report(this.#stream, [report]));
      } catch (error) {
        console.warn("a relay does not answer", { relay, error: String(error) });
      }
    }
    return within(ANSWER_MS, "report", this.#live().report([report]));
  }

  #live() {
    return this.#env.LIVE_STREAM.getByName(this.#stream);
  }
}
