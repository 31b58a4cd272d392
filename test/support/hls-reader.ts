/**
 * Reads playlists into plain facts for hls-checker.ts. Written from the specification alone: it imports nothing of ours,
 * so that a mistake of the writer is not made again here. It judges nothing but what cannot be read.
 */
export interface ReadPart {
  readonly uri: string;
  readonly duration: number;
  readonly independent: boolean;
  readonly gap: boolean;
}

export interface ReadSegment {
  readonly msn: number;
  /** Absent while only its parts are listed. */
  uri?: string;
  duration?: number;
  discontinuity: boolean;
  map?: string;
  /** Milliseconds since 1970. */
  date?: number;
  gap: boolean;
  byteRange?: string;
  parts: ReadPart[];
  /** Tags that came after the first part although they must come before it. */
  lateTags: string[];
}

export interface ReadPlaylist {
  /** Value of tags that may occur once, by name without `#EXT-X-`. */
  readonly single: ReadonlyMap<string, string>;
  readonly segments: readonly ReadSegment[];
  /** The segment at the end that has parts, but no URI yet. */
  readonly open?: ReadSegment;
  readonly skipped: number;
  readonly hints: readonly Attributes[];
  readonly reports: readonly Attributes[];
  readonly ended: boolean;
  readonly iframesOnly: boolean;
  readonly problems: readonly string[];
}

export type Attributes = ReadonlyMap<string, string>;

/** Attributes of a tag; quotes are taken off. */
export function readAttributes(text: string): Attributes {
  const attributes = new Map<string, string>();
  for (const [, key = "", quoted, plain = ""] of text.matchAll(
    /([A-Z0-9-]+)=(?:"([^"]*)"|([^,]*))(?:,|$)/g,
  )) {
    attributes.set(key, quoted ?? plain);
  }
  return attributes;
}

const SINGLE = new Set([
  "VERSION",
  "TARGETDURATION",
  "SERVER-CONTROL",
  "PART-INF",
  "MEDIA-SEQUENCE",
  "DISCONTINUITY-SEQUENCE",
  "PLAYLIST-TYPE",
  "SKIP",
  "I-FRAMES-ONLY",
  "ENDLIST",
]);

/** Read a media playlist. `map` is the init section that holds where a delta update begins. */
export function readMediaPlaylist(text: string, map?: string): ReadPlaylist {
  const problems: string[] = [];
  const single = new Map<string, string>();
  const segments: ReadSegment[] = [];
  const hints: Attributes[] = [];
  const reports: Attributes[] = [];
  const lines = text.split("\n");
  if (lines[0] !== "#EXTM3U") problems.push("format: the first line is not #EXTM3U");
  if (lines.pop() !== "") problems.push("format: the last line has no end");
  const count = (name: string) => Number(single.get(name) ?? 0);
  const skipped = () => Number(readAttributes(single.get("SKIP") ?? "").get("SKIPPED-SEGMENTS") ?? 0);
  let current: ReadSegment | undefined;
  const at = (): ReadSegment => {
    current ??= {
      msn: count("MEDIA-SEQUENCE") + skipped() + segments.length,
      discontinuity: false,
      gap: false,
      parts: [],
      lateTags: [],
      ...(map !== undefined && { map }),
    };
    return current;
  };
  for (const line of lines.slice(1)) {
    if (line === "" || (line.startsWith("#") && !line.startsWith("#EXT"))) continue;
    if (!line.startsWith("#")) {
      const segment = at();
      segment.uri = line;
      segments.push(segment);
      current = undefined;
      continue;
    }
    const [, name = line, value = ""] = /^#(?:EXT-X-)?([A-Z0-9-]+):?(.*)$/.exec(line) ?? [];
    const early = (): ReadSegment => {
      const segment = at();
      if (segment.parts.length > 0) segment.lateTags.push(name);
      return segment;
    };
    if (SINGLE.has(name)) {
      if (single.has(name)) problems.push(`format: ${name} occurs twice`);
      if (name !== "ENDLIST" && name !== "SKIP" && (segments.length > 0 || current))
        problems.push(`format: ${name} comes after a segment`);
      single.set(name, value);
      continue;
    }
    switch (name) {
      case "EXTINF":
        at().duration = Number.parseFloat(value);
        break;
      case "DISCONTINUITY":
        early().discontinuity = true;
        break;
      case "MAP":
        map = readAttributes(value).get("URI") ?? "";
        early().map = map;
        break;
      case "PROGRAM-DATE-TIME":
        early().date = Date.parse(value);
        break;
      case "GAP":
        at().gap = true;
        break;
      case "BYTERANGE":
        at().byteRange = value;
        break;
      case "PART": {
        const part = readAttributes(value);
        at().parts.push({
          uri: part.get("URI") ?? "",
          duration: Number(part.get("DURATION")),
          independent: part.get("INDEPENDENT") === "YES",
          gap: part.get("GAP") === "YES",
        });
        break;
      }
      case "PRELOAD-HINT":
        hints.push(readAttributes(value));
        break;
      case "RENDITION-REPORT":
        reports.push(readAttributes(value));
        break;
      default:
        problems.push(`format: unknown tag ${name}`);
    }
  }
  return {
    single,
    segments,
    ...(current && { open: current }),
    skipped: skipped(),
    hints,
    reports,
    ended: single.has("ENDLIST"),
    iframesOnly: single.has("I-FRAMES-ONLY"),
    problems,
  };
}

/** Decimals in playlists are this inexact, seconds. */
export const EPSILON = 1e-5;
/** A tag that holds one number. */
export const number = (playlist: ReadPlaylist, name: string): number =>
  Number(playlist.single.get(name) ?? Number.NaN);
/** Attributes of SERVER-CONTROL. */
export const control = (playlist: ReadPlaylist): Attributes =>
  readAttributes(playlist.single.get("SERVER-CONTROL") ?? "");
/** PART-TARGET, seconds. */
export const partTargetOf = (playlist: ReadPlaylist): number | undefined => {
  const value = readAttributes(playlist.single.get("PART-INF") ?? "").get("PART-TARGET");
  return value === undefined ? undefined : Number(value);
};
/** All segments, the open one last. */
export const all = ({ segments, open }: ReadPlaylist): ReadSegment[] => [
  ...segments,
  ...(open ? [open] : []),
];
/** Sum of durations, seconds. */
export const sum = (durations: readonly (number | undefined)[]): number =>
  durations.reduce<number>((total, duration) => total + (duration ?? 0), 0);
/** Sum of the durations of a segment's parts, seconds. */
export const partSum = (segment: ReadSegment | undefined): number =>
  sum(segment?.parts.map(({ duration }) => duration) ?? []);

/** `msn` and index of the last part, or of the last segment where there are no parts. */
export function lastOf(playlist: ReadPlaylist): [number, number | undefined] {
  const last = all(playlist).at(-1);
  if (!last) return [number(playlist, "MEDIA-SEQUENCE") - 1, undefined];
  return [last.msn, last.parts.length > 0 ? last.parts.length - 1 : undefined];
}

/** Segments by `msn`, with their Discontinuity Sequence Number. */
export function numbered(
  playlist: ReadPlaylist,
): Map<number, { segment: ReadSegment; discontinuities: number }> {
  let discontinuities = number(playlist, "DISCONTINUITY-SEQUENCE");
  return new Map(
    all(playlist).map((segment) => {
      if (segment.discontinuity) discontinuities += 1;
      return [segment.msn, { segment, discontinuities }];
    }),
  );
}
