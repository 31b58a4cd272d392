/** One object per conversation, a group or a one-to-one room: its members, what they said, how far they have read. */
import { DurableObject } from "cloudflare:workers";
import { fail, type Result } from "../../media/result.ts";
import type { StreamPosition } from "../../wire/centrifugo.ts";
import { chatChannel } from "../../wire/chat.ts";
import type { ConversationSay, RoomAction } from "../../wire/conversations.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import type { Refusal, Speaker } from "../core/chat/judge.ts";
import type { Acted } from "../core/viewers/socket/decision.ts";
import type { Followed, ReportAnswer, ShardReport } from "../core/viewers/viewer-messages.ts";
import { ChannelAudience } from "../viewers/channel-audience.ts";
import type { Posted } from "./chat-room.ts";

export class Conversation extends DurableObject<ObjectsEnv> {
  readonly #audience: ChannelAudience;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.#audience = new ChannelAudience({
      channel: chatChannel(ctx.id.name ?? ""),
      kv: ctx.storage.kv,
      env: () => this.env,
      keepAlive: (work) => ctx.waitUntil(work),
      log: this,
    });
  }

  /** Take a message of a member. Sent again with its nonce it is the same message. */
  say(_speaker: Speaker, _say: ConversationSay): Result<Posted, Refusal> {
    return fail({ name: "notAMember" });
  }

  /** Do what somebody asks for by `rpc`. */
  act(_speaker: Speaker, _action: RoomAction): Acted {
    return fail("forbidden");
  }

  isMember(_user: string): boolean {
    return false;
  }

  since(_position: StreamPosition | undefined): Followed {
    return { position: this.position, complete: true, publications: [] };
  }

  report(reports: readonly ShardReport[]): ReportAnswer {
    this.#audience.hear(reports, Date.now());
    return { position: this.position, viewers: 0, draining: [], parents: {} };
  }

  get position(): StreamPosition {
    return { epoch: "none", offset: 0 };
  }
}
