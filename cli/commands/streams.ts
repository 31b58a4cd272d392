/** `millrace streams …`: the streams of an origin and their keys. */
import { setTimeout } from "node:timers/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { PROFILE_NAMES, type ProfileName } from "../../media/profile.ts";
import { MAX_ADDRESS_RANGES, normalRange } from "../../wire/address-range.ts";
import { ACCESSES, type Access, STANDBYS, type Standby } from "../../wire/admin.ts";
import { streamArgument } from "../arguments.ts";
import { CliExit, connect, EXIT, type Surroundings, show, unwrap } from "../context.ts";
import { healthLine, healthPage } from "../health-words.ts";
import { listing, streamPage, withKey } from "../stream-words.ts";

/** As often as transcoders send figures. */
const WATCH_MS = 2_000;
const MAX_RECONNECT_SECONDS = 3600;

const EXAMPLES = `
Examples:
  npm run millrace -- streams create radio --title "Night radio" --profile ultra
  npm run millrace -- streams list --json
  npm run millrace -- streams update radio --allow 192.0.2.0/24 --allow 2001:db8::7
  npm run millrace -- streams update radio --access private
  npm run millrace -- streams rotate-key radio
  npm run millrace -- streams watch radio`;

/** Add the commands to the program. */
export function addStreams(program: Command, around: Surroundings): void {
  const streams = program
    .command("streams")
    .description("streams and their keys")
    .addHelpText("after", EXAMPLES);

  withSettings(
    streams
      .command("create")
      .description("make a stream; its key is shown this once")
      .argument("<id>", "address of the stream: a-z, 0-9 and inner hyphens", streamArgument),
    {
      profile: " (default: low)",
      reconnect: " (default: 60)",
      standby: " (default: cold)",
      access: " (default: public)",
    },
  ).action(async (id: string, options: SettingOptions, command: Command) => {
    const stream = unwrap(await connect(command, around).createStream({ id, ...settingsOf(options) }));
    show(command, around, stream, () => withKey("is made", stream));
  });

  withSettings(
    streams
      .command("update")
      .description("change settings of a stream; what is not given stays")
      .argument("<id>", "the stream", streamArgument),
  )
    .addOption(new Option("--allow-all", "let its encoders connect from anywhere again").conflicts("allow"))
    .action(async (id: string, options: SettingOptions, command: Command) => {
      const settings = settingsOf(options);
      if (Object.keys(settings).length === 0)
        throw new CliExit(EXIT.usage, "Change what? Give at least one setting; --help lists them.");
      const stream = unwrap(await connect(command, around).updateStream(id, settings));
      show(command, around, stream, () => streamPage(stream));
    });

  streams
    .command("show")
    .description("show all settings of a stream")
    .argument("<id>", "the stream", streamArgument)
    .action(async (id: string, _options: unknown, command: Command) => {
      const stream = unwrap(await connect(command, around).showStream(id));
      show(command, around, stream, () => streamPage(stream));
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
    .argument("<id>", "the stream", streamArgument)
    .action(async (id: string, _options: unknown, command: Command) => {
      const stream = unwrap(await connect(command, around).rotateKey(id));
      show(command, around, stream, () => withKey("has a new key", stream));
    });

  streams
    .command("health")
    .description("show what a stream's encoder sends, and what its broadcaster should change")
    .argument("<id>", "the stream", streamArgument)
    .action(async (id: string, _options: unknown, command: Command) => {
      const health = unwrap(await connect(command, around).health(id));
      show(command, around, health, () => healthPage(health));
    });

  streams
    .command("watch")
    .description("show a line of a stream's health every two seconds, until Ctrl-C")
    .argument("<id>", "the stream", streamArgument)
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
      .argument("<id>", "the stream", streamArgument)
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

interface SettingOptions {
  readonly title?: string;
  readonly profile?: ProfileName;
  readonly reconnectSeconds?: number;
  readonly standby?: Standby;
  readonly access?: Access;
  readonly allow?: readonly string[];
  readonly allowAll?: true;
}

/** Options for what can be set when a stream is made, and later. */
function withSettings(
  command: Command,
  { profile = "", reconnect = "", standby = "", access = "" }: Readonly<Record<string, string>> = {},
): Command {
  return command
    .option("--title <text>", "what viewers read")
    .addOption(new Option("--profile <name>", `latency profile${profile}`).choices(PROFILE_NAMES))
    .option(
      "--reconnect-seconds <n>",
      `how long a broadcast waits for its encoder${reconnect}`,
      reconnectSeconds,
    )
    .addOption(new Option("--standby <how>", `what becomes of a backup encoder${standby}`).choices(STANDBYS))
    .addOption(
      new Option("--access <who>", `who may watch: everybody, or who has a signed path${access}`).choices(
        ACCESSES,
      ),
    )
    .option(
      "--allow <range>",
      "take encoders only from this address or CIDR range; give it once for each",
      addressRanges,
    );
}

/** The settings that were given. */
function settingsOf({ allow, allowAll, ...settings }: SettingOptions) {
  const allowAddresses = allowAll ? [] : allow;
  return { ...settings, ...(allowAddresses && { allowAddresses: [...allowAddresses] }) };
}

function reconnectSeconds(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > MAX_RECONNECT_SECONDS)
    throw new InvalidArgumentError(`Give whole seconds from 0 to ${MAX_RECONNECT_SECONDS}.`);
  return value;
}

function addressRanges(text: string, before: readonly string[] = []): readonly string[] {
  const range = normalRange(text);
  if (range === undefined)
    throw new InvalidArgumentError("Give an address or a CIDR range, as 192.0.2.7 or 2001:db8::/32.");
  if (before.length >= MAX_ADDRESS_RANGES)
    throw new InvalidArgumentError(`A stream takes at most ${MAX_ADDRESS_RANGES} ranges.`);
  return [...before, range];
}
