/** Paths below `/live/`: which playlist of which stream is named, or its timeline. Pure; whether there is one is not known here. */

/** One playlist. Names are as they were given: a name that no stream or rendition can have is refused by who asks. */
export type PlaylistPath =
  | { readonly kind: "multivariant" | "timeline"; readonly stream: string }
  | { readonly kind: "media" | "iframes"; readonly stream: string; readonly rendition: string };

/** Read `<stream>/index.m3u8`, `<stream>/timeline.json`, `<stream>/<rendition>/index.m3u8` or `<stream>/<rendition>/iframes.m3u8`. */
export function parsePlaylistPath(path: string): PlaylistPath | undefined {
  const [stream = "", second, third, ...rest] = path.split("/");
  if (stream === "" || rest.length > 0) return undefined;
  if (third === undefined) {
    if (second === "index.m3u8") return { kind: "multivariant", stream };
    return second === "timeline.json" ? { kind: "timeline", stream } : undefined;
  }
  if (second === undefined || second === "") return undefined;
  if (third === "index.m3u8") return { kind: "media", stream, rendition: second };
  return third === "iframes.m3u8" ? { kind: "iframes", stream, rendition: second } : undefined;
}
