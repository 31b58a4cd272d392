/** What the Worker's JavaScript holds, asked of V8 by way of workerd's inspector; resident memory says more of workerd than of it. */
import * as v from "valibot";
import { parseJson } from "../../wire/parse.ts";
import { listeningPorts, type ProcessFacts } from "./processes.ts";

/** Isolates that an inspector speaks for. */
const ListSchema = v.array(v.object({ id: v.string(), webSocketDebuggerUrl: v.string() }));
const HeapSchema = v.object({
  id: v.literal(2),
  result: v.object({
    usedSize: v.number(),
    embedderHeapUsedSize: v.number(),
    backingStorageSize: v.number(),
  }),
});
const USER_WORKER = "core:user:millrace";
const LIMIT_MS = 10_000;

/** Bytes that the Worker holds after a collection of garbage; NaN when no runtime of these has it. */
export async function workerHeapBytes(workerds: readonly ProcessFacts[]): Promise<number> {
  for (const port of workerds.flatMap(({ pid }) => listeningPorts(pid))) {
    const list = parseJson(ListSchema, await textOf(`http://127.0.0.1:${port}/json`));
    const isolate = list.ok ? list.value.find(({ id }) => id === USER_WORKER) : undefined;
    if (isolate) return heapBytes(isolate.webSocketDebuggerUrl);
  }
  return Number.NaN;
}

async function textOf(url: string): Promise<string> {
  try {
    return await (await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) })).text();
  } catch {
    return "";
  }
}

function heapBytes(url: string): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    const settle = (bytes: number) => {
      clearTimeout(timer);
      socket.close();
      resolve(bytes);
    };
    const timer = setTimeout(() => settle(Number.NaN), LIMIT_MS);
    socket.onerror = () => settle(Number.NaN);
    socket.onopen = () => {
      socket.send(JSON.stringify({ id: 1, method: "HeapProfiler.collectGarbage" }));
      socket.send(JSON.stringify({ id: 2, method: "Runtime.getHeapUsage" }));
    };
    socket.onmessage = ({ data }) => {
      const heap = parseJson(HeapSchema, String(data));
      if (!heap.ok) return;
      const { usedSize, embedderHeapUsedSize, backingStorageSize } = heap.value.result;
      settle(usedSize + embedderHeapUsedSize + backingStorageSize);
    };
  });
}
