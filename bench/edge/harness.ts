/**
 * Workers in workerd for the figures of the edge: built as `wrangler deploy` builds them, run by Miniflare, and asked on sockets
 * of their own. `wrangler dev` puts a second workerd with a proxy in front, and Miniflare an entry Worker; here is neither.
 */
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, Response } from "miniflare";
import { familyOf, type ProcessFacts } from "../../test/support/processes.ts";
import { freePort } from "../../test/support/stack.ts";

const ROOT = join(import.meta.dirname, "../..");
const MIGRATIONS = join(ROOT, "workers/origin/migrations");
const PAGES = join(ROOT, "dist/web");
const FILE_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

export const ADMIN_TOKEN = "bench-admin-token";
/** Signs watch tokens. */
export const TOKEN_SECRET = "bench-token-secret-that-is-long-enough-for-hs256";

/** What is run: the whole bare Worker with its calls counted, and as it is deployed; and what it is measured against. */

const ENTRIES = {
  edge: "test/integration/counting-worker.ts",
  product: "workers/index.ts",
  bare: "test/integration/bare-cache-worker.ts",
  token: "test/integration/token-bench-worker.ts",
  sockets: "test/integration/socket-bench-worker.ts",
  watch: "test/integration/watch-bench-worker.ts",
} as const;
type Entry = keyof typeof ENTRIES;
const isEdge = (entry: Entry): boolean => ["edge", "product", "sockets", "watch"].includes(entry);

/** One Worker of a bench. */
export interface BenchWorker {
  readonly name: string;
  readonly entry: Entry;
}

type Bucket = Awaited<ReturnType<Miniflare["getR2Bucket"]>>;

/** Workers that run: share R2, D1 and Durable Objects, which live in the first of them. */
export class EdgeBench {
  /** The edges' R2; absent when none of the Workers is an edge. */
  readonly bucket: Bucket | undefined;
  readonly #miniflare: Miniflare;
  readonly #folder: string;
  readonly #urls: ReadonlyMap<string, string>;

  readonly #options: BenchOptions;

  private constructor(
    miniflare: Miniflare,
    options: BenchOptions,
    folder: string,
    bucket: Bucket | undefined,
    urls: ReadonlyMap<string, string>,
  ) {
    this.#miniflare = miniflare;
    this.#options = options;
    this.#folder = folder;
    this.bucket = bucket;
    this.#urls = urls;
  }

