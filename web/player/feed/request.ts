/** What hls.js asks for when it loads a media playlist: read from the URL alone. Pure text. */
import type { Reload } from "../../../media/live-edge.ts";
import type { Place } from "../place.ts";

export interface PlaylistRequest {
  readonly rendition: string;
  /** Absent for a request that does not wait. */
  readonly reload?: Reload;
  readonly skip?: "YES" | "v2";
}

const COUNT = /^[0-9]{1,10}$/;
const PLAYLIST = /^([^/]+)\/index\.m3u8$/;

/** The request of an absolute URL; `undefined` when it is for anything but a media playlist of this place's stream. */
export function requestOf(url: string, { base, stream }: Place): PlaylistRequest | undefined {
  if (!URL.canParse(url)) return undefined;
  const { pathname, searchParams } = new URL(url);
  const folder = `${base}/live/${stream}/`;
  const rendition = pathname.startsWith(folder)
    ? PLAYLIST.exec(pathname.slice(folder.length))?.[1]
    : undefined;
  if (rendition === undefined) return undefined;
  const [msn, part, skip] = ["_HLS_msn", "_HLS_part", "_HLS_skip"].map((name) => searchParams.get(name));
  // What the edge would refuse is the edge's to answer.
  if ([msn, part].some((number) => number != null && !COUNT.test(number))) return undefined;
  if (part != null && msn == null) return undefined;
  return {
    rendition,
    ...(msn != null && { reload: { msn: Number(msn), ...(part != null && { part: Number(part) }) } }),
    ...((skip === "YES" || skip === "v2") && { skip }),
  };
}
