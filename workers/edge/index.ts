/** The edge Worker. */
import type { EdgeEnv } from "../env.ts";
import { edgeApp } from "./app.ts";

export { CachedAnswers } from "./platform-cache.ts";

export default {
  fetch: edgeApp.fetch,
} satisfies ExportedHandler<EdgeEnv>;
