/** The feed beside the player: carries what the socket tells to player and playlists, and what the player does to the socket. */
import type { Centrifuge } from "centrifuge";
import type { LiveEvent } from "../../../wire/live-events.ts";
import type { Place } from "../place.ts";
import type { Player } from "../player.ts";
import type { Snapshot } from "../snapshot.ts";
import { LiveFeed } from "./live-feed.ts";
import type { PushedPlaylists } from "./pushed.ts";
import { addLook, isWatching, NOTHING_SEEN, type QoeLook, takeReport } from "./qoe.ts";

const REPORT_MS = 10_000;

export interface BoundFeed {
  readonly live: LiveFeed;
  /** Look at the player. */
  readonly look: (snapshot: Snapshot) => void;
}

/** Bind them, and connect. */
export function bindFeed(
  player: Player,
  place: Place,
  pushed: PushedPlaylists,
  useSocket: (client: Centrifuge) => void,
): BoundFeed {
  const { video } = player;
  const live = new LiveFeed(place, {
    timeline: (timeline) => pushed.show(timeline),
    event: (event) => tellPlayer(player, event),
    followed: (fed, missed) => player.dispatch({ type: "fed", fed, missed, random: Math.random() }),
    isPlayable: () => player.snapshot.status?.playlist !== undefined,
    socket: useSocket,
  });
  live.start();
  let tally = NOTHING_SEEN;
  let reportedAtMs = performance.now();

  const look = (snapshot: Snapshot): void => {
    const { phase } = snapshot;
    pushed.hasSocket = live.isConnected;
    const audible = !video.muted && video.volume > 0;
    live.setPlaying(isWatching({ phase, paused: video.paused, hidden: document.hidden, audible }));

    const now = performance.now();
    tally = addLook(tally, lookAt(snapshot, video, now));
    if (now - reportedAtMs < REPORT_MS || !live.isConnected) return;
    reportedAtMs = now;
    const taken = takeReport(tally);
    tally = taken.tally;
    if (taken.report) live.report(taken.report);
  };
  return { live, look };
}

function tellPlayer(player: Player, event: LiveEvent): void {
  switch (event.type) {
    case "status":
      player.dispatch({ ...event, type: "told", random: Math.random() });
      return;
    case "title":
      player.dispatch({ type: "titled", title: event.title });
      return;
    case "viewers":
      player.setViewers(event.viewers);
      return;
    case "media":
    case "timeline":
    case "end":
    case "app":
      return;
  }
}

function lookAt(snapshot: Snapshot, video: HTMLVideoElement, atMs: number): QoeLook {
  const { phase, firstFrameMs, latency, reading, qualities } = snapshot;
  const frames = video.getVideoPlaybackQuality();
  const height = qualities?.chosen === "audio" ? 0 : qualities?.playing?.height;
  return {
    atMs,
    phase,
    droppedFrames: frames.droppedVideoFrames,
    shownFrames: frames.totalVideoFrames - frames.droppedVideoFrames,
    ...(firstFrameMs !== undefined && { startupMs: firstFrameMs }),
    ...(latency && reading?.live && { latencyMs: 1000 * latency.seconds }),
    ...(height !== undefined && { height }),
  };
}
