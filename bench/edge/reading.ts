/**
 * What a viewer of low-latency HLS reads of its playlists, and what it asks for next (rfc8216bis). Pure; written from the
 * specification, it imports nothing of ours. Positions are counted from the tags: a name says nothing to a client.
 */

/** A part by its place. */
export interface Position {
  readonly msn: number;
  readonly part: number;
}

export interface ListedPart extends Position {
  readonly uri: string;
}

/** What a media playlist says to a viewer. */
export interface Reading {
  /** All parts that it lists, in order. */
  readonly parts: readonly ListedPart[];
  /** The part that comes next. */
  readonly hint?: ListedPart;
  /** URI of the newest initialization section. */
  readonly map?: string;
  /** Seconds that a viewer stays behind the end. */
  readonly holdBackSeconds: number;
  readonly partTargetSeconds: number;
  readonly canBlock: boolean;
  readonly canSkip: boolean;
  readonly ended: boolean;
}

/** A variant and its audio, URIs as they stand. */
interface Choice {
  readonly video: string;
  readonly audio?: string;
}

/** The variant of the highest bandwidth, and the audio that belongs to it. */
export function chooseVariant(multivariant: string): Choice | undefined {
  const lines = multivariant.split("\n");
  let best: { readonly bandwidth: number; readonly tag: string; readonly uri: string } | undefined;
  for (const [index, tag] of lines.entries()) {
    if (!tag.startsWith("#EXT-X-STREAM-INF:")) continue;
    const bandwidth = Number(/[:,]BANDWIDTH=(\d+)/.exec(tag)?.[1]);
    const uri = lines.slice(index + 1).find((line) => line !== "" && !line.startsWith("#"));
    if (uri !== undefined && bandwidth > (best?.bandwidth ?? 0)) best = { bandwidth, tag, uri };
  }
  if (!best) return undefined;
  const group = attribute(best.tag, "AUDIO");
  const media = lines.find(
    (line) =>
      line.startsWith("#EXT-X-MEDIA:") &&
      line.includes("TYPE=AUDIO") &&
      attribute(line, "GROUP-ID") === group &&
      attribute(line, "URI") !== undefined,
  );
  const audio = group === undefined || media === undefined ? undefined : attribute(media, "URI");
  return { video: best.uri, ...(audio !== undefined && { audio }) };
}

/** Read a media playlist; `undefined` when it is none. */
export function readMedia(text: string): Reading | undefined {
  if (!text.startsWith("#EXTM3U")) return undefined;
  let msn = 0;
  let part = 0;
  let isSegmentNext = false;
  let hint: ListedPart | undefined;
  let map: string | undefined;
  let control = "";
  let partTargetSeconds = 0;
  const parts: ListedPart[] = [];
  for (const line of text.split("\n")) {
    const [tag = "", value = ""] = splitTag(line);
    if (tag === "#EXT-X-MEDIA-SEQUENCE") msn = Number(value);
    else if (tag === "#EXT-X-SKIP") msn += Number(/SKIPPED-SEGMENTS=(\d+)/.exec(value)?.[1] ?? 0);
    else if (tag === "#EXT-X-SERVER-CONTROL") control = value;
    else if (tag === "#EXT-X-PART-INF") partTargetSeconds = decimal(value, "PART-TARGET");
    else if (tag === "#EXT-X-MAP") map = attribute(value, "URI") ?? map;
    else if (tag === "#EXTINF") isSegmentNext = true;
    else if (tag === "#EXT-X-PART") {
      parts.push({ msn, part, uri: attribute(value, "URI") ?? "" });
      part += 1;
    } else if (tag === "#EXT-X-PRELOAD-HINT" && value.includes("TYPE=PART")) {
      hint = { msn, part, uri: attribute(value, "URI") ?? "" };
    } else if (isSegmentNext && line !== "" && !line.startsWith("#")) {
      isSegmentNext = false;
      [msn, part] = [msn + 1, 0];
    }
  }
  return {
    parts,
    ...(hint && { hint }),
    ...(map !== undefined && { map }),
    partTargetSeconds,
    holdBackSeconds: decimal(control, "PART-HOLD-BACK"),
    canBlock: control.includes("CAN-BLOCK-RELOAD=YES"),
    canSkip: control.includes("CAN-SKIP-UNTIL="),
    ended: text.includes("#EXT-X-ENDLIST"),
  };
}

/** Query of the next reload: it waits for the part that is hinted, and asks for a delta where it may. */
export function nextReload({ hint, canBlock, canSkip }: Reading): string {
  const wait = canBlock && hint ? [`_HLS_msn=${hint.msn}`, `_HLS_part=${hint.part}`] : [];
  const query = [...wait, ...(canSkip ? ["_HLS_skip=YES"] : [])].join("&");
  return query === "" ? "" : `?${query}`;
}

/** Where a viewer begins: as far behind the end as the playlist wants it. */
export function firstPart({ parts, holdBackSeconds, partTargetSeconds }: Reading): Position | undefined {
  const behind = partTargetSeconds > 0 ? Math.ceil(holdBackSeconds / partTargetSeconds) : 1;
  return parts.at(-Math.min(behind, parts.length));
}

/** The parts that come at or after a position. */
export const partsFrom = ({ parts }: Reading, from: Position): readonly ListedPart[] =>
  parts.filter((listed) => !isBefore(listed, from));

/** True when `found` goes on right after `last`: the next part, or the first one of the next segment. */
export const follows = (last: Position, found: Position): boolean =>
  found.msn === last.msn ? found.part === last.part + 1 : found.msn === last.msn + 1 && found.part === 0;

export const isBefore = (a: Position, b: Position): boolean =>
  a.msn < b.msn || (a.msn === b.msn && a.part < b.part);

const splitTag = (line: string): readonly string[] => {
  const colon = line.startsWith("#") ? line.indexOf(":") : -1;
  return colon < 0 ? [line] : [line.slice(0, colon), line.slice(colon + 1)];
};

const attribute = (text: string, name: string): string | undefined =>
  new RegExp(`(?:^|[:,])${name}="([^"]*)"`).exec(text)?.[1];

const decimal = (text: string, name: string): number =>
  Number(new RegExp(`(?:^|,)${name}=([\\d.]+)`).exec(text)?.[1] ?? 0);
