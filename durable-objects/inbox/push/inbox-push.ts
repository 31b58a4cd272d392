/** Notifications of one user: where they want them, and what of a delivery is worth one. How they are sent is in push-outbox.ts. */
import { fail, ok } from "../../../media/result.ts";
import type { InboxAction, InboxEvent } from "../../../wire/inbox.ts";
import type { ObjectsEnv } from "../../../workers/env.ts";
import { authorOf } from "../../core/inbox/notifying.ts";
import { isPushEndpoint, originsOf } from "../../core/inbox/push-endpoint.ts";
import type { Acted } from "../../core/viewers/socket/decision.ts";
import type { InboxDelivery } from "../inbox-messages.ts";
import type { LazyTables } from "../lazy-tables.ts";
import { PushOutbox } from "./push-outbox.ts";
import { canEncrypt, vapidOf } from "./push-post.ts";
import { PushRows } from "./push-rows.ts";

export type PushAction = Extract<InboxAction, { readonly name: `push.${string}` }>;

/** What decides whether a user is notified, beside the delivery. */
export interface PushPorts {
  readonly env: () => ObjectsEnv;
  /** Whether a device listens; `undefined`: it is not known yet. */
  readonly isHeard: (now: number) => boolean | undefined;
  /** False: they do not want to be disturbed. */
  readonly isDisturbable: () => boolean;
  readonly isMuted: (room: string) => boolean;
  readonly isBlocked: (user: string) => boolean;
}

export class InboxPush {
  readonly outbox: PushOutbox;
  readonly #rows: PushRows;
  readonly #ports: PushPorts;

  constructor(tables: LazyTables, ports: PushPorts) {
    this.#rows = new PushRows(tables);
    this.#ports = ports;
    this.outbox = new PushOutbox(this.#rows, {
      vapid: () => vapidOf(ports.env()),
      origins: () => originsOf(ports.env().PUSH_ENDPOINTS),
      isHeard: ports.isHeard,
    });
  }

  async act(action: PushAction): Promise<Acted> {
    const env = this.#ports.env();
    const vapid = vapidOf(env);
    switch (action.name) {
      case "push.key":
        return vapid ? ok({ key: vapid.publicKey }) : fail("unavailable");
      case "push.subscribe": {
        const { subscription } = action.data;
        if (vapid === undefined) return fail("unavailable");
        const isAllowed = isPushEndpoint(subscription.endpoint, originsOf(env.PUSH_ENDPOINTS));
        if (!isAllowed || !(await canEncrypt(subscription))) return fail({ name: "badEndpoint" });
        this.#rows.subscribe(subscription, Date.now());
        return ok({});
      }
      case "push.unsubscribe":
        this.#rows.unsubscribe(action.data.endpoint);
        return ok({});
    }
  }

  /** Have notified what of a delivery is worth it; `news`: what of it is new. Part of the transaction that takes it. */
  note({ summary, notification, left }: InboxDelivery, news: readonly InboxEvent[], now: number): void {
    const { room, unread, kind } = summary;
    // What was read elsewhere, or deleted, is no news.
    if (left || unread === 0) this.#rows.drop({ room });
    for (const event of news) {
      if (event.type === "deleted") for (const id of event.ids) this.#rows.drop({ id });
    }
    const author = notification && !left ? authorOf(notification, news) : undefined;
    if (notification === undefined || author === undefined) return;
    const { isHeard, isMuted, isBlocked, isDisturbable } = this.#ports;
    if (isHeard(now) || isMuted(room) || isBlocked(author) || !isDisturbable()) return;
    this.outbox.note(notification, kind === "direct", now);
  }

  /** A room may not notify any more. */
  mute(room: string): void {
    this.#rows.drop({ room });
  }
}
