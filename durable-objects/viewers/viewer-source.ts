/** What a shard asks of the rest: its stream, the relay above it, a room, and who a token is. A stub is made anew for each call. */
import type { Result } from "../../media/result.ts";
import type { StreamPosition } from "../../wire/centrifugo.ts";
import type { Action, Say } from "../../wire/chat.ts";
import type { ConversationSay, RoomAction } from "../../wire/conversations.ts";
import type { InboxAction } from "../../wire/inbox.ts";
import type { SocketClaims } from "../../wire/socket-token.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import { verifySocketToken } from "../../workers/socket-tokens.ts";
import type { Posted } from "../chat/chat-room.ts";
import type { Written } from "../chat/conversation-talk.ts";
import type { Refusal, Speaker } from "../core/chat/judge.ts";
import type { Attendance, Attended } from "../core/presence/attendance.ts";
import { ownerOf } from "../core/viewers/socket/channels.ts";
import type { Acted } from "../core/viewers/socket/decision.ts";
import { mergePresence, type Presence } from "../core/viewers/socket/presence.ts";
import type { Followed, ReportAnswer, ShardReport } from "../core/viewers/viewer-messages.ts";
import { within } from "../deadline.ts";
import { directRoom } from "./direct-room.ts";
import type { ChannelOwner } from "./viewer-channel.ts";
import { ViewerReactions } from "./viewer-reactions.ts";
import type { ViewerSet } from "./viewer-set.ts";

/** A client waits for what these answer. */
const ANSWER_MS = 5_000;
/** Who is there is remembered, and longer when it takes many questions. */
const REMEMBERED_MS = 1_000;
const LONG_REMEMBERED_MS = 10_000;
const FEW_SHARDS = 32;

/** What owners of channels have in common. */
interface Owning {
  since(position: StreamPosition | undefined): Promise<Followed>;
  report(reports: readonly ShardReport[]): Promise<ReportAnswer>;
}

export class ViewerSource {
  readonly #env: ObjectsEnv;
  readonly stream: string;
  readonly #reactions = new ViewerReactions((reacted) =>
    within(ANSWER_MS, "reactions", this.#env.CHAT_ROOM.getByName(this.stream).react(reacted)),
  );
  /** A relay, or nothing: the stream's object itself. */
  #parent: string | undefined;
  readonly #attendances = new Map<string, { readonly presence: Promise<Presence>; readonly until: number }>();

  constructor(env: ObjectsEnv, stream: string) {
    this.#env = env;
    this.stream = stream;
  }

