/** What test/integration/counting-worker.ts has counted: calls of the edge's bindings, by binding and method. */

/** `MEDIA.get`, `LIVE_STREAM.playlist`, … */
export type Counts = Readonly<Record<string, number>>;

/** What an isolate has counted, less what it had `before`. */
export async function readCounts(base: string, before: Counts = {}): Promise<Counts> {
  const counts: Counts = JSON.parse(await (await fetch(`${base}/_bench/counts`)).text());
  const since = Object.entries(counts).map(([name, times]) => [name, times - (before[name] ?? 0)] as const);
  return Object.fromEntries(since.filter(([, times]) => times > 0));
}

/** All whose name begins so. */
export const sumOf = (counts: Counts, prefix: string): number =>
  Object.entries(counts).reduce((sum, [name, times]) => sum + (name.startsWith(prefix) ? times : 0), 0);
