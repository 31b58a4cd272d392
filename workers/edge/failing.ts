/** What failed a moment ago: those who have a stale copy do not wait for it again. Of this isolate. */
import { remember } from "../remember.ts";
import { streamOf, type Target } from "./targets.ts";

/** Until when something is taken for failing, milliseconds since 1970. */
const failing = new Map<string, number>();

const FAILING_MS = 1_000;
const MAX_FAILING = 1_000;

/** Media fail with the bucket, everything else with its stream. */
const failureKey = (target: Target): string =>
  target.kind === "media" ? "bucket" : `stream ${streamOf(target) ?? ""}`;

/** Did it fail a moment ago? */
export function isFailing(target: Target): boolean {
  const leftMs = (failing.get(failureKey(target)) ?? 0) - Date.now();
  // More is left only after a clock went back.
  return leftMs > 0 && leftMs <= FAILING_MS;
}

/** It failed now. */
export const noteFailure = (target: Target): void =>
  remember(failing, failureKey(target), Date.now() + FAILING_MS, MAX_FAILING);

/** It did not fail. */
export const noteSuccess = (target: Target): void => {
  failing.delete(failureKey(target));
};
