/** Entry of the watch page: puts player and controls together. hls.js comes in a chunk of its own, already on its way. */
import { lateChat } from "../chat/late.ts";
import { keepPlace } from "../chat/layout.ts";
import { byId } from "../dom.ts";
import { bindBar } from "./controls/bar.ts";
import { bindIdleness } from "./controls/idle.ts";
import { bindKeys } from "./controls/keyboard.ts";
import { bindMenu } from "./controls/menu.ts";
import { bindMessage } from "./controls/message.ts";
import { bindPage } from "./controls/page.ts";
import { bindSeekBar } from "./controls/seek-bar.ts";
import { bindStats } from "./controls/stats.ts";
import { publishDiagnostics } from "./diagnostics.ts";
import type { Engine, EngineEvent } from "./engine.ts";
import { isPossible, isPreferred, NativeEngine } from "./engine-native.ts";
import { lateFeed } from "./feed/late.ts";
import { placeOf } from "./place.ts";
import { Player } from "./player.ts";
import type { Snapshot } from "./snapshot.ts";

const video = byId("video", HTMLVideoElement);
const place = placeOf(location.pathname);
const chat = lateChat(place);

async function makeEngine(
  report: (event: EngineEvent) => void,
  early: (url: string) => Promise<string> | undefined,
): Promise<Engine> {
  if (isPreferred(video)) return new NativeEngine(video, report);
  const { HlsEngine, isSupported } = await import("./engine-hls.ts");
  if (!isSupported() && isPossible(video)) return new NativeEngine(video, report);
  return new HlsEngine(video, report, early, place);
}

const views: ((snapshot: Snapshot) => void)[] = [];
const player = new Player(video, place, makeEngine, (snapshot) => {
  for (const draw of views) draw(snapshot);
});
const stats = bindStats(player);
const feed = lateFeed(player, place, chat);
const menu = bindMenu(player, stats.toggle);
views.push(
  bindPage(),
  bindMessage(player),
  bindBar(player),
  bindSeekBar(player),
  menu,
  stats.draw,
  bindIdleness(),
  feed.look,
  keepPlace(),
);
bindKeys(player, stats.toggle);
publishDiagnostics(player, feed);
