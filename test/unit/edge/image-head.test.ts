/** Heads of images: what FFmpeg wrote, what is built by hand, and bytes that are none. */
import { describe, expect, it } from "vitest";
import { readImageHead } from "../../../workers/edge/core/image-head.ts";

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, "base64"));
/** The beginning of a test picture of 124 by 46 pixels, as FFmpeg 5.1 wrote it. */
const WRITTEN = {
  jpeg: bytesOf(
    "/9j/4AAQSkZJRgABAgAAAQABAAD//gAQTGF2YzU5LjM3LjEwMAD/2wBDAAgGBgcGBwgICAgICAkJCQoKCgkJCQkKCgoKCgoMDAwKCgoKCgoKDAwMDA0ODQ0NDA0ODg8PDxISEREVFRUZGR//xACtAAADAQEBAQAAAAAAAAAAAAAABgcIBQQDAQACAwEBAQAAAAAAAAAAAAAABwUGCAQDAhAAAQMDAQUGBAYBBQEAAAAAAQQDAgUAEQazdBM0EgdBMYMiIYS0NTZzsVEUpDLUwVNDVdMVEQAABQICAwwGBggHAQAAAAAAAwIBBBEFEgYhNLKzB4I1NhMxhHS0cyKDdbFBCBSkUcG1NyPUVNMWFSREMmFSQqOhkoFx/8AAEQgALgB8AwESAAISAAMSAP8=",
  ),
  png: bytesOf("iVBORw0KGgoAAAANSUhEUgAAAHwAAAAuCAIAAABlOuoVAAAACXBIWQ=="),
  gif: bytesOf("R0lGODlhfAAuAPcfMQAAACQAAEgAAGwAAJAAALQAANgAAPwAAAAkAA=="),
  lossy: bytesOf("UklGRugDAABXRUJQVlA4INwDAABQGQCdASp8AC4APo04mEelI6KhLg=="),
  lossless: bytesOf("UklGRgIBAABXRUJQVlA4TPYAAAAve0ALAJkLLET0P+g3BNm2qeYERw=="),
};
/** An extended WebP (RFC 9649, 2.7): its canvas is the size. */
const EXTENDED = Uint8Array.from([
  ...Buffer.from("RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0", "latin1"),
  ...[0x10, 0, 0, 0, 123, 0, 0, 45, 0, 0],
]);

describe("the head of an image", () => {
  it.each([
    ["JPEG", WRITTEN.jpeg, "image/jpeg"],
    ["PNG", WRITTEN.png, "image/png"],
    ["GIF", WRITTEN.gif, "image/gif"],
    ["WebP", WRITTEN.lossy, "image/webp"],
    ["lossless WebP", WRITTEN.lossless, "image/webp"],
    ["extended WebP", EXTENDED, "image/webp"],
  ])("says kind and size: %s", (_name, bytes, type) => {
    expect(readImageHead(bytes)).toEqual({ type, width: 124, height: 46 });
  });

  it("is found behind other segments, and fill bytes", () => {
    const [start, rest] = [WRITTEN.jpeg.subarray(0, 2), WRITTEN.jpeg.subarray(2)];
    const exif = [0xff, 0xe1, 0x40, 0x02, ...Array<number>(0x4000).fill(0x78)];
    expect(readImageHead(Uint8Array.from([...start, ...exif, 0xff, 0xff, ...rest]))).toMatchObject({
      width: 124,
    });
  });

  it.each([
    ["nothing", ""],
    ["a page", "<html><script>alert(1)</script>"],
    ["an SVG", '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'],
    ["only a signature of PNG", "\x89PNG\r\n\x1a\n"],
    ["a PNG whose first chunk is another", `\x89PNG\r\n\x1a\n\0\0\0\x0dtEXt${"\0".repeat(30)}`],
    ["a JPEG that ends before its frame", "\xff\xd8\xff\xe0\0\x04ab"],
    ["a JPEG whose scan comes first", "\xff\xd8\xff\xda\0\x08abcdef"],
    ["a JPEG with a segment of no length", "\xff\xd8\xff\xe0\0\0\xff\xc0\0\x11\x08\0\x10\0\x10"],
    ["tables that are no frame", "\xff\xd8\xff\xc4\0\x0b\x08\0\x10\0\x10\0\0\0\0"],
    ["a RIFF that is a sound", "RIFF\x16\0\0\0WAVEfmt \x10\0\0\0aaaaaaaaaaaa"],
  ])("is not there: %s", (_name, text) => {
    expect(readImageHead(Uint8Array.from(Buffer.from(text, "latin1")))).toBeUndefined();
  });

  it("is not there when a side is nothing", () => {
    const png = Uint8Array.from(WRITTEN.png);
    png.fill(0, 16, 20);
    expect(readImageHead(png)).toBeUndefined();
  });

  it("throws for no bytes: cut anywhere, changed anywhere", () => {
    let seed = 1;
    const chance = (below: number): number => {
      seed = (seed * 48_271) % 0x7fffffff;
      return seed % below;
    };
    for (const whole of [...Object.values(WRITTEN), EXTENDED]) {
      for (let length = 0; length < whole.length; length += 1) readImageHead(whole.subarray(0, length));
      for (let n = 0; n < 3_000; n += 1) {
        const changed = Uint8Array.from(whole);
        for (let k = chance(4); k >= 0; k -= 1) changed[chance(changed.length)] = chance(256);
        const head = readImageHead(changed.subarray(0, 1 + chance(changed.length)));
        if (head) expect(Math.min(head.width, head.height)).toBeGreaterThan(0);
      }
    }
  });
});
