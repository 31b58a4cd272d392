/** Origin's HTTP routes. Viewers never reach these. */
import { Hono } from "hono";
import type { OriginEnv } from "../env.ts";
import { internal, notFound, respond } from "../problems.ts";
import { admin } from "./admin.ts";
import { broadcastsAdmin } from "./broadcasts.ts";
import { edgeAdmin } from "./edge-counts.ts";
import { fleet } from "./fleet.ts";
import { ingest } from "./ingest.ts";
import { NO_STORE } from "./no-store.ts";
import { purge } from "./purge.ts";

export const originApp = new Hono<{ Bindings: OriginEnv }>();

originApp.get("/healthz", (c) => c.text("ok\n", 200, NO_STORE));
originApp.route("/ingest", ingest);
originApp.route("/transcoders", fleet);
originApp.route("/admin", admin);
originApp.route("/admin", broadcastsAdmin);
originApp.route("/admin", edgeAdmin);
originApp.route("/purge", purge);
originApp.notFound(() => respond(notFound()));
originApp.onError((error) => {
  console.error("origin", error);
  return respond(internal());
});
