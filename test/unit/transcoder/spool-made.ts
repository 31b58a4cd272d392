/** Test support: a spool in a folder of its own, and segments to put into it. Not a test. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SegmentEntry } from "../../../media/timeline.ts";
import type { LogEvent } from "../../../transcoder/log.ts";
import type { NamedObject } from "../../../transcoder/packaging.ts";
import { Spool } from "../../../transcoder/spool.ts";

export const HOLDER = { session: "show-abc.1", lease: "secret" };
export const segment = (msn: number, bytes = 10): SegmentEntry => ({
  type: "segment",
  msn,
  at: 1000 * msn,
  duration: 2,
  tracks: { v720: { bytes, independent: true } },
});
export const objects = (msn: number, bytes = 10): NamedObject[] => [
  { rendition: "v720", file: { kind: "segment", msn }, bytes: new Uint8Array(bytes).fill(msn) },
];
export const INIT: NamedObject[] = [
  { rendition: "v720", file: { kind: "init" }, bytes: new Uint8Array([9, 9]) },
];

export async function openSpool(folder = mkdtempSync(join(tmpdir(), "millrace-spool-")), limits = {}) {
  const logged: LogEvent[] = [];
  const spool = await Spool.open({
    folder,
    origin: "http://origin.test",
    limits: { bytes: 1e6, ageMs: 3_600_000, ...limits },
    log: (event) => logged.push(event),
  });
  return { spool, folder, logged };
}
