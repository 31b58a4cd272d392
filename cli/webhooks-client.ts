/** Origin's webhooks as the CLI asks for them: one function per route. */
import type * as v from "valibot";
import { ok } from "../media/result.ts";
import {
  type CreateWebhookSchema,
  WebhookListSchema,
  type WebhookRecord,
  WebhookRemovedSchema,
  type WebhookTested,
  WebhookTestedSchema,
  type WebhookWithSecret,
  WebhookWithSecretSchema,
} from "../wire/webhooks.ts";
import type { AdminRequest, Answer } from "./origin.ts";

const PATH = "/admin/webhooks";

export interface WebhooksClient {
  readonly create: (webhook: v.InferInput<typeof CreateWebhookSchema>) => Answer<WebhookWithSecret>;
  readonly list: () => Answer<readonly WebhookRecord[]>;
  /** Answers the id that was removed. */
  readonly remove: (id: string) => Answer<string>;
  /** Have a test event sent, and hear what the receiver answered. */
  readonly test: (id: string) => Answer<WebhookTested>;
}

/** A client for the webhooks of the origin that `request` reaches. */
export function webhooksClient(request: AdminRequest): WebhooksClient {
  const pathOf = (id: string) => `${PATH}/${encodeURIComponent(id)}`;
  return {
    create: (webhook) => request(WebhookWithSecretSchema, "POST", PATH, webhook),
    async list() {
      const list = await request(WebhookListSchema, "GET", PATH);
      return list.ok ? ok(list.value.webhooks) : list;
    },
    async remove(id) {
      const removed = await request(WebhookRemovedSchema, "DELETE", pathOf(id));
      return removed.ok ? ok(removed.value.id) : removed;
    },
    test: (id) => request(WebhookTestedSchema, "POST", `${pathOf(id)}/test`),
  };
}
