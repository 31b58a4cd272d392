/** The bar over the window that can be sought: its right end is the live edge. */
import { byId, setText } from "../../dom.ts";
import type { Player } from "../player.ts";
import type { Snapshot } from "../snapshot.ts";
import { durationWords } from "../words.ts";

/** A window shorter than this is not worth a bar, seconds. */
const SHORTEST_SECONDS = 8;

/** Bind the bar; the answer draws it. */
export function bindSeekBar(player: Player): (snapshot: Snapshot) => void {
  const row = byId("seek-row", HTMLElement);
  const seek = byId("seek", HTMLInputElement);
  const tip = byId("tip", HTMLOutputElement);
  let dragging = false;
  let latest: Snapshot["reading"];

  const words = (seconds: number): string => {
    if (!latest) return "";
    if (!latest.live)
      return `${clockWords(seconds - latest.start)} of ${clockWords(latest.edge - latest.start)}`;
    const behind = latest.edge - seconds;
    return behind < 1 ? "live" : `${durationWords(Math.round(behind))} behind live`;
  };
  const point = (seconds: number, at: number): void => {
    tip.hidden = false;
    tip.style.setProperty("--at", `${at * 100}%`);
    setText(
      tip,
      latest?.live
        ? words(seconds)
            .replace(/^live$/, "Live")
            .replace(" behind live", " ago")
        : clockWords(seconds - (latest?.start ?? 0)),
    );
  };

  seek.addEventListener("input", () => {
    dragging = true;
    const seconds = Number(seek.value);
    fill(seek, seconds, latest);
    if (latest) point(seconds, (seconds - latest.start) / (latest.edge - latest.start));
  });
  seek.addEventListener("change", () => {
    dragging = false;
    tip.hidden = true;
    player.seek(Number(seek.value));
  });
  seek.addEventListener("pointermove", (event) => {
    if (!latest) return;
    const box = seek.getBoundingClientRect();
    const at = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    point(latest.start + at * (latest.edge - latest.start), at);
  });
  seek.addEventListener("pointerleave", () => {
    tip.hidden = true;
  });

  return ({ reading, phase }) => {
    latest = reading;
    const usable =
      reading !== undefined && reading.edge - reading.start >= SHORTEST_SECONDS && phase !== "ended";
    row.hidden = !usable;
    if (!usable || dragging) return;
    seek.min = String(reading.start);
    seek.max = String(reading.edge);
    seek.value = String(reading.position);
    seek.setAttribute("aria-valuetext", words(reading.position));
    fill(seek, reading.position, reading);
  };
}

/** `3:07`, for a place in a recording. */
function clockWords(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function fill(seek: HTMLInputElement, seconds: number, reading: Snapshot["reading"]): void {
  if (!reading) return;
  const share = (seconds - reading.start) / Math.max(0.001, reading.edge - reading.start);
  seek.style.setProperty("--filled", `${Math.min(100, Math.max(0, share * 100)).toFixed(2)}%`);
}
