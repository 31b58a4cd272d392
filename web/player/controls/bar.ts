/** Play, sound, live badge, latency, picture-in-picture and full screen. */
import { byId, setText } from "../../dom.ts";
import type { Player } from "../player.ts";
import type { Snapshot } from "../snapshot.ts";
import { readStore, writeStore } from "../store.ts";
import { durationWords } from "../words.ts";
import { face } from "./button.ts";
import { canFullscreen, isFullscreen, toggleFullscreen } from "./fullscreen.ts";

const VOLUME_KEY = "millrace.volume";

/** Bind the bar; the answer draws it. */
export function bindBar(player: Player): (snapshot: Snapshot) => void {
  const { video } = player;
  const play = byId("play", HTMLButtonElement);
  const mute = byId("mute", HTMLButtonElement);
  const volume = byId("volume", HTMLInputElement);
  const live = byId("live", HTMLButtonElement);
  const latency = byId("latency", HTMLElement);
  const latencyTime = byId("latency-time", HTMLElement);
  const pip = byId("pip", HTMLButtonElement);
  const fullscreen = byId("fullscreen", HTMLButtonElement);

  const kept = readStore(VOLUME_KEY);
  if (kept !== undefined && Number(kept) >= 0) video.volume = Math.min(1, Number(kept));

  const drawSound = (): void => {
    const percent = video.muted ? 0 : Math.round(video.volume * 100);
    face(
      mute,
      percent === 0 ? "mute" : percent < 50 ? "soft" : "loud",
      percent === 0 ? "Unmute (M)" : "Mute (M)",
    );
    volume.value = String(percent);
    volume.setAttribute("aria-valuetext", percent === 0 ? "muted" : `${percent} percent`);
    volume.style.setProperty("--filled", `${percent}%`);
  };
  const drawFullscreen = (): void =>
    face(
      fullscreen,
      isFullscreen() ? "window" : "fullscreen",
      isFullscreen() ? "Leave full screen (F)" : "Full screen (F)",
    );

  play.addEventListener("click", () => player.dispatch({ type: "toggle" }));
  mute.addEventListener("click", () => toggleMute(player));
  volume.addEventListener("input", () => setVolume(player, Number(volume.value) / 100));
  live.addEventListener("click", () => player.dispatch({ type: "go-live" }));
  video.addEventListener("volumechange", drawSound);
  video.addEventListener("click", () => {
    // A tap on a touch screen brings the controls up; idle.ts sees to that.
    if (matchMedia("(hover: hover)").matches) player.dispatch({ type: "toggle" });
  });
  video.addEventListener("dblclick", () => toggleFullscreen(video));
  fullscreen.hidden = !canFullscreen(video);
  fullscreen.addEventListener("click", () => toggleFullscreen(video));
  document.addEventListener("fullscreenchange", drawFullscreen);
  pip.hidden = !document.pictureInPictureEnabled;
  face(pip, "pip", "Picture in picture");
  pip.addEventListener("click", () => {
    const done = document.pictureInPictureElement
      ? document.exitPictureInPicture()
      : video.requestPictureInPicture();
    // Refused before the first frame; there is nothing to show then.
    done.catch(() => undefined);
  });
  drawSound();
  drawFullscreen();

  return (snapshot) => {
    const { phase, replay, reading } = snapshot;
    const stopped = phase === "ended" && snapshot.status?.playlist !== undefined;
    const waits = phase === "paused" || phase === "blocked";
    face(
      play,
      stopped ? "replay" : waits ? "play" : "pause",
      stopped ? "Watch again (K)" : waits ? "Play (K)" : "Pause (K)",
    );
    play.disabled = reading === undefined && !stopped && phase !== "blocked";
    drawLive(live, snapshot);
    const behind = snapshot.latency?.seconds;
    const shown = reading?.live && behind !== undefined && (phase === "playing" || phase === "paused");
    setText(latencyTime, shown ? durationWords(behind) : "");
    latency.title = shown ? `${durationWords(behind)} behind live` : "";
    latency.hidden = replay || !shown;
    pip.disabled = video.readyState < HTMLMediaElement.HAVE_METADATA;
  };
}

function drawLive(live: HTMLButtonElement, { replay, reading, atEdge, phase, status }: Snapshot): void {
  const onAir = reading?.live === true && phase !== "ended";
  live.hidden = !onAir && !replay;
  const interrupted = status?.state === "interrupted";
  const state = replay ? "replay" : atEdge && phase === "playing" && !interrupted ? "edge" : "behind";
  live.dataset.state = state;
  setText(live, replay ? "Replay" : atEdge ? "Live" : "Go live");
  const label = state === "replay" ? "Replay of a show that ended" : atEdge ? "Live" : "Go live (L)";
  live.setAttribute("aria-label", label);
  live.title = label;
  live.disabled = replay || (atEdge && phase === "playing");
}

/** Sound on or off; a volume of nothing is raised so that "on" can be heard. */
export function toggleMute(player: Player): void {
  const { video } = player;
  const silent = video.muted || video.volume === 0;
  if (silent && video.volume === 0) video.volume = 0.5;
  player.setMuted(!silent);
}

/** Set the volume, 0 to 1, and remember it. */
export function setVolume(player: Player, volume: number): void {
  const kept = Math.min(1, Math.max(0, volume));
  player.video.volume = kept;
  player.setMuted(kept === 0);
  if (kept > 0) writeStore(VOLUME_KEY, kept.toFixed(2));
}