  /** What followed a position, or all that is kept. */
  since(position: StreamPosition | undefined): Promise<Followed> {
    return within(ANSWER_MS, "since", this.#live().since(position));
  }

  /** Say something to everyone; false: the stream did not take it. */
  say(from: string, data: unknown): Promise<boolean> {
    return within(ANSWER_MS, "say", this.#live().say(from, data));
  }

  /** Who is in a channel, in all shards; `own` is the shard `name` itself. */
  presence(name: string, channel: string, own: Pick<ViewerSet, "presence">): Promise<Presence> {
    const now = Date.now();
    const known = this.#attendances.get(channel);
    if (known && now < known.until) return known.presence;
    // Thousands who ask at once are one question.
    const presence = this.#askAll(name, channel, own);
    this.#attendances.set(channel, { presence, until: now + REMEMBERED_MS });
    return presence;
  }

  /** Who writes a channel that is not the stream's own. */
  owner(channel: string): ChannelOwner {
    const owner = () => this.#ownerOf(channel);
    return {
      since: (position) => within(ANSWER_MS, `since of ${channel}`, owner().since(position)),
      report: (report) => within(ANSWER_MS, `report to ${channel}`, owner().report([report])),
    };
  }

  /** Say something in a room. */
  post(room: string, speaker: Speaker, say: Say): Promise<Result<Posted, Refusal>> {
    const posted: Promise<Result<Posted, Refusal>> = this.#env.CHAT_ROOM.getByName(room).say(speaker, say);
    return within(ANSWER_MS, "say", posted);
  }

  /** Ask something of a room. Signs are gathered here: thousands of them are one call. */
  act(speaker: Speaker, action: Action): Promise<Acted> {
    if (action.name === "chat.react") return Promise.resolve(this.#reactions.add(speaker, action.data.emoji));
    const acted: Promise<Acted> = this.#env.CHAT_ROOM.getByName(action.data.room).act(speaker, action);
    return within(ANSWER_MS, action.name, acted);
  }

  /** Say something in a conversation. */
  write(room: string, speaker: Speaker, say: ConversationSay): Promise<Written> {
    const posted: Promise<Written> = this.#env.CONVERSATION.getByName(room).say(speaker, say);
    return within(ANSWER_MS, "write", posted);
  }

  /** Ask something of a conversation. */
  async actInRoom(speaker: Speaker, action: RoomAction): Promise<Acted> {
    const room =
      action.name === "room.direct" ? await directRoom(speaker.user, action.data.user) : action.data.room;
    const acted: Promise<Acted> = this.#env.CONVERSATION.getByName(room).act(speaker, action);
    return within(ANSWER_MS, action.name, acted);
  }

  /** Ask something of somebody's own inbox. */
  actInInbox(speaker: Speaker, action: InboxAction): Promise<Acted> {
    const acted: Promise<Acted> = this.#env.INBOX.getByName(speaker.user).act(speaker, action);
    return within(ANSWER_MS, action.name, acted);
  }

  /** Whether somebody is a member of a conversation. */
  isMember(room: string, user: string): Promise<boolean> {
    return within(ANSWER_MS, "a membership", this.#env.CONVERSATION.getByName(room).isMember(user));
  }

  /** Who is in a presence channel. */
  present(name: string): Promise<Acted> {
    const present: Promise<Acted> = this.#env.PRESENCE.getByName(name).state();
    return within(ANSWER_MS, "presence.state", present);
  }

  /** Tell a presence channel who is here. */
  attend(name: string, attendance: Attendance): Promise<Attended> {
    const attended: Promise<Attended> = this.#env.PRESENCE.getByName(name).attend(attendance);
    return within(ANSWER_MS, "attendance", attended);
  }

  #ownerOf(channel: string): Owning {
    const owner = ownerOf(channel);
    switch (owner?.kind) {
      case "room":
        return this.#env.CHAT_ROOM.getByName(owner.room) as unknown as Owning;
      case "conversation":
        return this.#env.CONVERSATION.getByName(owner.room) as unknown as Owning;
      case "inbox":
        return this.#env.INBOX.getByName(owner.user) as unknown as Owning;
      case "presence":
        return this.#env.PRESENCE.getByName(owner.name) as unknown as Owning;
      default:
        throw new Error(`nobody owns ${channel}`);
    }
  }

  async #askAll(name: string, channel: string, own: Pick<ViewerSet, "presence">): Promise<Presence> {
    const region = name.split("/")[1] ?? "";
    const directory = await within(ANSWER_MS, "shards", this.#live().shards(region));
    const all = [...Object.values(directory.regions).flat(), ...(directory.others ?? [])];
    const others = all.filter((shard) => shard !== name);
    const asked = others.map((shard) => this.#env.VIEWER_SET.getByName(shard).presence(channel));
    const presence = mergePresence([
      own.presence(channel),
      ...(await within(ANSWER_MS, "presence", Promise.all(asked))),
    ]);
    const lasts = others.length < FEW_SHARDS ? REMEMBERED_MS : LONG_REMEMBERED_MS;
    this.#attendances.set(channel, { presence: Promise.resolve(presence), until: Date.now() + lasts });
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
        return await within(ANSWER_MS, "a relay's report", stub.report(this.stream, [report]));
      } catch (error) {
        console.warn("a relay does not answer", { relay, error: String(error) });
      }
    }
    return within(ANSWER_MS, "report", this.#live().report([report]));
  }

  #live() {
    return this.#env.LIVE_STREAM.getByName(this.stream);
  }
}
