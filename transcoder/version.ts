/** The version of this program, as package.json says it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const { version }: { version: string } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../package.json"), "utf8"),
);

/** As `0.1.0`. */
export const VERSION = version;
