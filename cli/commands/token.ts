/** `millrace token …`: a token that says who somebody is on the socket. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { parse } from "../../wire/parse.ts";
import { ROLES, type Role, SignedTokenSchema, TokenRequestSchema } from "../../wire/socket-token.ts";
import { CliExit, connect, EXIT, type Surroundings, show, unwrap } from "../context.ts";
import { durationArgument } from "../duration.ts";

const EXAMPLES = `
The token alone is printed, so that a script can take it; when it ends is said beside it.

Examples:
  npm run millrace -- token --sub alice --role moderator
  npm run --silent millrace -- token --sub bot --for 30d --channel live:radio > token.txt`;

interface TokenOptions {
  readonly sub: string;
  readonly name?: string;
  readonly role?: Role;
  readonly for?: number;
  readonly channel?: readonly string[];
  readonly badge?: readonly string[];
}

/** Add the command to the program. */
export function addToken(program: Command, around: Surroundings): void {
  program
    .command("token")
    .description("make a token that says who somebody is on the socket")
    .requiredOption("--sub <id>", "who it is, in your own words, as alice")
    .option("--name <name>", "what others read, as Alice")
    .addOption(new Option("--role <role>", "what they may do (default: member)").choices(ROLES))
    .option("--for <time>", "how long it is good, as 30m, 4h or 7d (default: 24h)", durationArgument)
    .option("--channel <name>", "subscribe them to it from the start; give it once for each", channels)
    .option("--badge <name>", "what they are to the stream, as follower or subscriber; once for each", badges)
    .addHelpText("after", EXAMPLES)
    .action(async (options: TokenOptions, command: Command) => {
      const client = connect(command, around);
      const wish = wishOf(options);
      const signed = unwrap(await client.request(SignedTokenSchema, "POST", "/admin/tokens", wish));
      show(command, around, signed, () => signed.token);
      const { json }: { json?: boolean } = command.optsWithGlobals();
      if (!json) around.complain(`Ends ${utc(signed.expiresAt)}`);
    });
}

/** What origin is asked for; it would refuse the same things, and is not asked to. */
function wishOf({ sub, name, role, for: seconds, channel, badge }: TokenOptions) {
  const wish = {
    sub,
    ...(name !== undefined && { name }),
    ...(role !== undefined && { role }),
    ...(seconds !== undefined && { seconds }),
    ...(channel && { channels: [...channel] }),
    ...(badge && { badges: [...badge] }),
  };
  const parsed = parse(TokenRequestSchema, wish);
  if (!parsed.ok) throw new CliExit(EXIT.usage, `That makes no token. ${parsed.error.detail}`);
  return wish;
}

const utc = (iso: string): string => `${new Date(iso).toISOString().slice(0, 19).replace("T", " ")} UTC`;

function channels(text: string, before: readonly string[] = []): readonly string[] {
  if (text === "") throw new InvalidArgumentError("Give a channel's name, as live:radio.");
  return [...before, text];
}

function badges(text: string, before: readonly string[] = []): readonly string[] {
  if (text === "") throw new InvalidArgumentError("Give a badge, as follower.");
  return [...before, text];
}
