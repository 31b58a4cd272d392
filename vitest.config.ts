/**
 * Three kinds of test: `unit` runs in Node, `integration` in workerd, `e2e` needs ports, FFmpeg and Chromium.
 * The integration tests talk to the bare Worker, which is every Worker at once.
 */
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { mintPushKeys } from "./cli/push-keys.ts";

const pushKeys = mintPushKeys();

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 60_000,
          // Some wait for real processes and time-outs, so that two cores have room for a third.
          maxWorkers: 3,
        },
      },
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                ADMIN_TOKEN: "test-admin-token",
                TOKEN_SECRET: "test-token-secret",
                VAPID_PUBLIC_KEY: pushKeys.publicKey,
                VAPID_PRIVATE_KEY: pushKeys.privateKey,
                VAPID_SUBJECT: "mailto:ops@millrace.test",
                MIGRATIONS: await readD1Migrations("./workers/origin/migrations"),
              },
            },
          })),
        ],
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          setupFiles: ["test/integration/migrate.ts"],
          testTimeout: 30_000,
          // Some wait for time-outs, so that two cores have room for a third.
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/e2e/setup.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Encoders, a browser and the whole stack in real time: two such files at once are more than two cores can do on a
          // machine that is busy with something else.
          maxWorkers: 1,
          maxConcurrency: 2,
        },
      },
    ],
  },
});
