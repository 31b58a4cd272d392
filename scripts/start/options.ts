/** The command line of `npm start`. */
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";

export interface StartOptions {
  /** Port of the edge, and of origin under `/_origin`. */
  readonly port: number;
  readonly rtmpPort: number;
  /** Folder of all state, absolute. */
  readonly data: string;
  /** Broadcast the test picture. */
  readonly demo: boolean;
  /** Another wrangler.toml, absolute. */
  readonly config?: string;
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535)
    throw new InvalidArgumentError("Give a port from 1 to 65535.");
  return value;
}

/** Read the command line; ends the process itself for `--help` and for mistakes. */
export function readOptions(argv: readonly string[]): StartOptions {
  const program = new Command("npm start --")
    .description("Run Millrace on this machine: edge, origin, transcoder, and a test picture to watch.")
    .option("--port <port>", "where to watch", port, 8787)
    .option("--rtmp-port <port>", "where OBS publishes to", port, 1935)
    .option("--data <dir>", "folder for everything that is kept", ".millrace")
    .option("--no-demo", "leave the test picture out")
    .option("--config <file>", "a wrangler.toml of your own for the Worker")
    .addHelpText("after", "\nExample:\n  npm start -- --port 9000 --no-demo")
    .allowExcessArguments(false)
    .parse(argv, { from: "user" });
  const options = program.opts<StartOptions>();
  const { config } = options;
  return {
    ...options,
    data: resolve(options.data),
    ...(config !== undefined && { config: resolve(config) }),
  };
}
