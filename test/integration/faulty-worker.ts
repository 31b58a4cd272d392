/**
 * The bare Worker with an R2 that can be made to fail: the faults of the kill tests (test/support/faults.ts).
 * A test entry for `wrangler dev`; no configuration of the product names it.
 */
import worker, { LiveStream as RealLiveStream } from "../../workers/index.ts";

// Everything else that the bare Worker exports; a class of the same name here takes the place of its own.
export * from "../../workers/index.ts";

/** `fail`: every call throws. `hang`: it is held while the switch is on, then throws. */
type Fault = "off" | "fail" | "hang";

const SWITCH_PATH = "/_test/r2/";
const HANG_POLL_MS = 100;
const CALLS: ReadonlySet<string | symbol> = new Set(["get", "put", "head", "list", "delete"]);

/** One isolate runs the Worker and its objects here, so one variable reaches all of them. */
let fault: Fault = "off";
/** Calls that met a fault since the switch was last turned. */
let met = 0;

async function meetFault(): Promise<void> {
  if (fault === "off") return;
  met += 1;
  while (fault === "hang") await scheduler.wait(HANG_POLL_MS);
  throw new Error("R2 fails, as the test asked");
}

const faultyBucket = (bucket: R2Bucket): R2Bucket =>
  new Proxy(bucket, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (!CALLS.has(name)) return value.bind(target);
      return async (...args: unknown[]) => {
        await meetFault();
        return Reflect.apply(value, target, args);
      };
    },
  });

const faulty = <E extends { readonly MEDIA: R2Bucket }>(env: E): E => ({
  ...env,
  MEDIA: faultyBucket(env.MEDIA),
});

export class LiveStream extends RealLiveStream {
  constructor(...[ctx, env]: ConstructorParameters<typeof RealLiveStream>) {
    super(ctx, faulty(env));
  }
}

export default {
  fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith(SWITCH_PATH)) return worker.fetch(request, faulty(env), ctx);
    const wanted = pathname.slice(SWITCH_PATH.length);
    if (wanted !== "off" && wanted !== "fail" && wanted !== "hang")
      return new Response(null, { status: 404 });
    const count = met;
    fault = wanted;
    met = 0;
    return Response.json({ met: count });
  },
} satisfies typeof worker;
