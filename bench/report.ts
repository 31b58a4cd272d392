/** How figures are printed and kept: a table for people, JSON for programs, and the machine they came from. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";

/** One measured figure. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What the project asks of itself; a figure without one is reported only. */
  readonly target?: { readonly atMost: number };
  readonly note?: string;
}

const RESULTS = join(import.meta.dirname, "results");

/** The machine, in one line. */
function describeMachine(): string {
  const [cpu] = cpus();
  const ffmpeg = execFileSync("ffmpeg", ["-version"], { encoding: "utf8" })
    .split("\n")[0]
    ?.split(" ")
    .slice(0, 3)
    .join(" ");
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} x ${cpu?.model.trim() ?? "unknown"}, ${memory} GiB, Linux ${release()}, Node ${process.version}, ${ffmpeg}`;
}

/** Print the figures; with a name, write them to `bench/results/<name>.json` and `.md`. */
export function report(name: string | undefined, figures: readonly Figure[], now: Date): void {
  const machine = describeMachine();
  const table = tableOf(figures);
  process.stdout.write(`\n${table}\n${machine}\n`);
  if (name === undefined) return;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(
    join(RESULTS, `${name}.json`),
    `${JSON.stringify({ at: now.toISOString(), machine, figures }, null, 2)}\n`,
  );
  writeFileSync(join(RESULTS, `${name}.md`), `# ${name}\n\n${now.toISOString()}: ${machine}\n\n${table}\n`);
}

function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value, unit, target, note }) => [
    what,
    format(value, unit),
    target ? `<= ${format(target.atMost, unit)}` : "",
    target ? (value <= target.atMost ? "met" : "MISSED") : "",
    note ?? "",
  ]);
  const all = [["figure", "measured", "target", "", "note"], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = all;
  return [line(head), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...body.map(line)].join(
    "\n",
  );
}

/** Decimals by unit; what is not named here is whole. */
const DECIMALS: Readonly<Record<string, number>> = { s: 2, x: 2, cores: 2, MB: 1, "MB/h": 1, "/s": 1, $: 2 };

const format = (value: number, unit: string): string =>
  `${value.toFixed(DECIMALS[unit] ?? 0)}${unit === "" ? "" : ` ${unit}`}`;
