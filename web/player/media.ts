/** Reading a media element: what is buffered, and whether it may play. */

/** Ranges that nearly touch are one. */
const SLACK_SECONDS = 0.1;

/** Seconds of media from the playhead to the end of what is buffered there. */
export function bufferAhead({
  buffered,
  currentTime,
}: Pick<HTMLMediaElement, "buffered" | "currentTime">): number {
  for (let i = 0; i < buffered.length; i += 1) {
    const end = buffered.end(i);
    if (buffered.start(i) <= currentTime + SLACK_SECONDS && currentTime < end) return end - currentTime;
  }
  return 0;
}

/** Where the media begins that is buffered next, behind a hole; `undefined` when there is none. */
export function nextRange({
  buffered,
  currentTime,
}: Pick<HTMLMediaElement, "buffered" | "currentTime">): number | undefined {
  for (let i = 0; i < buffered.length; i += 1) {
    if (buffered.start(i) > currentTime + SLACK_SECONDS) return buffered.start(i);
  }
  return undefined;
}

/** Play; with no sound when the browser wants a click first. */
export async function startPlayback(video: HTMLVideoElement): Promise<"playing" | "muted" | "refused"> {
  const first = await attempt(video);
  if (first !== "refused") return "playing";
  if (video.muted) return "refused";
  video.muted = true;
  const second = await attempt(video);
  if (second !== "refused") return "muted";
  video.muted = false;
  return "refused";
}

/** A play that was cut off by a new source or a pause is nobody's refusal. */
async function attempt(video: HTMLVideoElement): Promise<"played" | "cut-off" | "refused"> {
  try {
    await video.play();
    return "played";
  } catch (error) {
    return error instanceof DOMException && error.name === "NotAllowedError" ? "refused" : "cut-off";
  }
}
