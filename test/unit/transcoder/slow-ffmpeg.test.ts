/** A real FFmpeg that is slower than live, as on a host that is too small: what it is relieved of, and what that costs. */
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Encoder } from "../../../transcoder/encoder.ts";
import type { LogEvent } from "../../../transcoder/log.ts";
import { MadeUpOrigin, MadeUpPublication, NO_SPOOL } from "./made-up.ts";
import { makeSource, VERSION } from "./session.ts";

const SECONDS = 14;
const { messages } = makeSource("slow-ffmpeg", [
  ...["-f", "lavfi", "-i", "testsrc2=size=854x480:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=48000"],
  ...[
    "-t",
    String(SECONDS),
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-tune",
    "zerolatency",
    "-pix_fmt",
    "yuv420p",
  ],
  ...["-b:v", "3M", "-g", "25", "-keyint_min", "25", "-sc_threshold", "0", "-c:a", "aac"],
]);

/** Small pictures, with nothing below them that could be left out, but of many bytes. */
const { messages: small } = makeSource("small-ffmpeg", [
  ...["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25,noise=alls=80:allf=t"],
  ...["-t", String(SECONDS), "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"],
  ...["-pix_fmt", "yuv420p", "-b:v", "4M", "-g", "25", "-keyint_min", "25", "-sc_threshold", "0"],
]);

/** A program that is run instead of FFmpeg. */
function program(script: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "millrace-slow-")), "ffmpeg");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** FFmpeg that reads at 0.6 of live for as long as it has three tracks to make. */
const SLOW = 'case "$*" in *pipe:5*) exec ffmpeg -readrate 0.6 "$@" ;; *) exec ffmpeg "$@" ;; esac';

it.concurrent("leaves out its most expensive rung, keeps the rendition, and is live again", {
  timeout: 60_000,
}, async () => {
  const origin = new MadeUpOrigin();
  const publication = new MadeUpPublication();
  const logged: LogEvent[] = [];
  const encoder = new Encoder(publication, { key: "k" }, origin.grant(), {
    client: origin,
    ffmpeg: { program: program(SLOW), version: VERSION },
    spool: NO_SPOOL,
    log: (event) => logged.push(event),
  });
  const startedAt = performance.now();
  const first = messages[0]?.timestamp ?? 0;
  for (const message of messages) {
    const early = message.timestamp - first - (performance.now() - startedAt);
    if (early > 5) await new Promise((resolve) => setTimeout(resolve, early));
    publication.send(message);
  }
  publication.leave();
  await encoder.done;
  const slow = logged.filter(({ event }) => event === "too-slow");
  expect(slow).toHaveLength(1);
  expect(slow[0]).toMatchObject({ leavesOut: "v360" });
  const plans = logged.flatMap(({ event, plan }) => (event === "session-started" ? [plan] : []));
  expect(plans).toHaveLength(2);
  expect(plans[1]).toMatchObject({ renditions: [{ name: "v480", mode: "copy" }, { name: "audio" }] });
  // The second session has made up for what the first was behind.
  const ends = origin.entries.flatMap(({ entry, session }) =>
    entry.type === "part" && session === "b.2" ? [entry.at + 1000 * entry.duration] : [],
  );
  const begins = origin.entries.flatMap(({ entry }) => (entry.type === "part" ? [entry.at] : []));
  expect(publication.isPaused).toBe(false);
  expect((Math.max(...ends) - Math.min(...begins)) / 1000, "media up to the end").toBeGreaterThan(
    SECONDS - 1,
  );
});

it.concurrent("that hangs is replaced, and the encoder it kept waiting is not taken for silent", {
  timeout: 90_000,
}, async () => {
  const publication = new MadeUpPublication();
  const origin = new MadeUpOrigin();
  const logged: LogEvent[] = [];
  const marker = join(mkdtempSync(join(tmpdir(), "millrace-hang-")), "hung");
  // `mkdir` succeeds once.
  const hangsOnce = `mkdir ${marker} 2>/dev/null && exec sleep 90; exec ffmpeg "$@"`;
  const encoder = new Encoder(publication, { key: "k" }, origin.grant(), {
    client: origin,
    ffmpeg: { program: program(hangsOnce), version: VERSION },
    spool: NO_SPOOL,
    log: (event) => logged.push(event),
  });
  const isOver = () => publication.dropped !== undefined || origin.entries.length > 3;
  // Over and over, on one clock, and nothing while the socket is paused: as TCP has it.
  for (let round = 0; !isOver(); round += 1) {
    for (const message of small) {
      while (publication.isPaused && !isOver()) await new Promise((resolve) => setTimeout(resolve, 10));
      if (isOver()) break;
      publication.send({ ...message, timestamp: message.timestamp + round * SECONDS * 1000 });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
  expect(publication.dropped).toBeUndefined();
  expect(logged).toContainEqual(expect.objectContaining({ event: "session-trouble", reason: "standstill" }));
  expect(new Set(origin.entries.map(({ session }) => session))).toEqual(new Set(["b.2"]));
  publication.leave();
  await encoder.done;
});

it.concurrent("that dies leaves a whole segment of what it wrote", { timeout: 60_000 }, async () => {
  const publication = new MadeUpPublication();
  const origin = new MadeUpOrigin();
  const logged: LogEvent[] = [];
  const encoder = new Encoder(publication, { key: "k" }, origin.grant(), {
    client: origin,
    // That is one second of this source and most of another.
    ffmpeg: { program: program('head -c 700000 | ffmpeg "$@"; exit 1'), version: VERSION },
    spool: NO_SPOOL,
    log: (event) => logged.push(event),
  });
  for (const message of messages) {
    publication.send(message);
    if (logged.some(({ reason }) => reason === "ffmpeg")) break;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  publication.leave();
  await encoder.done;
  const first = origin.entries.filter(({ session }) => session === "b.1").map(({ entry }) => entry);
  const numbers = (type: "part" | "segment") =>
    new Set(first.flatMap((entry) => (entry.type === type ? [entry.msn] : [])));
  expect(numbers("part").size).toBeGreaterThan(0);
  expect(numbers("segment")).toEqual(numbers("part"));
});

it.concurrent("that takes nothing at all makes the encoder wait, and nothing grows", {
  timeout: 60_000,
}, async () => {
  const publication = new MadeUpPublication();
  const origin = new MadeUpOrigin();
  const encoder = new Encoder(publication, { key: "k" }, origin.grant(), {
    client: origin,
    ffmpeg: { program: program("exec sleep 60"), version: VERSION },
    spool: NO_SPOOL,
    log: () => {},
  });
  let sent = 0;
  let sentBytes = 0;
  for (const message of messages) {
    if (publication.isPaused) break;
    publication.send(message);
    sent += 1;
    sentBytes += message.payload.byteLength;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(publication.isPaused).toBe(true);
  expect(sent).toBeLessThan(messages.length);
  expect(sentBytes).toBeLessThan(2.5e6);
  encoder.stop();
  await encoder.done;
});
