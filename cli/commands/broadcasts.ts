/** `millrace broadcasts …`: the shows that streams have had, and whether they are whole. */
import { type Command, InvalidArgumentError } from "commander";
import { streamOfBroadcast } from "../../media/address.ts";
import { streamArgument } from "../arguments.ts";
import { broadcastListing, broadcastPage } from "../broadcast-words.ts";
import { type BroadcastsClient, broadcastsClient } from "../broadcasts-client.ts";
import { connect, type Surroundings, show, unwrap } from "../context.ts";

const EXAMPLES = `
Examples:
  npm run millrace -- broadcasts list radio
  npm run millrace -- broadcasts show radio-7k2m9q4v1c8x3z6b5n0t4w8y2r
  npm run millrace -- broadcasts check radio-7k2m9q4v1c8x3z6b5n0t4w8y2r`;

/** Add the commands to the program. */
export function addBroadcasts(program: Command, around: Surroundings): void {
  const broadcasts = program
    .command("broadcasts")
    .description("the shows that streams have had")
    .addHelpText("after", EXAMPLES);
  const client = (command: Command): BroadcastsClient => broadcastsClient(connect(command, around).request);

  broadcasts
    .command("list")
    .description("show a stream's broadcasts, newest first")
    .argument("<stream>", "the stream", streamArgument)
    .action(async (stream: string, _options: unknown, command: Command) => {
      const list = unwrap(await client(command).list(stream));
      show(command, around, { broadcasts: list }, () => broadcastListing(list));
    });

  for (const verb of ["show", "check"] as const) {
    broadcasts
      .command(verb)
      .description(
        verb === "show"
          ? "show what there is of a broadcast, and what is missing"
          : "compare a broadcast that is over with the bucket now; the outcome is shown by `show`",
      )
      .argument("<id>", "the broadcast", broadcastArgument)
      .action(async (id: string, _options: unknown, command: Command) => {
        const record = unwrap(await client(command)[verb](id));
        show(command, around, record, () => broadcastPage(record));
      });
  }
}

function broadcastArgument(text: string): string {
  if (streamOfBroadcast(text) === undefined)
    throw new InvalidArgumentError("A broadcast's id is its stream's, a hyphen and 26 letters.");
  return text;
}
