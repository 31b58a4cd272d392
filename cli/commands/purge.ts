/** `millrace purge …` and `millrace purges …`: what caches keep no longer, and what is removed for good. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { PurgeRecord } from "../../wire/purge.ts";
import { EVERYTHING, parsePrefix } from "../../wire/purge-prefix.ts";
import { CliExit, connect, EXIT, type Surroundings, show, unwrap } from "../context.ts";
import { type PurgeClient, purgeClient } from "../purge-client.ts";
import { purgeListing, purgePage } from "../purge-words.ts";

const EXAMPLES = `
A prefix is the path of a stream (/live/radio/), a rendition (/live/radio/v720/), a broadcast (/media/<broadcast>/), a session,
a rendition of it, or one object. A stream takes the media of all its broadcasts along.

Examples:
  npm run millrace -- purge /live/radio/
  npm run millrace -- purge --soft /live/radio/v720/ /live/news/v720/
  npm run millrace -- purge --delete --yes --wait /media/radio-7k2m9q4v1c8x3z6b5n0t4w8y2r/`;

const POLL_MS = 1000;

interface Options {
  readonly soft?: boolean;
  readonly delete?: boolean;
  readonly yes?: boolean;
  readonly all?: boolean;
  readonly wait?: boolean;
}

/** Add the commands to the program. */
export function addPurge(program: Command, around: Surroundings, pollMs: number = POLL_MS): void {
  const client = (command: Command): PurgeClient => purgeClient(connect(command, around).request);

  program
    .command("purge")
    .description("have no cache serve what begins with these prefixes any more")
    .argument("[prefix...]", "paths, as viewers see them")
    .option("--soft", "serve what is cached while it is fetched again")
    .option("--delete", "remove the objects for good as well; needs --yes")
    .option("--yes", "it is meant: what is deleted does not come back")
    .option("--all", "everything")
    .option("--wait", "wait until the objects are removed")
    .addHelpText("after", EXAMPLES)
    .action(async (prefixes: readonly string[], options: Options, command: Command) => {
      refuse(prefixes, options);
      const { soft = false, delete: remove = false, all = false, wait = false } = options;
      const purges = client(command);
      let record = unwrap(await purges.purge({ prefixes: [...prefixes], soft, delete: remove, all }));
      while (wait && record.removal?.state === "running") {
        await sleep(pollMs);
        record = unwrap(await purges.show(record.id));
      }
      show(command, around, record, () => purgePage(record));
    });

  const purges = program.command("purges").description("what was purged, and how far removals have come");
  purges
    .command("list")
    .description("show the newest purges")
    .action(async (_options: unknown, command: Command) => {
      const list: readonly PurgeRecord[] = unwrap(await client(command).list());
      show(command, around, { purges: list }, () => purgeListing(list));
    });
  purges
    .command("show")
    .description("show one purge")
    .argument("<id>", "the purge")
    .action(async (id: string, _options: unknown, command: Command) => {
      const record = unwrap(await client(command).show(id));
      show(command, around, record, () => purgePage(record));
    });
}

/** What is surely not meant is said before origin is asked. */
function refuse(prefixes: readonly string[], { soft, delete: remove, yes, all }: Options): void {
  const wrong = (words: string) => new CliExit(EXIT.usage, words);
  if (prefixes.length === 0 && !all) throw wrong(`Which prefix? Give one, as /live/radio/, or --all.`);
  if (remove && all) throw wrong("Not everything can be deleted at once. Name the streams.");
  if (remove && soft) throw wrong("Either --soft or --delete: what is deleted cannot be served meanwhile.");
  if (remove && !yes) throw wrong("What is deleted does not come back. Say --yes if it is meant.");
  for (const prefix of prefixes) {
    const parsed = parsePrefix(prefix);
    // `--all` beside a name may have been meant as all of that.
    if (parsed.ok && all) throw wrong(`Either --all, which is everything, or "${prefix}".`);
    if (parsed.ok) continue;
    if (parsed.error.reason === "bad-prefix") throw wrong(`"${prefix}": ${parsed.error.detail}`);
    if (!all)
      throw wrong(`"${prefix}" is everything: say --all if it is meant, or ${EVERYTHING}live/<stream>/.`);
  }
}
