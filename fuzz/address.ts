/** Fuzz target: paths, file names and ids of media objects. Whatever is read is spelled in one way only. */
import {
  broadcastId,
  fileName,
  mediaKey,
  mediaPath,
  parseFileName,
  parseMediaPath,
  parseSessionId,
  sessionId,
  streamOfBroadcast,
} from "../media/address.ts";
import { mutateText } from "./mutate.ts";
import { noise, type Random } from "./random.ts";
import { asText, must, type Ran, type Target } from "./target.ts";

const STREAMS = [
  "demo",
  "a",
  "a-b",
  `a${"-".repeat(61)}z`,
  "-a",
  "A",
  "",
  "constructor",
  "a".repeat(64),
] as const;

function make(random: Random): string {
  const secret = Uint8Array.from({ length: 26 }, () => random.below(256));
  const broadcast = broadcastId(random.pick(STREAMS), secret);
  const count = () => random.pick([0, 1, 9, 10, 4_294_967_295, 9_999_999_999, 99_999_999_999]);
  const file = random.pick([
    "init.mp4",
    "seg-007.m4s",
    "part-7.00.m4s",
    fileName({ kind: "segment", msn: count() }),
    fileName({ kind: "part", msn: count(), part: count() }),
  ]);
  const text = random.pick([
    mediaPath({
      broadcast,
      session: count(),
      rendition: random.pick(["v720", "audio"]),
      file: { kind: "init" },
    }),
    `${broadcast}/${count()}/${random.pick(["v720", "constructor", "V", ""])}/${file}`,
    sessionId(broadcast, count()),
    file,
    String.fromCharCode(...noise(random, 30)),
  ]);
  return random.once(2) ? text : mutateText(text, random, 1 + random.below(2));
}

function run(text: string): Ran {
  const address = parseMediaPath(text);
  if (address) {
    must(mediaPath(address) === text, "a path is spelled in one way", [text, address]);
    must(!mediaKey(address).includes(".."), "keys do not climb", text);
  }
  const file = parseFileName(text);
  if (file) must(fileName(file) === text, "a file name is spelled in one way", [text, file]);
  const session = parseSessionId(text);
  if (session) {
    must(sessionId(session.broadcast, session.ordinal) === text, "a session id is spelled in one way", text);
    must(session.stream === streamOfBroadcast(session.broadcast), "a session belongs to its stream");
    must(session.broadcast.startsWith(`${session.stream}-`), "a broadcast begins with its stream");
  }
  const outcome = address ? "path" : file ? file.kind : session ? "session" : "refused";
  return { outcome, said: { address, file, session } };
}

export const address: Target = {
  name: "address",
  thousands: 200,
  reaches: ["path", "init", "segment", "part", "session", "refused"],
  make,
  run: (input) => run(asText(input)),
};
