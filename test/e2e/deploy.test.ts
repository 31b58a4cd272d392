/** Every configuration that README and docs/operations.md name can be deployed. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");

it.each([
  ["bare", "", ["LIVE_STREAM", "FLEET", "DB", "MEDIA", "ORIGIN", "ASSETS"], []],
  ["edge", "edge", ["LIVE_STREAM", "MEDIA", "ORIGIN", "ASSETS"], ["env.DB"]],
  ["origin", "origin", ["LIVE_STREAM", "FLEET", "DB", "MEDIA"], ["env.ORIGIN"]],
  ["objects", "objects", ["LIVE_STREAM", "FLEET", "DB", "MEDIA"], ["env.ORIGIN"]],
] as const)(
  "the %s configuration passes a dry run with its bindings and no others",
  async (_what, env, bound, absent) => {
    const out = mkdtempSync(join(tmpdir(), "millrace-deploy-"));
    const { stdout } = await run("wrangler", ["deploy", "--dry-run", "--env", env, "--outdir", out], {
      cwd: ROOT,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
      timeout: 90_000,
    });
    rmSync(out, { recursive: true, force: true });
    for (const binding of bound) expect(stdout).toContain(`env.${binding}`);
    for (const binding of absent) expect(stdout).not.toContain(binding);
  },
);
