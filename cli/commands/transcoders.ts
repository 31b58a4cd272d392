/** `millrace transcoders …`: the hosts that encoders push to, and how to empty one. */
import type { Command } from "commander";
import type { TranscoderRecord } from "../../wire/fleet.ts";
import { connect, type Surroundings, show, unwrap } from "../context.ts";
import { type FleetClient, fleetClient } from "../fleet-client.ts";
import { printable } from "../printable.ts";
import { table } from "../table.ts";

const EXAMPLES = `
Examples:
  npm run millrace -- transcoders list
  npm run millrace -- transcoders drain ingest-2
  npm run millrace -- transcoders undrain ingest-2`;

/** Add the commands to the program. */
export function addTranscoders(program: Command, around: Surroundings): void {
  const transcoders = program
    .command("transcoders")
    .description("the hosts that encoders push to")
    .addHelpText("after", EXAMPLES);
  const client = (command: Command): FleetClient => fleetClient(connect(command, around).request);

  transcoders
    .command("list")
    .description("show all transcoders, and what they carry")
    .action(async (_options: unknown, command: Command) => {
      const list = unwrap(await client(command).list());
      show(command, around, { transcoders: list }, () => listing(list));
    });

  for (const verb of ["drain", "undrain"] as const) {
    transcoders
      .command(verb)
      .description(
        verb === "drain"
          ? "let a transcoder's broadcasts end and refuse new ones, until undrained"
          : "let a transcoder take encoders again",
      )
      .argument("<id>", "the transcoder")
      .action(async (id: string, _options: unknown, command: Command) => {
        const host = unwrap(await client(command).setDrain(id, verb === "drain"));
        show(command, around, host, () => drainWords(host));
      });
  }
}

function drainWords({ id, draining, sessions }: TranscoderRecord): string {
  if (!draining) return `Transcoder ${id} takes encoders again, within ten seconds.`;
  const left = sessions.length === 1 ? "1 session is" : `${sessions.length} sessions are`;
  return `Transcoder ${id} takes no new encoders, within ten seconds. ${left} on it now.`;
}

function listing(transcoders: readonly TranscoderRecord[]): string {
  if (transcoders.length === 0)
    return "No transcoder has registered. They do with MILLRACE_TRANSCODER_TOKEN (docs/transcoders.md).";
  return table(
    ["ID", "STATE", "SESSIONS", "FREE", "VERSION", "FFMPEG", "LAST SEEN", "URL"],
    transcoders.map(({ id, state, sessions, slots, freeSlots, version, ffmpeg, lastSeenAt, url }) =>
      [
        id,
        state,
        `${sessions.length} of ${slots}`,
        String(freeSlots),
        version,
        ffmpeg,
        lastSeenAt.slice(0, 19).replace("T", " "),
        url ?? "",
      ].map(printable),
    ),
  );
}
