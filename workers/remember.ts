/** Maps of an isolate that must not grow for ever: what was put in first goes first. */

/** Put a value in as the newest; above `limit` the oldest one is forgotten. */
export function remember<K, V>(map: Map<K, V>, key: K, value: V, limit: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= limit) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
