/** The statistics overlay: what an operator asks for when a viewer complains. */
import { byId } from "../../dom.ts";
import type { Player } from "../player.ts";
import type { Snapshot } from "../snapshot.ts";
import { bitrateWords, qualityWords } from "../words.ts";

export interface Stats {
  readonly toggle: () => void;
  readonly draw: (snapshot: Snapshot) => void;
}

/** Bind the overlay. */
export function bindStats({ video }: Player): Stats {
  const list = byId("stats", HTMLElement);
  const cells = new Map<string, HTMLElement>();
  const put = (name: string, value: string): void => {
    let cell = cells.get(name);
    if (!cell) {
      const term = document.createElement("dt");
      term.textContent = name;
      cell = document.createElement("dd");
      cells.set(name, cell);
      list.append(term, cell);
    }
    cell.textContent = value;
  };
  return {
    toggle: () => {
      list.hidden = !list.hidden;
    },
    draw: (snapshot) => {
      if (list.hidden) return;
      for (const [name, value] of rows(snapshot, video)) put(name, value);
    },
  };
}

function rows(snapshot: Snapshot, video: HTMLVideoElement): readonly (readonly [string, string])[] {
  const { reading, latency, target, qualities } = snapshot;
  const seconds = (value: number | undefined): string =>
    value === undefined ? "–" : `${value.toFixed(2)} s`;
  const frames = video.getVideoPlaybackQuality();
  const playing = qualities?.playing;
  return [
    ["Latency", latency ? `${seconds(latency.seconds)} (by ${latency.by})` : "–"],
    [
      "Playlists",
      reading === undefined ? "–" : reading.pushed ? "Pushed over the socket" : "Asked for over HTTP",
    ],
    ["Behind playlist", reading?.live ? `${seconds(reading.latency)}, target ${seconds(target)}` : "–"],
    ["Buffer", seconds(reading?.buffer)],
    ["Rate", `${video.playbackRate.toFixed(2)}×`],
    ["Quality", playing ? `${qualityWords(playing)}, ${bitrateWords(playing.bitrate)}` : "–"],
    ["Throughput", reading?.bandwidth ? bitrateWords(reading.bandwidth) : "–"],
    ["Dropped frames", `${frames.droppedVideoFrames} of ${frames.totalVideoFrames}`],
    ["Stalls", String(snapshot.stalls)],
    ["First frame", snapshot.firstFrameMs === undefined ? "–" : `${Math.round(snapshot.firstFrameMs)} ms`],
    ["Engine", snapshot.engine || "–"],
  ];
}
