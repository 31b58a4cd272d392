/**
 * One object per user: the log of what came to them from all their rooms (`user:<id>`), in an order of its own, for all their devices.
 */
import { DurableObject } from "cloudflare:workers";
import { fail } from "../../media/result.ts";
import type { StreamPosition } from "../../wire/centrifugo.ts";
import { type InboxAction, inboxChannel } from "../../wire/inbox.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import type { Speaker } from "../core/chat/judge.ts";
import type { Acted } from "../core/viewers/socket/decision.ts";
import type { Followed, ReportAnswer, ShardReport } from "../core/viewers/viewer-messages.ts";
import { ChannelAudience } from "../viewers/channel-audience.ts";
import type { InboxDelivery, InboxTaken } from "./inbox-messages.ts";

export class Inbox extends DurableObject<ObjectsEnv> {
  readonly #audience: ChannelAudience;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.#audience = new ChannelAudience({
      channel: inboxChannel(ctx.id.name ?? ""),
      kv: ctx.storage.kv,
      env: () => this.env,
      keepAlive: (work) => ctx.waitUntil(work),
      log: this,
    });
  }

  /** A room has something for this user. */
  take({ upTo }: InboxDelivery): InboxTaken {
    return { upTo };
  }

  /** Do what the user asks for by `rpc`. */
  act(_speaker: Speaker, _action: InboxAction): Acted {
    return fail("unavailable");
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
