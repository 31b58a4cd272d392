/** What is said of cuts, to origin and in the log: their objects by name, and their entries in the timeline. Sends nothing. */
import { createHash } from "node:crypto";
import { fileName, type MediaFile } from "../media/address.ts";
import type { MediaEntry, TrackObject, Tracks } from "../media/timeline.ts";
import type { Cut } from "./cmaf/cutter.ts";

/** A cut that goes into the timeline. */
export type MediaCut = Cut & { readonly type: "part" | "segment" };

/** Names under which each planned track is published. */
export type PublishAs = ReadonlyMap<string, readonly string[]>;

/** One object, as it goes to R2. */
export interface NamedObject {
  readonly rendition: string;
  readonly file: MediaFile;
  readonly bytes: Uint8Array;
}

/** A cut, packed. */
export interface Packed {
  readonly entry: MediaEntry;
  readonly objects: readonly NamedObject[];
}

/** Pack one cut; segments carry checksums, so that they can be compared with R2 when the show is over. */
export function pack(cut: MediaCut, publishAs: PublishAs, startedAt: number): Packed {
  const file: MediaFile =
    cut.type === "segment"
      ? { kind: "segment", msn: cut.msn }
      : { kind: "part", msn: cut.msn, part: cut.part };
  const objects: NamedObject[] = [];
  const tracks: Record<string, TrackObject> = {};
  for (const [track, { chunks, bytes: length, independent, iframeBytes }] of cut.tracks) {
    const bytes = join(chunks, length);
    const object: TrackObject = {
      bytes: length,
      independent,
      ...(iframeBytes !== undefined && { iframeBytes }),
      ...(cut.type === "segment" && { md5: createHash("md5").update(bytes).digest("hex") }),
    };
    for (const rendition of publishAs.get(track) ?? []) {
      objects.push({ rendition, file, bytes });
      tracks[rendition] = object;
    }
  }
  const { msn, duration } = cut;
  const at = startedAt + 1000 * cut.startSeconds;
  const entry: MediaEntry =
    cut.type === "part"
      ? { type: "part", msn, part: cut.part, at, duration, tracks }
      : { type: "segment", msn, at, duration, tracks };
  return { entry, objects };
}

/** The same entry, with a gap wherever an object is not stored. `stored` holds what `objectName` says. */
export function withGaps<E extends MediaEntry>(entry: E, stored: ReadonlySet<string>): E {
  const file = fileName(
    entry.type === "segment"
      ? { kind: "segment", msn: entry.msn }
      : { kind: "part", msn: entry.msn, part: entry.part },
  );
  const tracks: Tracks = Object.fromEntries(
    Object.entries(entry.tracks).filter(([rendition]) => stored.has(`${rendition}/${file}`)),
  );
  return { ...entry, tracks };
}

/** `<rendition>/<file>`. */
export const objectName = ({ rendition, file }: Pick<NamedObject, "rendition" | "file">): string =>
  `${rendition}/${fileName(file)}`;

/** What the log says of cuts that were published together. */
export interface Published {
  readonly type: "part" | "segment";
  readonly msn: number;
  readonly lastPart?: number;
  readonly startSeconds: number;
  readonly duration: number;
  /** Bytes by track. */
  readonly tracks: Readonly<Record<string, number>>;
}

/** Describe a group by its last cut. */
export function describeCuts(cuts: readonly [MediaCut, ...MediaCut[]]): Published {
  const { type, msn, startSeconds, duration, tracks } = cuts.at(-1) ?? cuts[0];
  const lastPart = cuts.findLast((cut) => cut.type === "part")?.part;
  return {
    type,
    msn,
    ...(lastPart !== undefined && { lastPart }),
    startSeconds,
    duration,
    tracks: Object.fromEntries([...tracks].map(([name, { bytes }]) => [name, bytes])),
  };
}

function join(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
