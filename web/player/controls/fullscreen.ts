/** Full screen of the whole player; on iPhone only the video itself can have it. */
import { byId } from "../../dom.ts";

interface WebKitVideo {
  readonly webkitSupportsFullscreen?: boolean;
  webkitEnterFullscreen?: () => void;
}

export const isFullscreen = (): boolean => document.fullscreenElement !== null;

export const canFullscreen = (video: HTMLVideoElement & WebKitVideo): boolean =>
  document.fullscreenEnabled || video.webkitEnterFullscreen !== undefined;

/** Enter or leave. Refusals (no user gesture, a policy) leave everything as it was. */
export function toggleFullscreen(video: HTMLVideoElement & WebKitVideo): void {
  if (document.fullscreenElement) document.exitFullscreen().catch(() => undefined);
  else if (document.fullscreenEnabled)
    byId("player", HTMLElement)
      .requestFullscreen()
      .catch(() => undefined);
  else video.webkitEnterFullscreen?.();
}
