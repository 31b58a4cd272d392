/**
 * Photos on their way to a room: drawn anew on a canvas, so that where and with what they were taken stays here, made smaller, and put
 * where the room says.
 */
import { fail, ok, type Result } from "../../media/result.ts";
import { MAX_PHOTO_BYTES, MAX_THUMBNAIL_BYTES } from "../../wire/conversations.ts";
import { fitted, MAX_PHOTO_PIXELS, MAX_THUMBNAIL_PIXELS, type Size } from "./photo-size.ts";

export const PHOTO_TYPE = "image/jpeg";
const PHOTO_QUALITY = 0.86;
const THUMBNAIL_QUALITY = 0.78;
const UPLOAD_MS = 120_000;

/** A photo that can be sent. */
export interface Prepared extends Size {
  readonly photo: Blob;
  readonly thumbnail: Blob;
  /** The thumbnail as a `data:` address. */
  readonly preview: string;
}

/** Read and draw a file that somebody chose. */
export async function prepare(file: Blob): Promise<Result<Prepared, "unreadable" | "tooLarge">> {
  const image = await createImageBitmap(file).catch(() => undefined);
  if (image === undefined || image.width === 0) return fail("unreadable");
  const size = fitted(image, MAX_PHOTO_PIXELS);
  const large = drawn(image, size);
  const small = drawn(image, fitted(image, MAX_THUMBNAIL_PIXELS));
  image.close();
  const [photo, thumbnail] = await Promise.all([
    blobOf(large, PHOTO_QUALITY),
    blobOf(small, THUMBNAIL_QUALITY),
  ]);
  if (photo === null || thumbnail === null) return fail("unreadable");
  if (photo.size > MAX_PHOTO_BYTES || thumbnail.size > MAX_THUMBNAIL_BYTES) return fail("tooLarge");
  return ok({ photo, thumbnail, preview: small.toDataURL(PHOTO_TYPE, THUMBNAIL_QUALITY), ...size });
}

function drawn(image: ImageBitmap, { width, height }: Size): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (context) {
    // JPEG knows nothing that can be seen through.
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, width, height);
  }
  return canvas;
}

const blobOf = (canvas: HTMLCanvasElement, quality: number): Promise<Blob | null> =>
  new Promise((resolve) => canvas.toBlob(resolve, PHOTO_TYPE, quality));

/** Put something where it belongs; `progress` is called with 0 to 1. Whether it is there. */
export function upload(path: string, body: Blob, progress: (part: number) => void): Promise<boolean> {
  return new Promise((resolve) => {
    // `fetch` does not say how far it is.
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    request.timeout = UPLOAD_MS;
    request.setRequestHeader("content-type", body.type);
    request.upload.addEventListener("progress", ({ loaded, total }) =>
      progress(total > 0 ? loaded / total : 0),
    );
    request.addEventListener("loadend", () => resolve(request.status >= 200 && request.status < 300));
    request.send(body);
  });
}
