/**
 * The bare Worker for `npm run bench`: it counts what its edge asks of R2, the stream's object, purges and origin, and fills its
 * bucket and its cache when told to. A test entry; no configuration of the product names it. What origin and the objects
 * themselves read is not counted.
 */
import type { EdgeEnv, ObjectsEnv, OriginEnv } from "../../workers/env.ts";
import worker from "../../workers/index.ts";

export * from "../../workers/index.ts";

type Env = EdgeEnv & OriginEnv & ObjectsEnv;

/** Answers what was counted since the isolate began; bench/edge/counts.ts reads it. */
const COUNTS_PATH = "/_bench/counts";
/** Puts objects and reads each of them through the edge: `?folder=<key>&from=<msn>&count=<n>`. bench/edge/purge.ts asks. */
const FILL_PATH = "/_bench/fill";
const FILL_BYTES = 100;
const READS: ReadonlySet<string | symbol> = new Set(["get", "head", "list"]);

/** Calls by binding and method: `MEDIA.get`, `LIVE_STREAM.playlist`. */
const counts = new Map<string, number>();

const count = (name: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1);
};

/** The same thing; calls of the methods that fit are counted. */
function counted<T extends object>(
  binding: string,
  target: T,
  fits: (name: string | symbol) => boolean = () => true,
): T {
  return new Proxy(target, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name);
      // Binding a method of a remote object would be a call of its remote `bind`.
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (fits(name)) count(`${binding}.${String(name)}`);
        return Reflect.apply(value, of, args);
      };
    },
  });
}

/** A namespace whose stubs are counted; what gives a stub is no call. */
function countedNamespace<T extends object>(binding: string, namespace: T): T {
  return new Proxy(namespace, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const given: unknown = Reflect.apply(value, of, args);
        const isStub =
          (name === "get" || name === "getByName") && typeof given === "object" && given !== null;
        return isStub ? counted(binding, given) : given;
      };
    },
  });
}

/** One for each env: the edge may know what it holds by its bindings. */
const wrapped = new WeakMap<Env, Env>();

function countedEnv(env: Env): Env {
  const known = wrapped.get(env);
  if (known) return known;
  const own = {
    ...env,
    MEDIA: counted("MEDIA", env.MEDIA, (name) => READS.has(name)),
    LIVE_STREAM: countedNamespace("LIVE_STREAM", env.LIVE_STREAM),
    PURGES: countedNamespace("PURGES", env.PURGES),
    ORIGIN: counted("ORIGIN", env.ORIGIN),
  };
  wrapped.set(env, own);
  return own;
}

async function fill(url: URL, env: Env, ctx: ExecutionContext): Promise<Response> {
  const folder = url.searchParams.get("folder") ?? "";
  const [from, count] = [Number(url.searchParams.get("from")), Number(url.searchParams.get("count"))];
  const statuses = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const key = `${folder}/seg-${from + index}.m4s`;
      await env.MEDIA.put(key, new Uint8Array(FILL_BYTES));
      const answer = await worker.fetch(new Request(new URL(`/${key}`, url)), env, ctx);
      await answer.arrayBuffer();
      return answer.status;
    }),
  );
  return Response.json({ filled: statuses.filter((status) => status === 200).length });
}

export default {
  fetch(request, env, ctx) {
    const url = new URL(request.url);
    const { pathname } = url;
    if (pathname === COUNTS_PATH) return Response.json(Object.fromEntries(counts));
    if (pathname === FILL_PATH) return fill(url, env, ctx);
    return worker.fetch(request, pathname.startsWith("/_origin/") ? env : countedEnv(env), ctx);
  },
} satisfies typeof worker;
