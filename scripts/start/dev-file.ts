/** `.millrace/dev.json`: where tools find what `npm start` runs, for as long as it runs. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writePrivate } from "./private-file.ts";

export interface DevFile {
  readonly edge: string;
  readonly origin: string;
  /** RTMP server, without a key. */
  readonly rtmp: string;
  readonly streams: readonly { readonly id: string; readonly key: string }[];
  readonly adminToken: string;
  readonly tokenSecret: string;
}

/** Where it is written: always in the project, and in the data folder if that is another one. */
export const devFilePaths = (root: string, data: string): string[] => [
  ...new Set([join(root, ".millrace", "dev.json"), join(data, "dev.json")]),
];

/** Write it everywhere. Answers a function that takes it away again where it is still this one. */
export function writeDevFile(paths: readonly string[], file: DevFile): () => void {
  const text = `${JSON.stringify(file, null, 2)}\n`;
  for (const path of paths) writePrivate(path, text);
  return () => {
    for (const path of paths) if (readText(path) === text) rmSync(path, { force: true });
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
