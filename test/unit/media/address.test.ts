/** Names in URLs: what is written is read back, and nothing else is read at all. */
import { describe, expect, it } from "vitest";
import {
  BROADCAST_SECRET_BYTES,
  broadcastId,
  contentType,
  fileName,
  type MediaAddress,
  mediaKey,
  mediaPath,
  parseFileName,
  parseMediaPath,
  parseSessionId,
  RENDITION_NAME,
  STREAM_ID,
  secretLetters,
  sessionId,
  streamOfBroadcast,
} from "../../../media/address.ts";

const bytes = (n: number) =>
  Uint8Array.from({ length: BROADCAST_SECRET_BYTES }, (_, i) => (i * 37 + n) & 255);
const BROADCAST = broadcastId("demo", bytes(1));

describe("stream ids", () => {
  it.each(["a", "7", "demo", "a-b", "a--b", "x".repeat(63), `a${"-".repeat(61)}b`])("%s is one", (id) => {
    expect(STREAM_ID.test(id)).toBe(true);
  });
  it.each(["", "-a", "a-", "A", "demo.", "a_b", "a/b", "..", "é", "a\n", "demo ", "x".repeat(64)])(
    "%j is none",
    (id) => {
      expect(STREAM_ID.test(id)).toBe(false);
    },
  );
});

describe("broadcast and session ids", () => {
  it.each(["a", "demo", "a--b", "x".repeat(63), `demo-${secretLetters(bytes(3))}`])(
    "lead back to stream %s",
    (stream) => {
      for (const n of [0, 1, 128, 255]) {
        const broadcast = broadcastId(stream, bytes(n));
        expect(streamOfBroadcast(broadcast)).toBe(stream);
        expect(parseSessionId(sessionId(broadcast, 12))).toEqual({ stream, broadcast, ordinal: 12 });
      }
    },
  );
  it("hold 130 random bits: every byte changes them, and more bytes than needed do not", () => {
    expect(BROADCAST).toMatch(/^demo-[0-9a-hjkmnp-tv-z]{26}$/);
    for (let i = 0; i < BROADCAST_SECRET_BYTES; i += 1) {
      const other = bytes(1);
      other[i] = (other[i] ?? 0) ^ 1;
      expect(broadcastId("demo", other)).not.toBe(BROADCAST);
    }
    expect(broadcastId("demo", Uint8Array.from([...bytes(1), 7, 7]))).toBe(BROADCAST);
    expect(new Set(secretLetters(Uint8Array.from({ length: 256 }, (_, i) => i))).size).toBe(32);
  });
  it.each([
    "demo",
    "demo-",
    `-${secretLetters(bytes(1))}`,
    secretLetters(bytes(1)),
    BROADCAST.slice(0, -1),
    BROADCAST.toUpperCase(),
    BROADCAST.replace("demo", "de/mo"),
    BROADCAST.replace("demo", ".."),
    BROADCAST.replace(/.$/, "u"),
    `${BROADCAST}\n`,
    `${"x".repeat(64)}-${secretLetters(bytes(1))}`,
  ])("%j is no broadcast", (id) => {
    expect(streamOfBroadcast(id)).toBeUndefined();
    expect(parseSessionId(`${id}.1`)).toBeUndefined();
  });
  it.each(["", ".", ".0", ".01", ".-1", ".1.", ".1.1", ".1e3", ". 1", ".1234567890", ".x"])(
    "a broadcast with %j behind it is no session",
    (tail) => {
      expect(parseSessionId(`${BROADCAST}${tail}`)).toBeUndefined();
    },
  );
});

describe("media objects", () => {
  const place = { broadcast: BROADCAST, session: 3, rendition: "v720" };
  const ADDRESSES: readonly (readonly [MediaAddress, string])[] = [
    [{ ...place, file: { kind: "init" } }, `${BROADCAST}/3/v720/init.mp4`],
    [{ ...place, file: { kind: "segment", msn: 0 } }, `${BROADCAST}/3/v720/seg-0.m4s`],
    [{ ...place, file: { kind: "segment", msn: 4_294_967_295 } }, `${BROADCAST}/3/v720/seg-4294967295.m4s`],
    [{ ...place, file: { kind: "part", msn: 17, part: 0 } }, `${BROADCAST}/3/v720/part-17.0.m4s`],
    [
      { ...place, rendition: "audio", file: { kind: "part", msn: 17, part: 12 } },
      `${BROADCAST}/3/audio/part-17.12.m4s`,
    ],
  ];
  it.each(ADDRESSES)("are written and read back: %o", (address, path) => {
    expect(mediaPath(address)).toBe(path);
    expect(mediaKey(address)).toBe(`media/${path}`);
    expect(parseMediaPath(path)).toEqual(address);
    expect(parseFileName(fileName(address.file))).toEqual(address.file);
  });

  it.each([
    "",
    "init.mp4/",
    "INIT.MP4",
    "init.mp4%00",
    "seg-.m4s",
    "seg-01.m4s",
    "seg-+1.m4s",
    "seg--1.m4s",
    "seg-1.5.m4s",
    "seg-1e3.m4s",
    "seg-1.M4S",
    "seg-1.m4s\n",
    " seg-1.m4s",
    "seg-12345678901.m4s",
    "seg-1.mp4",
    "part-1.m4s",
    "part-1.00.m4s",
    "part-1.2.3.m4s",
    "part-١.2.m4s",
    "index.m3u8",
    "..",
  ])("%j is no file", (name) => {
    expect(parseFileName(name)).toBeUndefined();
    expect(parseMediaPath(`${BROADCAST}/3/v720/${name}`)).toBeUndefined();
  });

  it.each([
    `/${BROADCAST}/3/v720/init.mp4`,
    `${BROADCAST}/3/v720/init.mp4/`,
    `${BROADCAST}//3/v720/init.mp4`,
    `${BROADCAST}/3/v720/../v720/init.mp4`,
    `${BROADCAST}/3/../init.mp4`,
    `${BROADCAST}/3/%2e%2e/init.mp4`,
    `../${BROADCAST}/3/v720/init.mp4`,
    `${BROADCAST}/3/v720%2Finit.mp4`,
    `${BROADCAST}/3/v720\\init.mp4`,
    `${BROADCAST}/0/v720/init.mp4`,
    `${BROADCAST}/03/v720/init.mp4`,
    `${BROADCAST}/3.0/v720/init.mp4`,
    `${BROADCAST}/3/V720/init.mp4`,
    `${BROADCAST}/3/v720-hd/init.mp4`,
    `${BROADCAST}/3/${"v".repeat(17)}/init.mp4`,
    `${BROADCAST}/3//init.mp4`,
    `${BROADCAST}/3/v720`,
    "demo/3/v720/init.mp4",
    `${BROADCAST}/3/v720/init.mp4?x=1`,
  ])("%j is no path", (path) => {
    expect(parseMediaPath(path)).toBeUndefined();
  });

  it("rendition names are short, lower case and plain", () => {
    for (const name of ["v720", "audio", "a", "0".repeat(16)]) expect(RENDITION_NAME.test(name)).toBe(true);
    for (const name of ["", "V1", "v-1", "v.1", "v1\n", "v".repeat(17)])
      expect(RENDITION_NAME.test(name)).toBe(false);
  });

  it("rule 29: init sections and segments have the media types of CMAF", () => {
    expect(contentType({ kind: "init" })).toBe("video/mp4");
    expect(contentType({ kind: "segment", msn: 1 })).toBe("video/iso.segment");
    expect(contentType({ kind: "part", msn: 1, part: 1 })).toBe("video/iso.segment");
  });
});
