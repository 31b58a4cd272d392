/**
 * `npm run simulate`: a show with a million viewers, through the same pure core that the objects decide with, beside the
 * platform's limits. Not a measurement: hops cost what is given here, and nothing is sent.
 * What players ask over HTTP is not in it: edges answer nearly all of it.
 */
import { Command, InvalidArgumentError } from "commander";
import { isAbove, type Line, linesOf } from "./simulate/figures.ts";
import { simulate } from "./simulate/show.ts";

/** Parts a second. */
const PROFILES: Readonly<Record<string, number>> = { low: 2, ultra: 5 };

const number = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("A number above 0.");
  return value;
};

const program = new Command("npm run simulate --")
  .description("Simulate a show: a minute of joining, four of deaths, five of an audience that goes home.")
  .option("--viewers <n>", "who come within a minute", number, 1_000_000)
  .option(
    "--regions <n>",
    "the second has half the viewers of the first, the third a third of them",
    number,
    6,
  )
  .option("--seed <n>", "of all chance", number, 1)
  .option("--profile <name>", "parts a second: low 2, ultra 5", "low")
  .option(
    "--askers <n>",
    "isolates of the edge that ask for the shards; 330: one for each location",
    number,
    330,
  )
  .option(
    "--hop-ms <n>",
    "a call between objects: within one process the bench measures 0.06 (`fanout`), between machines this is assumed",
    number,
    2,
  )
  .option("--wire-ms <n>", "more between regions: half of a round trip over an ocean, assumed", number, 75)
  .option("--call-micros <n>", "the caller's time for each call, assumed", number, 100)
  .option(
    "--send-micros <n>",
    "a shard's time for each socket, as the bench measured it (`fanout`)",
    number,
    32,
  )
  .option("--progress-seconds <n>", "how often a player says how far it got", number, 10)
  .option("--qoe-seconds <n>", "how often a player says how it does", number, 10)
  .parse();

const options = program.opts<
  Readonly<
    Record<
      | "viewers"
      | "regions"
      | "seed"
      | "askers"
      | "hopMs"
      | "wireMs"
      | "callMicros"
      | "sendMicros"
      | "progressSeconds"
      | "qoeSeconds",
      number
    >
  > & { readonly profile: string }
>();
const partsPerSecond =
  PROFILES[options.profile] ?? program.error(`There is no profile "${options.profile}": low, ultra.`);

const startedAt = performance.now();
const { viewers, regions, seed, askers } = options;
const settings = { viewers, regions, seed, askers, partsPerSecond };
const lines = linesOf(simulate(settings), settings, options);
const seconds = (performance.now() - startedAt) / 1000;

process.stdout.write(
  `${viewers} viewers in ${regions} regions within 60 s, ${options.profile} (${partsPerSecond} parts/s), seed ${seed}\n\n`,
);
process.stdout.write(`${tableOf(lines)}\n\n`);
process.stdout.write(
  `Not measured here: a call ${options.hopMs} ms, ${options.wireMs} ms more between regions, ` +
    `${options.callMicros} us of the caller; ${options.sendMicros} us a socket. Simulated in ${seconds.toFixed(1)} s.\n`,
);

function tableOf(all: readonly Line[]): string {
  const rows = all.map((line) => [
    line.what,
    format(line.value, line.unit),
    line.atMost === undefined ? "" : `<= ${format(line.atMost, line.unit)}`,
    line.atMost === undefined ? "" : isAbove(line) ? "ABOVE" : "within",
    line.note ?? "",
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 1 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))),
    )
    .map((row) => row.join("  ").trimEnd())
    .join("\n");
}

function format(value: number, unit: string): string {
  const digits = Number.isInteger(value) || Math.abs(value) >= 1000 ? value.toFixed(0) : value.toFixed(2);
  return `${digits.replaceAll(/\B(?=(\d{3})+$)/g, ",")}${unit === "" ? "" : ` ${unit}`}`;
}
