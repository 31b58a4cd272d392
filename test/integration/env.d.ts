/** What tests in workerd are bound to: the bare Worker's bindings, and the migrations. */
import type { D1Migration } from "@cloudflare/vitest-plugin";
import type { EdgeEnv, ObjectsEnv, OriginEnv } from "../../workers/env.ts";

declare global {
  namespace Cloudflare {
    interface Env extends EdgeEnv, OriginEnv, ObjectsEnv {
      readonly MIGRATIONS: D1Migration[];
    }
    interface GlobalProps {
      mainModule: typeof import("../../workers/index.ts");
    }
  }
}
