/** The operator's API for webhooks (docs/webhooks.md). The admin token is checked where this is mounted. */
import { Hono } from "hono";
import { attemptWords, judge } from "../../durable-objects/core/webhooks/webhook-retry.ts";
import {
  createWebhook,
  findReceiver,
  listWebhooks,
  MAX_WEBHOOKS,
  removeWebhook,
} from "../../durable-objects/webhooks/webhook-endpoints.ts";
import { newSecret, post } from "../../durable-objects/webhooks/webhook-post.ts";
import { secretLetters } from "../../media/address.ts";
import { problem } from "../../wire/problem.ts";
import {
  CreateWebhookSchema,
  isReceiver,
  RECEIVER_RULE,
  TEST_EVENT,
  type WebhookTested,
} from "../../wire/webhooks.ts";
import { readJson } from "../body.ts";
import type { OriginEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { NO_STORE } from "./no-store.ts";

/** Longest body of a request, bytes. */
const MAX_WEBHOOK_BYTES = 16 * 1024;
/** Letters in the id of a test message. */
const TEST_ID_LETTERS = 26;

/** `/admin/webhooks`. */
export const webhooksAdmin = new Hono<{ Bindings: OriginEnv }>();

webhooksAdmin.post("/", async (c) => {
  const wanted = await readJson(c.req.raw, CreateWebhookSchema, MAX_WEBHOOK_BYTES);
  if (!wanted.ok) return respond(wanted.error);
  const { url } = wanted.value;
  if (!URL.canParse(url) || !isReceiver(new URL(url))) return respond(badUrl());
  const secret = newSecret();
  const webhook = await createWebhook(c.env.DB, wanted.value, secret, new Date());
  if (!webhook) {
    return respond(
      problem(409, "too-many-webhooks", "There are as many webhooks as there may be.", {
        limit: MAX_WEBHOOKS,
      }),
    );
  }
  return c.json({ ...webhook, secret }, 201, NO_STORE);
});

webhooksAdmin.get("/", async (c) => c.json({ webhooks: await listWebhooks(c.env.DB) }, 200, NO_STORE));

webhooksAdmin.delete("/:id", async (c) => {
  const id = c.req.param("id");
  return (await removeWebhook(c.env.DB, id)) ? c.json({ id, removed: true }, 200, NO_STORE) : unknown();
});

webhooksAdmin.post("/:id/test", async (c) => {
  const receiver = await findReceiver(c.env.DB, c.req.param("id"));
  if (!receiver) return unknown();
  const now = Date.now();
  const message = `msg_test_${secretLetters(crypto.getRandomValues(new Uint8Array(TEST_ID_LETTERS)))}`;
  const event = { type: TEST_EVENT, timestamp: new Date(now).toISOString(), data: { webhook: receiver.id } };
  const attempt = await post(receiver, { id: message, body: JSON.stringify(event) }, now);
  const tested: WebhookTested = {
    message,
    delivered: judge(attempt) === "delivered",
    milliseconds: Date.now() - now,
    ...(attempt.kind === "answered" && { status: attempt.status }),
    ...(attempt.kind === "answered" && attempt.body !== undefined && { body: attempt.body }),
    words: attemptWords(attempt),
  };
  return c.json(tested, 200, NO_STORE);
});

const badUrl = () =>
  problem(400, "malformed", "The body was not understood.", { detail: `url: expected ${RECEIVER_RULE}` });

const unknown = (): Response => respond(problem(404, "unknown-webhook", "There is no such webhook."));
