/** How wrangler runs the Workers here: its arguments, its settings, and the tables of D1. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { killGroup } from "../process-group.ts";
import type { Child } from "./children.ts";
import type { StartOptions } from "./options.ts";
import { writePrivate } from "./private-file.ts";
import type { Secrets } from "./secrets.ts";
import { runTool } from "./tool.ts";
import { waitForOk } from "./waiting.ts";

/** How wrangler says that one of its two workerds has died. */
const RUNTIME_CRASHED = "The Workers runtime crashed unexpectedly";
const RECOVERY_LIMIT_MS = 3000;

const MIGRATIONS = join("workers", "origin", "migrations");

const stateOf = (data: string): string => join(data, "state");

/** Settings that keep wrangler from asking, reporting, and calling home. */
export const wranglerEnv = (data: string): Record<string, string> => ({
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_LOG_PATH: join(data, "logs", "wrangler"),
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  // Traces of every request, kept in memory: half of what the runtime grows by in a long show.
  X_LOCAL_OBSERVABILITY: "false",
  NO_COLOR: "1",
});

/** Arguments of `wrangler` for the bare Worker. Secrets are in the file, not in the arguments: those show in `ps`. */
export const devArguments = (options: StartOptions, inspectorPort: number, secretsFile: string): string[] => [
  ...["dev", "--ip", "127.0.0.1", "--port", `${options.port}`],
  ...(options.config === undefined ? [] : ["--config", options.config]),
  ...["--inspector-ip", "127.0.0.1", "--inspector-port", `${inspectorPort}`],
  ...["--persist-to", stateOf(options.data), "--env-file", secretsFile],
  ...["--show-interactive-dev-session=false", "--log-level", "warn"],
];

/**
 * End a wrangler whose workerd died and which does not answer any more. It runs two: the Worker's own it brings back
 * within half a second; the one in front of it comes back too, and then holds every request for ever.
 */
export function endWhenStuck(worker: Child, healthUrl: string, limitMs = RECOVERY_LIMIT_MS): void {
  worker.onLine((line) => {
    if (!line.includes(RUNTIME_CRASHED)) return;
    waitForOk(healthUrl, limitMs, "stuck").catch(() => killGroup(worker.group));
  });
}

/** Write the Worker's secrets where wrangler reads them. Answers the path. */
export function writeWorkerSecrets(
  data: string,
  { adminToken, tokenSecret, transcoderToken, push }: Secrets,
  pushEndpoints = process.env.MILLRACE_PUSH_ENDPOINTS,
): string {
  const path = join(data, "worker.env");
  const lines = [
    `ADMIN_TOKEN=${adminToken}`,
    `TOKEN_SECRET=${tokenSecret}`,
    `TRANSCODER_TOKEN=${transcoderToken}`,
    `VAPID_PUBLIC_KEY=${push.publicKey}`,
    `VAPID_PRIVATE_KEY=${push.privateKey}`,
    "VAPID_SUBJECT=mailto:nobody@example.com",
    ...(pushEndpoints === undefined ? [] : [`PUSH_ENDPOINTS=${pushEndpoints}`]),
  ];
  writePrivate(path, `${lines.join("\n")}\n`);
  return path;
}

/** Bring the local D1 up to date. Wrangler takes seconds even to find nothing to do, so a stamp in the state says what was applied. */
export async function migrate(root: string, data: string, tell: (line: string) => void): Promise<void> {
  const stamp = join(stateOf(data), "migrations.sha256");
  const wanted = fingerprint(join(root, MIGRATIONS));
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  tell("Preparing the database ...");
  const args = ["d1", "migrations", "apply", "DB", "--local", "--persist-to", stateOf(data)];
  const env = { ...wranglerEnv(data), CI: "1" };
  await runTool(root, "wrangler", args, env, "The database could not be prepared.");
  writeFileSync(stamp, wanted);
}

function fingerprint(folder: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(folder).sort())
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(folder, name)))
      .update("\0");
  return hash.digest("hex");
}
