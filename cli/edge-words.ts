/** What edges counted, in words for a terminal. Pure text. */
import type { Answered, EdgeAnswer, EdgeFigures, QoeAnswer } from "../wire/admin-edge.ts";
import { HITS, OUTCOMES } from "../wire/edge-report.ts";
import { printable } from "./printable.ts";
import { table } from "./table.ts";

const MISSES = OUTCOMES.filter((outcome) => !HITS.includes(outcome));

/** All streams a line each, and what they come to. */
export function edgePage({ minutes, totals, streams }: EdgeAnswer): string {
  if (totals.requests === 0 && totals.bucketReads === 0 && totals.streamCalls === 0)
    return `No edge has counted anything in the last ${spell(minutes)}.`;
  const rows = [...streams, { stream: "(all)", ...totals }];
  return [
    `The last ${spell(minutes)}:`,
    table(
      ["STREAM", "REQUESTS", "PER SECOND", "HIT", "MEDIA", "PLAYLISTS", "R2 READS", "OBJECT CALLS", "MISSES"],
      rows.map(({ stream, ...figures }) => [
        printable(stream),
        String(figures.requests),
        figures.perSecond.requests.toFixed(1),
        percent(figures.hitRatio),
        percent(figures.media.hitRatio),
        percent(figures.playlists.hitRatio),
        `${figures.bucketReads} (${figures.perSecond.bucketReads.toFixed(2)}/s)`,
        `${figures.streamCalls} (${figures.perSecond.streamCalls.toFixed(2)}/s)`,
        missWords(figures),
      ]),
    ),
  ].join("\n");
}

/** How the players of one stream do. */
export function qoePage(answer: QoeAnswer): string {
  const { stream, minutes, requests, startups, stalls, stallsPerThousand } = answer;
  if (requests === 0)
    return `No player of ${stream} has said anything of itself in the last ${spell(minutes)}. Players that send CMCD do.`;
  const { bitrate, buffer, throughput, latency, startDelay } = answer;
  const line = (name: string, mean: QoeAnswer["bitrate"], words: (value: number) => string) =>
    mean ? [`${name.padEnd(13)}${words(mean.mean)} on average of ${mean.count}`] : [];
  return [
    `Stream       ${printable(stream)}, the last ${spell(minutes)}`,
    `Requests     ${requests} with CMCD, ${startups} of them of players that were starting`,
    `Stalls       ${stalls} told of, ${(stallsPerThousand ?? 0).toFixed(2)} for each thousand requests`,
    ...line("Bitrate", bitrate, megabits),
    ...line("Buffer", buffer, seconds),
    ...line("Throughput", throughput, megabits),
    ...line("Latency", latency, seconds),
    ...line("Start", startDelay, seconds),
  ].join("\n");
}

function missWords({ media, playlists }: EdgeFigures): string {
  const of = ({ outcomes }: Answered, miss: (typeof MISSES)[number]) => outcomes[miss] ?? 0;
  const told = MISSES.map((miss) => [of(media, miss) + of(playlists, miss), miss] as const);
  return told
    .filter(([count]) => count > 0)
    .map(([count, miss]) => `${count} ${miss}`)
    .join(", ");
}

const spell = (minutes: number): string => (minutes === 1 ? "minute" : `${minutes} minutes`);
const percent = (ratio: number | undefined): string =>
  ratio === undefined ? "-" : `${(100 * ratio).toFixed(1)} %`;
const megabits = (kilobits: number): string => `${(kilobits / 1000).toFixed(2)} Mbit/s`;
const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;
