/** `millrace streams …`: the streams of an origin and their keys. */
import { setTimeout } from "node:timers/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { STREAM_ID } from "../../media/address.ts";
import { PROFILE_NAMES, type ProfileName } from "../../media/profile.ts";
import type { StreamRecord, StreamWithKey } from "../../wire/admin.ts";
import { connect, type Surroundings, show, unwrap } from "../context.ts";
import { healthLine, healthPage } from "../health-words.ts";
import { table } from "../table.ts";

/** As often as transcoders send figures. */
const WATCH_MS = 2_000;
const MAX_RECONNECT_SECONDS = 3600;
/** The terminal decides what control characters do: titles come from others. */
const CONTROL = /\p{Cc}/gu;

const EXAMPLES = `
Examples:
  npm run millrace -- streams create radio --title "Night radio" --profile ultra
  npm run millrace -- streams list --json
  npm run millrace -- streams rotate-key radio
  npm run millrace -- streams watch radio`;

/** Add the commands to the program. */
export function addStreams(program: Command, around: Surroundings): void {
  const streams = program
    .command("streams")
    .description("streams and their keys")
    .addHelpText("after", EXAMPLES);

  streams
    .command("create")
    .description("make a stream; its key is shown this once")
    .argument("<id>", "address of the stream: a-z, 0-9 and inner hyphens", streamId)
    .option("--title <text>", "what viewers read")
    .addOption(new Option("--profile <name>", "latency profile (default: low)").choices(PROFILE_NAMES))
    .option(
      "--reconnect-seconds <n>",
      "how long a broadcast waits for its encoder (default: 60)",
      reconnectSeconds,
    )
    .action(async (id: string, options: CreateOptions, command: Command) => {
      const stream = unwrap(await connect(command, around).createStream({ id, ...options }));
      show(command, around, stream, () => withKey("is made", stream));
    });

  streams
    .command("list")
    .description("show all streams")
    .action(async (_options: unknown, command: Command) => {
      const list = unwrap(await connect(command, around).listStreams());
      show(command, around, { streams: list }, () => listing(list));
    });

  streams
    .command("rotate-key")
    .description("give a stream a new key; the old one is worthless from then on")
    .argument("<id>", "the stream", streamId)
    .action(async (id: string, _options: unknown, command: Command) => {
      const stream = unwrap(await connect(command, around).rotateKey(id));
      show(command, around, stream, () => withKey("has a new key", stream));
    });

  streams
    .command("health")
    .description("show what a stream's encoder sends, and what its broadcaster should change")
    .argument("<id>", "the stream", streamId)
    .action(async (id: string, _options: unknown, command: Command) => {
      const health = unwrap(await connect(command, around).health(id));
      show(command, around, health, () => healthPage(health));
    });

  streams
    .command("watch")
    .description("show a line of a stream's health every two seconds, until Ctrl-C")
    .argument("<id>", "the stream", streamId)
    .option("--count <n>", "stop after so many lines", Number, Number.POSITIVE_INFINITY)
    .action(async (id: string, { count }: { count: number }, command: Command) => {
      const client = connect(command, around);
      for (let line = 0; line < count; line += 1) {
        if (line > 0) await setTimeout(WATCH_MS);
        const health = unwrap(await client.health(id));
        show(
          command,
          around,
          health,
          () => `${new Date().toTimeString().slice(0, 8)}  ${healthLine(health)}`,
        );
      }
    });

  for (const verb of ["disable", "enable"] as const) {
    streams
      .command(verb)
      .description(
        verb === "disable" ? "end a stream's broadcast and refuse new ones" : "accept broadcasts again",
      )
      .argument("<id>", "the stream", streamId)
      .action(async (id: string, _options: unknown, command: Command) => {
        const stream = unwrap(await connect(command, around).setDisabled(id, verb === "disable"));
        show(
          command,
          around,
          stream,
          () => `Stream ${stream.id} is ${stream.disabled ? "disabled" : "enabled"}.`,
        );
      });
  }
}

interface CreateOptions {
  readonly title?: string;
  readonly profile?: ProfileName;
  readonly reconnectSeconds?: number;
}

function streamId(text: string): string {
  if (!STREAM_ID.test(text))
    throw new InvalidArgumentError("A stream id has a-z, 0-9 and inner hyphens, at most 63 of them.");
  return text;
}

function reconnectSeconds(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > MAX_RECONNECT_SECONDS)
    throw new InvalidArgumentError(`Give whole seconds from 0 to ${MAX_RECONNECT_SECONDS}.`);
  return value;
}

const withKey = (what: string, { id, key }: StreamWithKey): string =>
  `Stream ${id} ${what}. Its key, shown only this once:\n${key}`;

function listing(streams: readonly StreamRecord[]): string {
  if (streams.length === 0) return "There are no streams yet. Make one with: streams create <id>";
  return table(
    ["ID", "STATE", "PROFILE", "RECONNECT", "CREATED", "TITLE"],
    streams.map((stream) => [
      stream.id,
      stream.disabled ? "disabled" : stream.live ? "live" : "offline",
      stream.profile,
      `${stream.reconnectSeconds} s`,
      stream.createdAt.slice(0, 16).replace("T", " "),
      stream.title.replace(CONTROL, "\u{fffd}"),
    ]),
  );
}
