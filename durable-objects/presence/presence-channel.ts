/** One object per presence channel: who is here, one entry for each user however many tabs they have. */
import { DurableObject } from "cloudflare:workers";
import { ok } from "../../media/result.ts";
import type { StreamPosition } from "../../wire/centrifugo.ts";
import { presenceChannel } from "../../wire/presence.ts";
import type { ObjectsEnv } from "../../workers/env.ts";
import type { Acted } from "../core/viewers/socket/decision.ts";
import type { Followed, ReportAnswer, ShardReport } from "../core/viewers/viewer-messages.ts";
import { ChannelAudience } from "../viewers/channel-audience.ts";

export class PresenceChannel extends DurableObject<ObjectsEnv> {
  readonly #audience: ChannelAudience;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.#audience = new ChannelAudience({
      channel: presenceChannel(ctx.id.name ?? ""),
      kv: ctx.storage.kv,
      env: () => this.env,
      keepAlive: (work) => ctx.waitUntil(work),
      log: this,
    });
  }

  /** `presence.state`. */
  state(): Acted {
    return ok({ users: 0, present: [] });
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
