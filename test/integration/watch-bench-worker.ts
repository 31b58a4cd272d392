/**
 * The bare Worker for `npm run bench -- --only push`, with the files of its pages: in a deployment and under `wrangler dev` the
 * platform serves those before the Worker is asked. A test entry; no configuration of the product names it.
 */
import type { EdgeEnv, ObjectsEnv, OriginEnv } from "../../workers/env.ts";
import worker from "../../workers/index.ts";

export * from "../../workers/index.ts";

type Env = EdgeEnv & OriginEnv & ObjectsEnv;

export default {
  fetch(request, env, ctx) {
    const isAsset = new URL(request.url).pathname.startsWith("/assets/");
    return isAsset ? env.ASSETS.fetch(request) : worker.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
