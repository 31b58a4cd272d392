/** `millrace webhooks …`: who is told of broadcasts, and how that goes. */
import { type Command, InvalidArgumentError } from "commander";
import { EVENT_NAMES, type EventName, type WebhookRecord, type WebhookTested } from "../../wire/webhooks.ts";
import { streamArgument } from "../arguments.ts";
import { CliExit, connect, EXIT, type Surroundings, show, unwrap } from "../context.ts";
import { printable } from "../printable.ts";
import { table } from "../table.ts";
import { type WebhooksClient, webhooksClient } from "../webhooks-client.ts";

const EXAMPLES = `
Events: ${EVENT_NAMES.join(", ")}.

Examples:
  npm run millrace -- webhooks create https://example.com/hook
  npm run millrace -- webhooks create https://example.com/hook --stream radio --event broadcast.started
  npm run millrace -- webhooks test wh_0123456789ab`;

/** Add the commands to the program. */
export function addWebhooks(program: Command, around: Surroundings): void {
  const webhooks = program
    .command("webhooks")
    .description("who is told when broadcasts start, are interrupted and end")
    .addHelpText("after", EXAMPLES);
  const client = (command: Command): WebhooksClient => webhooksClient(connect(command, around).request);

  webhooks
    .command("create")
    .description("send events to a URL; the secret that they are signed with is shown this once")
    .argument("<url>", "https, or http on a private host", receiverUrl)
    .option("--stream <id>", "only of this stream; may be repeated", streamIds)
    .option("--event <name>", "only this event; may be repeated", eventNames)
    .action(async (url: string, { stream, event }: CreateOptions, command: Command) => {
      const wanted = { url, ...(stream && { streams: [...stream] }), ...(event && { events: [...event] }) };
      const created = unwrap(await client(command).create(wanted));
      show(
        command,
        around,
        created,
        () => `Webhook ${created.id} is made. Its secret, shown only this once:\n${created.secret}`,
      );
    });

  webhooks
    .command("list")
    .description("show all webhooks, and what failed last")
    .action(async (_options: unknown, command: Command) => {
      const list = unwrap(await client(command).list());
      show(command, around, { webhooks: list }, () => listing(list));
    });

  webhooks
    .command("remove")
    .description("send nothing more to a webhook, and forget it")
    .argument("<id>", "the webhook")
    .action(async (id: string, _options: unknown, command: Command) => {
      const removed = unwrap(await client(command).remove(id));
      show(command, around, { id: removed, removed: true }, () => `Webhook ${removed} is removed.`);
    });

  webhooks
    .command("test")
    .description("send a webhook a test event, and show what it answers")
    .argument("<id>", "the webhook")
    .action(async (id: string, _options: unknown, command: Command) => {
      const tested = unwrap(await client(command).test(id));
      show(command, around, tested, () => testWords(tested));
      if (!tested.delivered) throw new CliExit(EXIT.refused, `Webhook ${id} did not take the test event.`);
    });
}

interface CreateOptions {
  readonly stream?: readonly string[];
  readonly event?: readonly EventName[];
}

function receiverUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/i.test(text))
    throw new InvalidArgumentError("Give a whole URL, as https://example.com/hook");
  return text;
}

function streamIds(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, streamArgument(text)];
}

function eventNames(text: string, before: readonly EventName[] = []): readonly EventName[] {
  const name = EVENT_NAMES.find((known) => known === text);
  if (name === undefined) throw new InvalidArgumentError(`Events are ${EVENT_NAMES.join(", ")}.`);
  return [...before, name];
}

function listing(webhooks: readonly WebhookRecord[]): string {
  if (webhooks.length === 0) return "There are no webhooks yet. Make one with: webhooks create <url>";
  return table(
    ["ID", "STATE", "STREAMS", "EVENTS", "LOST", "URL", "LAST FAILURE"],
    webhooks.map((webhook) => [
      webhook.id,
      stateOf(webhook),
      webhook.streams.join(",") || "all",
      webhook.events.map((name) => name.replace("broadcast.", "")).join(",") || "all",
      String(webhook.lost),
      printable(webhook.url),
      webhook.lastFailure
        ? `${minuteOf(webhook.lastFailure.at)} ${printable(webhook.lastFailure.words)}`
        : "",
    ]),
  );
}

function stateOf({ disabledAt, lastSuccessAt = "", lastFailure }: WebhookRecord): string {
  if (disabledAt !== undefined) return "disabled";
  if (lastFailure !== undefined && lastFailure.at > lastSuccessAt) return "failing";
  return lastSuccessAt === "" ? "unused" : "good";
}

function testWords({ delivered, milliseconds, words, body }: WebhookTested): string {
  const answer = body === undefined ? "" : `:\n${printable(body)}`;
  return `${delivered ? "Delivered" : "Not delivered"} in ${milliseconds} ms: ${words}${answer}`;
}

const minuteOf = (iso: string): string => iso.slice(0, 16).replace("T", " ");
