/**
 * Rules of LL-HLS about how playlists and media are delivered, and about the multivariant playlist: what a client sees
 * beside the media playlists themselves, which hls-checker.ts judges. Pure; rules are numbered as there.
 */
import { readAttributes } from "./hls-reader.ts";

/** An answer of the server, as far as rules speak of it. */
export interface Delivery {
  readonly what: "blocking playlist" | "plain playlist" | "init" | "segment" | "part";
  readonly headers: { readonly get: (name: string) => string | null };
  /** TARGETDURATION, seconds. */
  readonly targetDuration: number;
}

/** Judge the headers of a successful answer: rules 24, 25, 29 and 30. */
export function checkDelivery({ what, headers, targetDuration }: Delivery): string[] {
  const bad: string[] = [];
  const is = (rule: number, name: string, wanted: RegExp) => {
    const value = headers.get(name);
    if (!wanted.test(value ?? "")) bad.push(`rule ${rule}: ${what} has ${name}: ${value}`);
  };
  const isPlaylist = what === "blocking playlist" || what === "plain playlist";
  if (isPlaylist) is(24, "content-encoding", /^gzip$/);
  is(25, "cache-control", lifetimeOf(what, targetDuration));
  is(29, "content-type", typeOf(what));
  is(30, "access-control-allow-origin", /^\*$/);
  is(30, "access-control-expose-headers", /\bAge\b.*\bDate\b/);
  return bad;
}

function lifetimeOf(what: Delivery["what"], targetDuration: number): RegExp {
  const seconds =
    what === "blocking playlist"
      ? 6 * targetDuration
      : what === "plain playlist"
        ? Math.floor(targetDuration / 2)
        : 0;
  return seconds > 0 || what === "plain playlist"
    ? new RegExp(`\\bmax-age=${seconds}$`)
    : /\bmax-age=\d{7,}, immutable$/;
}

const typeOf = (what: Delivery["what"]): RegExp =>
  what === "init"
    ? /^video\/mp4$/
    : what === "segment" || what === "part"
      ? /^video\/iso\.segment$/
      : /^application\/vnd\.apple\.mpegurl/;

/** Judge a multivariant playlist (rule 29). `measured` has the peak of each rendition's segments, bits a second. */
export function checkMultivariant(text: string, measured: ReadonlyMap<string, number>): string[] {
  const bad: string[] = [];
  const lines = text.split("\n");
  const variants = lines.flatMap((line, i) =>
    line.startsWith("#EXT-X-STREAM-INF:")
      ? [{ uri: lines[i + 1] ?? "", attributes: readAttributes(line.slice(line.indexOf(":") + 1)) }]
      : [],
  );
  if (!text.includes("#EXT-X-INDEPENDENT-SEGMENTS\n")) bad.push("rule 29: no INDEPENDENT-SEGMENTS");
  if (variants.length === 0) bad.push("rule 29: no variants");
  for (const { uri, attributes } of variants) {
    const rendition = renditionOf(uri);
    const isVideo = rendition.startsWith("v");
    const needed = [
      "BANDWIDTH",
      "AVERAGE-BANDWIDTH",
      "CODECS",
      ...(isVideo ? ["RESOLUTION", "FRAME-RATE"] : []),
    ];
    for (const name of needed) if (!attributes.get(name)) bad.push(`rule 29: ${uri} has no ${name}`);
    const bandwidth = Number(attributes.get("BANDWIDTH"));
    if (!(Number(attributes.get("AVERAGE-BANDWIDTH")) <= bandwidth))
      bad.push(`rule 29: the average of ${uri} is above its peak`);
    const sound = isVideo && attributes.has("AUDIO") ? (measured.get("audio") ?? 0) : 0;
    const peak = (measured.get(rendition) ?? 0) + sound;
    // The playlist may be some segments older than the measurement.
    if (bandwidth < 0.9 * peak)
      bad.push(`rule 29: ${uri} says ${bandwidth} bit/s, its peak is ${Math.round(peak)}`);
  }
  const pictures = variants.filter(({ uri }) => renditionOf(uri).startsWith("v"));
  if (pictures.length > 0 && !text.includes("#EXT-X-I-FRAME-STREAM-INF:"))
    bad.push("rule 29: no I-frame playlists");
  if (measured.has("audio") && pictures.length > 0 && !/#EXT-X-MEDIA:.*TYPE=AUDIO.*URI=/.test(text))
    bad.push("rule 29: no audio of its own");
  return bad;
}

const renditionOf = (uri: string): string => uri.split("/").at(-2) ?? "";
