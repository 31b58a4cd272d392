/**
 * Webhooks: what receivers are sent (docs/webhooks.md), and the operator's API for saying who they are.
 * Headers and signature follow Standard Webhooks 1.0.0; they are made in durable-objects/webhooks/webhook-post.ts.
 */
import * as v from "valibot";
import { StreamIdSchema } from "./admin.ts";

/** `ended` and `failed` are last words: every broadcast that is told of gets exactly one of them. */
export const EVENT_NAMES = [
  "broadcast.started",
  "broadcast.interrupted",
  "broadcast.resumed",
  "broadcast.ended",
  "broadcast.failed",
] as const;
/** One of `EVENT_NAMES`. */
export type EventName = (typeof EVENT_NAMES)[number];

/** What `POST /admin/webhooks/<id>/test` sends, whatever the webhook's filters are. */
export const TEST_EVENT = "webhook.test";

/** ISO 8601. */
const moment = v.pipe(v.string(), v.isoTimestamp());

/** The body of a delivery, and how a receiver may read it. */
export const BroadcastEventSchema = v.object({
  type: v.picklist(EVENT_NAMES),
  /** When it happened; the time of the attempt is in the header `webhook-timestamp`. */
  timestamp: moment,
  data: v.object({
    stream: v.string(),
    broadcast: v.string(),
    /** Ordinal of the encoder's connection within the broadcast, from 1. */
    session: v.number(),
    /** Counts the events of a broadcast, from 1. */
    sequence: v.number(),
    /** When the encoder was let in. */
    startedAt: moment,
    /** `interrupted`: when the broadcast ends if the encoder does not come back. */
    endsAt: v.exactOptional(moment),
    /** `ended`, `failed`. */
    endedAt: v.exactOptional(moment),
    /** `ended`, `failed`: seconds from `startedAt` to `endedAt`. */
    seconds: v.exactOptional(v.number()),
    /** `failed`: why. `never-shown`: it ended before its first segment was complete. */
    reason: v.exactOptional(v.string()),
    /** `failed`: whether viewers could watch it before. */
    shown: v.exactOptional(v.boolean()),
  }),
});
/** An event, parsed. */
export type BroadcastEvent = v.InferOutput<typeof BroadcastEventSchema>;

/** Longest address of a receiver. */
const MAX_URL_LENGTH = 2048;
/** Most streams that a filter names. */
const MAX_STREAMS = 100;

/** Hosts that a development machine reaches without TLS: loopback, private and link-local addresses, `.local` names. */
const PRIVATE_HOST =
  /^(localhost|.+\.localhost|.+\.local|127(\.\d+){3}|10(\.\d+){3}|192\.168(\.\d+){2}|169\.254(\.\d+){2}|172\.(1[6-9]|2\d|3[01])(\.\d+){2}|\[::1\]|\[f[cd][0-9a-f]{2}:.*\]|\[fe[89ab][0-9a-f]:.*\])$/;

/** A URL taken apart, as `new URL` does. */
interface UrlParts {
  readonly protocol: string;
  readonly hostname: string;
  readonly username: string;
  readonly password: string;
  readonly hash: string;
}

/** Where events may be sent, in the words of a refusal. */
export const RECEIVER_RULE = "an https URL, or http to a private host, without user or fragment";

/** May events be sent there? */
export function isReceiver({ protocol, hostname, username, password, hash }: UrlParts): boolean {
  if (username !== "" || password !== "" || hash !== "") return false;
  return protocol === "https:" || (protocol === "http:" && PRIVATE_HOST.test(hostname));
}

/** `POST /admin/webhooks`. No filter means everything. Whether the URL is a receiver's is for `isReceiver` to say. */
export const CreateWebhookSchema = v.object({
  url: v.pipe(v.string(), v.maxLength(MAX_URL_LENGTH)),
  streams: v.optional(v.pipe(v.array(StreamIdSchema), v.maxLength(MAX_STREAMS)), []),
  events: v.optional(v.pipe(v.array(v.picklist(EVENT_NAMES)), v.maxLength(EVENT_NAMES.length)), []),
});
export type CreateWebhook = v.InferOutput<typeof CreateWebhookSchema>;

export const WebhookRecordSchema = v.object({
  id: v.string(),
  url: v.string(),
  /** Empty: all. */
  streams: v.array(v.string()),
  /** Empty: all. */
  events: v.array(v.string()),
  createdAt: v.string(),
  /** The receiver answered 410 then: nothing is sent any more. */
  disabledAt: v.exactOptional(v.string()),
  /** The last delivery that was accepted. */
  lastSuccessAt: v.exactOptional(v.string()),
  /** The last attempt that failed, and what came of it in words. */
  lastFailure: v.exactOptional(v.object({ at: v.string(), words: v.string() })),
  /** Events that were given up. */
  lost: v.number(),
});
/** A webhook as operators see it. */
export type WebhookRecord = Readonly<v.InferOutput<typeof WebhookRecordSchema>>;

export const WebhookWithSecretSchema = v.object({ ...WebhookRecordSchema.entries, secret: v.string() });
/** Answer of create: the only time the secret is shown. */
export type WebhookWithSecret = Readonly<v.InferOutput<typeof WebhookWithSecretSchema>>;

/** `GET /admin/webhooks`. */
export const WebhookListSchema = v.object({ webhooks: v.array(WebhookRecordSchema) });

/** `DELETE /admin/webhooks/<id>`. */
export const WebhookRemovedSchema = v.object({ id: v.string(), removed: v.literal(true) });

export const WebhookTestedSchema = v.object({
  /** `webhook-id` of what was sent. */
  message: v.string(),
  delivered: v.boolean(),
  milliseconds: v.number(),
  /** Of the receiver's answer, when there was one. */
  status: v.exactOptional(v.number()),
  /** What the answer began with, when it was a refusal. */
  body: v.exactOptional(v.string()),
  /** What came of it. */
  words: v.string(),
});
/** `POST /admin/webhooks/<id>/test`: what the receiver answered. */
export type WebhookTested = Readonly<v.InferOutput<typeof WebhookTestedSchema>>;
