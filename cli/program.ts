/** The operator's CLI as a function: arguments in, text and an exit code out. Each command is a file in `commands/`. */
import { Command, CommanderError } from "commander";
import { addBroadcasts } from "./commands/broadcasts.ts";
import { addEdge } from "./commands/edge.ts";
import { addPurge } from "./commands/purge.ts";
import { addPushKeys } from "./commands/push-keys.ts";
import { addSign } from "./commands/sign.ts";
import { addStreams } from "./commands/streams.ts";
import { addToken } from "./commands/token.ts";
import { addTranscoders } from "./commands/transcoders.ts";
import { addWebhooks } from "./commands/webhooks.ts";
import { CliExit, EXIT, type Surroundings } from "./context.ts";

const AFTER = `
Origin and token come from the options, else from MILLRACE_ORIGIN and MILLRACE_ADMIN_TOKEN, else from a running
\`npm start\` (.millrace/dev.json).

Exit codes: ${EXIT.ok} done, ${EXIT.refused} refused by origin, ${EXIT.usage} used wrongly, ${EXIT.unreachable} origin not reached.

Examples:
  npm run millrace -- streams create radio --title "Night radio"
  npm run millrace -- streams list --origin https://origin.example.com
  npm run millrace -- edge --minutes 5`;

/** Run the CLI; answers its exit code. */
export async function runCli(args: readonly string[], around: Surroundings): Promise<number> {
  const program = new Command("millrace")
    .description("Operate a Millrace: streams, their keys and broadcasts, transcoders, webhooks, purges.")
    .option("--origin <url>", "origin to talk to")
    .option("--token <token>", "its admin token; the environment keeps it out of the shell's history")
    .option("--json", "answer in JSON")
    .addHelpText("after", AFTER)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => around.print(text.trimEnd()),
      writeErr: (text) => around.complain(text.trimEnd()),
    });
  addStreams(program, around);
  addSign(program, around);
  addToken(program, around);
  addPushKeys(program, around);
  addBroadcasts(program, around);
  addTranscoders(program, around);
  addWebhooks(program, around);
  addPurge(program, around);
  addEdge(program, around);
  for (const command of [program, ...program.commands]) inherit(command);
  try {
    await program.parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    // Commander has told the person already; its own code for help is 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof CliExit)) throw error;
    around.complain(error.message);
    return error.code;
  }
}

/** Global options are shown in the help of every command. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command).configureHelp({ showGlobalOptions: true });
    inherit(child);
  }
}