  /** Build and start them; the first is an edge, and the others use its objects. */
  static async start(
    workers: readonly BenchWorker[],
    vars: Readonly<Record<string, string>> = {},
  ): Promise<EdgeBench> {
    const folder = mkdtempSync(join(tmpdir(), "millrace-edge-"));
    let miniflare: Miniflare | undefined;
    try {
      const scripts = await buildAll(
        workers.map(({ entry }) => entry),
        folder,
      );
      const ports = await Promise.all(workers.map(() => freePort()));
      const options = optionsOf(workers, scripts, folder, ports, vars);
      miniflare = new Miniflare(options);
      await miniflare.ready;
      const bucket = await prepare(miniflare, workers);
      const urls = new Map<string, string>();
      for (const { name } of workers) urls.set(name, (await miniflare.unsafeGetDirectURL(name)).origin);
      return new EdgeBench(miniflare, options, folder, bucket, urls);
    } catch (error) {
      await miniflare?.dispose();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Where a Worker listens, without a slash at the end. */
  url(name: string): string {
    const url = this.#urls.get(name);
    if (url === undefined) throw new Error(`no Worker is called ${name}`);
    return url;
  }

  /** The workerd that runs them; they share its one thread. */
  workerd(): ProcessFacts | undefined {
    return familyOf(process.pid).find(({ program }) => program === "workerd");
  }

  /** `kill -9` of workerd, and another one on the same ports with what the first one stored. */
  async restart(): Promise<void> {
    const { pid } = this.workerd() ?? {};
    if (pid === undefined) throw new Error("no workerd runs");
    process.kill(pid, "SIGKILL");
    await this.#miniflare.setOptions(this.#options);
    await this.#miniflare.ready;
  }

  /** End it, and remove what it wrote. */
  async stop(): Promise<void> {
    await this.#miniflare.dispose();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Paths of the bundles, by entry. */
async function buildAll(entries: readonly Entry[], folder: string): Promise<ReadonlyMap<Entry, string>> {
  const built = [...new Set(entries)].map(async (entry) => [entry, await build(entry, folder)] as const);
  return new Map(await Promise.all(built));
}

/** Bundle one entry as a deployment would, without anything of its configuration but the date. */
async function build(entry: Entry, folder: string): Promise<string> {
  const out = join(folder, entry);
  mkdirSync(out);
  const config = join(out, "wrangler.json");
  const main = join(ROOT, ENTRIES[entry]);
  writeFileSync(
    config,
    JSON.stringify({
      name: entry,
      main,
      compatibility_date: compatibilityDate(),
      keep_names: false,
      send_metrics: false,
    }),
  );
  const args = ["deploy", "--dry-run", "--config", config, "--outdir", join(out, "dist")];
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  const env = { ...process.env, NO_COLOR: "1", WRANGLER_LOG_PATH: join(out, "wrangler.log") };
  await promisify(execFile)(process.execPath, [wrangler, ...args], { env });
  return join(out, "dist", ENTRIES[entry].replace(/^.*\/(.*)\.ts$/, "$1.js"));
}

/** The product's own. */
function compatibilityDate(): string {
  const config = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  return /^compatibility_date = "(.*)"$/m.exec(config)?.[1] ?? "";
}

type BenchOptions = ReturnType<typeof optionsOf>;

function optionsOf(
  workers: readonly BenchWorker[],
  scripts: ReadonlyMap<Entry, string>,
  folder: string,
  ports: readonly number[],
  vars: Readonly<Record<string, string>>,
) {
  const [home] = workers;
  const object = (className: string, name: string) => ({
    className,
    useSQLite: true,
    ...(name !== home?.name && { scriptName: home?.name ?? "" }),
  });
  const data = join(folder, "data");
  return convertV4MiniflareOptions({
    log: new Log(LogLevel.ERROR),
    logRequests: false,
    // Else it would ask Cloudflare for a request's `cf`.
    cf: false,
    resourcePersistencePath: data,
    isolatedResourcePersistencePath: data,
    resourceTmpPath: join(folder, "tmp"),
    workers: workers.map(({ name, entry }, index) => ({
      name,
      modules: true as const,
      scriptPath: scripts.get(entry) ?? "",
      modulesRoot: folder,
      compatibilityDate: compatibilityDate(),
      unsafeDirectSockets: [{ host: "127.0.0.1", port: ports[index] ?? 0 }],
      ...(entry !== "bare" && { bindings: { ADMIN_TOKEN, TOKEN_SECRET, ...vars } }),
      ...(isEdge(entry) && {
        r2Buckets: { MEDIA: "media" },
        d1Databases: { DB: "db" },
        durableObjects: {
          LIVE_STREAM: object("LiveStream", name),
          FLEET: object("Fleet", name),
          PURGES: object("Purges", name),
          VIEWER_SET: object("ViewerSet", name),
          LIVE_RELAY: object("LiveRelay", name),
          CHAT_ROOM: object("ChatRoom", name),
          CONVERSATION: object("Conversation", name),
          INBOX: object("Inbox", name),
          PRESENCE: object("PresenceChannel", name),
          ...(entry === "sockets" && { BARE_SOCKETS: object("BareSockets", name) }),
        },
        // With assets of its own a Worker's socket would lead to Miniflare's router.
        serviceBindings: {
          ORIGIN: { name: home?.name ?? "", entrypoint: "Origin" },
          ...(entry === "watch" && { ASSETS: serveFile }),
        },
      }),
    })),
  });
}

/** The pages' files, from where they are built. */
function serveFile(request: { readonly url: string }): Response {
  const { pathname } = new URL(request.url);
  const type = FILE_TYPES[extname(pathname)];
  const path = join(PAGES, pathname);
  if (type === undefined || !existsSync(path)) return new Response(null, { status: 404 });
  return new Response(readFileSync(path), { headers: { "content-type": type } });
}

/** Make the tables of the edges, if there are any; their bucket comes back. */
async function prepare(miniflare: Miniflare, workers: readonly BenchWorker[]): Promise<Bucket | undefined> {
  const edge = workers.find(({ entry }) => isEdge(entry));
  if (!edge) return undefined;
  await migrate(miniflare);
  return miniflare.getR2Bucket("MEDIA", edge.name);
}

/** Make D1's tables; the files are in their order by name, and no statement of theirs holds a semicolon inside. */
async function migrate(miniflare: Miniflare): Promise<void> {
  const db = await miniflare.getD1Database("DB");
  for (const file of readdirSync(MIGRATIONS).sort()) {
    const text = readFileSync(join(MIGRATIONS, file), "utf8").replace(/^\s*--.*$/gm, "");
    for (const statement of text.split(";")) if (statement.trim() !== "") await db.prepare(statement).run();
  }
}
