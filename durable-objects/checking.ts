/**
 * Checks of broadcasts that are over, in steps that an alarm can take: history is compared with what R2 holds, what was
 * left open is put together, and what nothing names is removed. What is right stands in core/check.ts and core/walk.ts.
 */
import { parseMediaPath } from "../media/address.ts";
import type { Archive, BroadcastRow } from "./archive.ts";
import { CHECK_RETRY_MS, comparePage, type Listed, nextCheckAfter } from "./core/check.ts";
import { beginWalk, enterSession, leavePage, numbersOfPage, pageOf, type Walk } from "./core/walk.ts";
import { within } from "./deadline.ts";
import type { HistoryRows } from "./history-rows.ts";
import { assembleSegment } from "./sealing.ts";

/** R2 calls of one step: a Worker may make some thousands, but the alarm has other things to do. */
const CALLS_PER_STEP = 20;
const R2_TIMEOUT_MS = 10_000;

/** What a check reads and changes. */
export interface CheckingParts {
  readonly archive: Archive;
  readonly history: HistoryRows;
  readonly bucket: () => R2Bucket;
  /** The parts of this broadcast are about to be removed: nothing may name them any more. */
  readonly forgetParts: (broadcast: string) => void;
}

export class Checking {
  readonly #parts: CheckingParts;

  constructor(parts: CheckingParts) {
    this.#parts = parts;
  }

  /** Take one step of the check that is due, if one is. What fails is tried again in a minute. */
  async step(now: number): Promise<void> {
    const { archive } = this.#parts;
    const row = archive.dueCheck(now);
    if (row?.endedAt === undefined) return;
    const walk = row.walk ?? beginWalk(row.endedAt, now);
    // Whatever was handed in before this is in history; what history does not name from here on is nobody's.
    if (walk.sweep.orphans) archive.dropLeases(row.id);
    try {
      if (walk.isMended) await this.#go(row, row.endedAt, walk, now);
      else archive.saveWalk(row, await this.#mend(row.id, walk), now);
    } catch (error) {
      console.error("a broadcast could not be checked yet", row.id, error);
      archive.saveWalk(row, walk, now + CHECK_RETRY_MS);
    }
  }

  /** Put together one segment that was left open; when there are none, its parts are not needed any more. */
  async #mend(broadcast: string, walk: Walk): Promise<Walk> {
    const { history, bucket, forgetParts } = this.#parts;
    const open = history.firstLeftOpen(broadcast);
    if (open) {
      const entry = await within(R2_TIMEOUT_MS, "mending", assembleSegment(bucket(), broadcast, open));
      if (entry) history.addLate(broadcast, open.session, [entry]);
      return walk;
    }
    if (walk.sweep.parts) {
      forgetParts(broadcast);
      history.deleteAllParts(broadcast);
    }
    return { ...walk, isMended: true };
  }

  async #go(row: BroadcastRow, endedAt: number, begun: Walk, now: number): Promise<void> {
    const { archive } = this.#parts;
    let walk: Walk | undefined = begun;
    for (let calls = 0; calls < CALLS_PER_STEP; calls += 2) {
      const rendition: string | undefined = walk.renditions[0];
      const next: Walk | undefined =
        rendition === undefined
          ? await this.#nextSession(row.id, walk)
          : await this.#page(row.id, walk, rendition, now);
      if (!next) {
        const report = { ...walk.tally, checkedAt: walk.begunAt, final: walk.sweep.orphans };
        archive.saveReport(row, report, nextCheckAfter(endedAt, walk.begunAt));
        return;
      }
      walk = next;
    }
    archive.saveWalk(row, walk, now);
  }

  async #nextSession(broadcast: string, walk: Walk): Promise<Walk | undefined> {
    const { archive, history, bucket } = this.#parts;
    const [session] = archive.sessions(broadcast, walk.session, 1);
    if (!session) return undefined;
    const { ordinal } = session;
    const listed: string[] = [];
    const prefix = `media/${broadcast}/${ordinal}/`;
    let cursor: string | undefined;
    do {
      const page: R2Objects = await within(
        R2_TIMEOUT_MS,
        "listing",
        bucket().list({ prefix, delimiter: "/", ...(cursor !== undefined && { cursor }) }),
      );
      listed.push(...page.delimitedPrefixes.map((folder) => folder.slice(prefix.length, -1)));
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor !== undefined);
    const live = history.liveRange(broadcast, ordinal, walk.live.to);
    const named = [...new Set([...session.renditions, ...history.renditions(broadcast, ordinal)])];
    const [first] = history.all(broadcast, ordinal, live);
    return enterSession(walk, { ordinal, live, hasMedia: first !== undefined, named, listed });
  }

  async #page(broadcast: string, walk: Walk, rendition: string, now: number): Promise<Walk> {
    const { history, bucket } = this.#parts;
    const prefix = `media/${broadcast}/${walk.session}/${rendition}/`;
    const page = await within(
      R2_TIMEOUT_MS,
      "listing",
      bucket().list({ prefix, ...(walk.after !== undefined && { startAfter: walk.after }) }),
    );
    const listed = page.objects.flatMap(readListed);
    const last = page.truncated ? page.objects.at(-1)?.key : undefined;
    const numbers = numbersOfPage(walk, {
      before: segmentNumber(walk.after),
      upTo: segmentNumber(last),
      isPastAll: last === undefined,
    });
    const found = history.between(broadcast, walk.session, numbers);
    const { tally, remove } = comparePage(pageOf(walk, rendition, listed, found), now);
    if (remove.length > 0) await within(R2_TIMEOUT_MS, "removing", bucket().delete([...remove]));
    return leavePage(walk, tally, last);
  }
}

const MEDIA = "media/";

function readListed({ key, size, etag, uploaded }: R2Object): readonly Listed[] {
  const address = parseMediaPath(key.slice(MEDIA.length));
  if (!address) return [];
  return [{ key, file: address.file, bytes: size, md5: etag, uploadedAt: uploaded.getTime() }];
}

function segmentNumber(key: string | undefined): number | undefined {
  const address = key === undefined ? undefined : parseMediaPath(key.slice(MEDIA.length));
  return address?.file.kind === "segment" ? address.file.msn : undefined;
}
