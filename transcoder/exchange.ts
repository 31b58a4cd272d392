/**
 * One HTTP request and its answer, over connections that are kept open. Not `fetch`: at some twenty requests a second and
 * broadcast, its streams and signals cost more than half of what this process does (docs/benchmarks.md).
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

/** What is sent. */
export interface Exchange {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** For all of it, from the connection to the last byte of the answer. */
  readonly timeoutMs: number;
}

/** What came back. */
export interface Answered {
  readonly status: number;
  readonly text: string;
}

const AGENT = { keepAlive: true, scheduling: "lifo" } as const;
const http = new HttpAgent(AGENT);
const https = new HttpsAgent(AGENT);
/** Origin's answers are small; what is longer is somebody else's page. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Send a request; rejects when there is no answer, with words that name no secret. */
export function exchange(url: string, { method, headers, body, timeoutMs }: Exchange): Promise<Answered> {
  const isSecure = url.startsWith("https:");
  const send = isSecure ? httpsRequest : httpRequest;
  const length = typeof body === "string" ? Buffer.byteLength(body) : body?.byteLength;
  return new Promise((resolve, reject) => {
    const request = send(url, {
      method,
      agent: isSecure ? https : http,
      headers: {
        ...headers,
        // What is a few bytes long gains nothing from being packed.
        "accept-encoding": "identity",
        "content-length": String(length ?? 0),
      },
    });
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${Math.round(timeoutMs / 1000)} s`)),
      timeoutMs,
    );
    const settle = (act: () => void) => {
      clearTimeout(timer);
      act();
    };
    request.on("error", (error) => settle(() => reject(error)));
    request.on("response", (response) => {
      response.on("error", (error) => settle(() => reject(error)));
      readText(response, (text) => settle(() => resolve({ status: response.statusCode ?? 0, text })));
    });
    request.end(body);
  });
}

function readText(response: IncomingMessage, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error("the answer is too long"));
    else chunks.push(chunk);
  });
  response.on("end", () => done(Buffer.concat(chunks).toString("utf8")));
}
