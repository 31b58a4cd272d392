/**
 * The transcoder's HTTP server for those who watch over it: `/healthz`, `/readyz`, `/metrics`. For orchestrators and Prometheus on
 * the operator's own network; it knows no secrets and takes no orders.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { PROBLEM_TYPE, type Problem, problem } from "../wire/problem.ts";

/** What `/metrics` shows. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface HealthServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Why no encoder should be sent here now, in words; empty when all is well. */
  readonly ready: () => readonly string[];
  readonly metrics: MetricsText;
}

/** A listening server. */
export interface HealthServer {
  readonly port: number;
  /** Stop listening and close every connection. */
  close(): Promise<void>;
}

const LIMITS = { maxHeaderSize: 8 * 1024, headersTimeout: 5_000, requestTimeout: 5_000 };
const KEEP_ALIVE_MS = 15_000;
/** A socket on which nothing moves is closed, whatever it waits for. */
const SILENCE_MS = 20_000;
const MAX_CONNECTIONS = 64;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Listen. Rejects when the address cannot be had. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer(
    { ...LIMITS, keepAliveTimeout: KEEP_ALIVE_MS, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      void answer(request, options)
        .catch(() => problemAnswer(problem(500, "internal", "Something went wrong here.")))
        .then((answered) => send(response, request, answered));
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = SILENCE_MS;
  const port = await listen(server, options.host, options.port);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, { ready, metrics }: HealthServerOptions): Promise<Answer> {
  const path = (request.url ?? "").replace(/\?.*$/s, "");
  if (!["/healthz", "/readyz", "/metrics"].includes(path))
    return problemAnswer(problem(404, "not-found", "There is nothing here."));
  if (request.method !== "GET" && request.method !== "HEAD")
    return problemAnswer(
      problem(405, "method-not-allowed", "This address does not take that method.", { allow: ALLOW }),
    );
  if (path === "/metrics") return { status: 200, type: metrics.contentType, body: await metrics.text() };
  const reasons = path === "/readyz" ? ready() : [];
  if (reasons.length > 0)
    return problemAnswer(problem(503, "not-ready", "This transcoder takes no encoders now.", { reasons }));
  return { status: 200, type: "text/plain; charset=utf-8", body: "ok\n" };
}

const ALLOW = "GET, HEAD";

const problemAnswer = (body: Problem): Answer => ({
  status: body.status,
  type: PROBLEM_TYPE,
  body: `${JSON.stringify(body)}\n`,
});

function send(response: ServerResponse, request: IncomingMessage, { status, type, body }: Answer): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    ...(status === 405 && { allow: ALLOW }),
    // A body that came along is not read: the connection is of no more use.
    ...(request.method !== "GET" && request.method !== "HEAD" && { connection: "close" }),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      // Errors of a listening server, such as too many open files, pass by themselves; without a listener they would end the process.
      server.on("error", () => {});
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
