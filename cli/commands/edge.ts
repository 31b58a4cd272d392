/** `millrace edge` and `millrace qoe`: what edges counted, and how players do. */
import { type Command, InvalidArgumentError } from "commander";
import { DEFAULT_MINUTES, MAX_MINUTES } from "../../wire/admin-edge.ts";
import { streamArgument } from "../arguments.ts";
import { connect, type Surroundings, show, unwrap } from "../context.ts";
import { type EdgeClient, edgeClient } from "../edge-client.ts";
import { edgePage, qoePage } from "../edge-words.ts";

const MINUTES = ["--minutes <n>", `how far back to look, at most ${MAX_MINUTES}`] as const;

/** Add the commands to the program. */
export function addEdge(program: Command, around: Surroundings): void {
  const client = (command: Command): EdgeClient => edgeClient(connect(command, around).request);

  program
    .command("edge")
    .description("show how viewers' requests were answered: hits, misses, reads of R2, calls of objects")
    .option(...MINUTES, minutesOption, DEFAULT_MINUTES)
    .action(async ({ minutes }: Options, command: Command) => {
      const answer = unwrap(await client(command).edge(minutes));
      show(command, around, answer, () => edgePage(answer));
    });

  program
    .command("qoe")
    .description("show what the players of a stream said of themselves: starts, stalls, bitrate, buffer")
    .argument("<stream>", "the stream", streamArgument)
    .option(...MINUTES, minutesOption, DEFAULT_MINUTES)
    .action(async (stream: string, { minutes }: Options, command: Command) => {
      const answer = unwrap(await client(command).qoe(stream, minutes));
      show(command, around, answer, () => qoePage(answer));
    });
}

interface Options {
  readonly minutes: number;
}

function minutesOption(text: string): number {
  const minutes = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (minutes < 1 || minutes > MAX_MINUTES)
    throw new InvalidArgumentError(`Give a whole number of minutes from 1 to ${MAX_MINUTES}.`);
  return minutes;
}
