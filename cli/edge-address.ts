/** Where viewers are: the address of the edge, for commands that print what a viewer is to open. */
import type { Command } from "commander";
import { CliExit, EXIT, type Surroundings } from "./context.ts";

/** In a bare installation origin is the edge's own Worker, below this path. */
const BARE_ORIGIN = /\/_origin$/;

/** The edge that the options or the environment name, else that of a bare origin; `undefined`: not known. No slash at its end. */
export function edgeOf(command: Command, { env }: Surroundings, origin: string): string | undefined {
  const { edge }: { edge?: string } = command.opts();
  const named = edge ?? env.MILLRACE_EDGE;
  if (named === undefined) return BARE_ORIGIN.test(origin) ? origin.replace(BARE_ORIGIN, "") : undefined;
  if (!URL.canParse(named) || !/^https?:/.test(named))
    throw new CliExit(EXIT.usage, `"${named}" is not the URL of an edge, as https://live.example.com`);
  return named.replace(/\/+$/, "");
}
