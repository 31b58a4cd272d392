/** Around the player: title, since when, and the page's own state for styles and tests. */
import { byId, icon, setText } from "../../dom.ts";
import { ICONS } from "../icons.ts";
import type { Snapshot } from "../snapshot.ts";
import { profileWords, sinceWords, viewersWords } from "../words.ts";

/** The answer draws the page. */
export function bindPage(): (snapshot: Snapshot) => void {
  const title = byId("title", HTMLElement);
  const meta = byId("meta", HTMLElement);
  const viewersFact = byId("viewers", HTMLElement);
  const viewersText = byId("viewers-words", HTMLElement);
  byId("viewers-icon", HTMLElement).append(icon(ICONS.people));
  const video = byId("video", HTMLVideoElement);
  const { dataset } = document.documentElement;

  const soundOnly = byId("sound-only", HTMLElement);

  return ({ phase, status, atEdge, replay, qualities, viewers }) => {
    dataset.player = phase;
    dataset.edge = atEdge ? "live" : "behind";
    const hasMedia = video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
    dataset.picture = String(hasMedia);
    // By choice, or because the show has no pictures.
    soundOnly.hidden = qualities?.chosen !== "audio" && !(hasMedia && video.videoWidth === 0);
    const name = status?.title || status?.id || "";
    setText(title, name || (phase === "unknown" ? "Unknown stream" : "\u00a0"));
    const onAir = status?.state === "live" || status?.state === "interrupted";
    document.title = name ? `${onAir ? "● " : ""}${name} · Millrace` : "Millrace";
    setText(meta, metaWords(status, replay));
    // Who reads "Nobody watching" is watching, and will be counted in a second.
    viewersFact.hidden = !viewers || !onAir || phase === "ended";
    if (viewers !== undefined) setText(viewersText, viewersWords(viewers));
  };
}

function metaWords(status: Snapshot["status"], replay: boolean): string {
  if (!status) return "\u00a0";
  const since = status.startedAt ? sinceWords(status.startedAt, Date.now()) : "";
  const facts = {
    offline: "Offline",
    starting: "Starting",
    live: since && `Live since ${since === "just now" ? "just now" : since.replace(" ago", "")}`,
    interrupted: "Live, interrupted",
    ended: replay ? "Recording of the last minutes" : "Ended",
  };
  const profile = status.state === "ended" ? "" : profileWords(status.profile);
  return [facts[status.state], profile].filter(Boolean).join(" · ");
}
