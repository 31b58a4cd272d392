/** What every command needs: which origin, whose token, and how to answer. Not a command. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import * as v from "valibot";
import type { Result } from "../media/result.ts";
import { parseJson } from "../wire/parse.ts";
import { type OriginClient, type OriginError, originClient } from "./origin.ts";

/** Exit codes of the CLI; `--help` lists them. */
export const EXIT = { ok: 0, refused: 1, usage: 2, unreachable: 3 } as const;

/** What surrounds a run, so that a test can be around it. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Project folder, in which `.millrace/dev.json` may be. */
  readonly root: string;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** The run ends here, with a line for the person. */
export class CliExit extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const DevFileSchema = v.object({ origin: v.string(), adminToken: v.string() });

/** A client for the origin that the options, the environment or a running `npm start` name, in this order. */
export function connect(command: Command, { env, root }: Surroundings): OriginClient {
  const options: { origin?: string; token?: string } = command.optsWithGlobals();
  const dev = readDevFile(root);
  const origin = options.origin ?? env.MILLRACE_ORIGIN ?? dev?.origin;
  // The token of a local origin is never sent to another one.
  const devToken = origin === dev?.origin ? dev?.adminToken : undefined;
  const token = options.token ?? env.MILLRACE_ADMIN_TOKEN ?? devToken;
  if (origin === undefined)
    throw new CliExit(EXIT.usage, "Which origin? Give --origin or MILLRACE_ORIGIN, or run `npm start`.");
  if (!URL.canParse(origin) || !/^https?:/.test(origin))
    throw new CliExit(EXIT.usage, `"${origin}" is not the URL of an origin, as https://origin.example.com`);
  if (!token) throw new CliExit(EXIT.usage, "Whose token? Give --token or MILLRACE_ADMIN_TOKEN.");
  return originClient(origin, token);
}

function readDevFile(root: string): v.InferOutput<typeof DevFileSchema> | undefined {
  try {
    const parsed = parseJson(DevFileSchema, readFileSync(join(root, ".millrace", "dev.json"), "utf8"));
    return parsed.ok ? parsed.value : undefined;
  } catch {
    return undefined;
  }
}

/** The value of an answer, or the end of the run. */
export function unwrap<T>(answer: Result<T, OriginError>): T {
  if (answer.ok) return answer.value;
  throw new CliExit(EXIT[answer.error.reason], answer.error.message);
}

/** Answer: as JSON where `--json` asks for it, else in words. */
export function show(command: Command, { print }: Surroundings, value: unknown, words: () => string): void {
  const { json }: { json?: boolean } = command.optsWithGlobals();
  print(json ? JSON.stringify(value, null, 2) : words());
}
