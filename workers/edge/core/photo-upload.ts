/** Whether an upload is what its ticket says: first by its headers, then by its first bytes. Pure. */
import { MAX_THUMBNAIL_BYTES } from "../../../wire/conversations.ts";
import {
  MAX_THUMBNAIL_PIXELS,
  type PhotoAddress,
  type PhotoClaims,
  THUMBNAIL_TYPES,
} from "../../../wire/photo-upload.ts";
import { type Problem, problem } from "../../../wire/problem.ts";
import { readImageHead } from "./image-head.ts";

/** Bytes that an upload may have. */
export const limitOf = ({ thumbnail }: PhotoAddress, { photo }: PhotoClaims): number =>
  thumbnail ? MAX_THUMBNAIL_BYTES : photo.bytes;

/** The ticket is for this address. */
export const isFor = ({ room, id }: PhotoAddress, claims: PhotoClaims): boolean =>
  claims.room === room && claims.photo.id === id;

/** What is wrong with the declared type, if anything. */
export function typeProblem(
  { thumbnail }: PhotoAddress,
  { photo }: PhotoClaims,
  declared: string | undefined,
): Problem | undefined {
  const allowed: readonly string[] = thumbnail ? THUMBNAIL_TYPES : [photo.type];
  if (declared !== undefined && allowed.includes(declared)) return undefined;
  return problem(415, "unsupported-media-type", "That is not the type that was announced.", { allowed });
}

/** What is wrong with the bytes, if anything. */
export function imageProblem(
  { thumbnail }: PhotoAddress,
  { photo }: PhotoClaims,
  declared: string,
  bytes: Uint8Array,
): Problem | undefined {
  const head = readImageHead(bytes);
  if (head?.type !== declared)
    return problem(422, "not-an-image", "The bytes are no image of that type.", { declared });
  const { width, height } = head;
  if (thumbnail) {
    if (Math.max(width, height) <= MAX_THUMBNAIL_PIXELS) return undefined;
    return problem(422, "wrong-size", "The thumbnail is too large.", {
      width,
      height,
      limit: MAX_THUMBNAIL_PIXELS,
    });
  }
  const isSame = width === photo.width && height === photo.height;
  // A camera that is held upright says so in its metadata: browsers turn such an image before they say how large it is.
  const isTurned = head.type === "image/jpeg" && width === photo.height && height === photo.width;
  if (isSame || isTurned) return undefined;
  return problem(422, "wrong-size", "The image is not as large as was announced.", { width, height });
}
