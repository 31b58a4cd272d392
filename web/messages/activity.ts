/** Says that there is a person at this page, now and then while there is. */
import type { Connection } from "./connection.ts";

const EVERY_MS = 60_000;

/** Look at what is done on the page; the answer is called when there is a socket again. */
export function bindActivity(connection: Connection): () => void {
  let saidAtMs = Number.NEGATIVE_INFINITY;
  const look = (): void => {
    const now = performance.now();
    if (document.hidden || !connection.isConnected || now - saidAtMs < EVERY_MS) return;
    saidAtMs = now;
    void connection.act("status.active", {});
  };
  for (const type of ["pointerdown", "pointermove", "keydown", "scroll", "visibilitychange", "focus"])
    addEventListener(type, look, { passive: true, capture: true });
  return () => {
    saidAtMs = Number.NEGATIVE_INFINITY;
    if (document.hasFocus()) look();
  };
}
