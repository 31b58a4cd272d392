/**
 * Photos of conversations over HTTP: their addresses, and the token that lets one be uploaded (docs/wire.md, "Photos"). Signing and
 * verifying stand in workers/photo-tokens.ts.
 */
import * as v from "valibot";
import { ulid } from "./chat.ts";
import { PhotoSchema } from "./conversations.ts";

/** `aud` of such a token: no other token opens an upload, and this one opens nothing else. */
export const PHOTO_AUDIENCE = "photo";
/** How long it is good. */
export const UPLOAD_SECONDS = 600;
/** Pixels of the longer side of a thumbnail. */
export const MAX_THUMBNAIL_PIXELS = 640;
export const THUMBNAIL_TYPES = ["image/jpeg", "image/png", "image/webp"] as const;

export const PhotoClaimsSchema = v.object({
  aud: v.literal(PHOTO_AUDIENCE),
  /** Seconds since 1970. */
  exp: v.number(),
  room: ulid,
  photo: PhotoSchema,
});
/** What may be uploaded, and where. */
export type PhotoClaims = Readonly<v.InferOutput<typeof PhotoClaimsSchema>>;

/** A photo, or its thumbnail. */
export interface PhotoAddress {
  readonly room: string;
  readonly id: string;
  readonly thumbnail: boolean;
}

const PATH = /^\/photos\/([0-7][0-9A-HJKMNP-TV-Z]{25})\/([A-Za-z0-9_-]{22})(\/thumbnail)?$/;

/** The address that a path is; `undefined`: it is none. */
export function readPhotoPath(path: string): PhotoAddress | undefined {
  const [, room, id, thumbnail] = PATH.exec(path) ?? [];
  return room === undefined || id === undefined
    ? undefined
    : { room, id, thumbnail: thumbnail !== undefined };
}

export const photoPath = ({ room, id, thumbnail }: PhotoAddress): string =>
  `/photos/${room}/${id}${thumbnail ? "/thumbnail" : ""}`;

/** Key in R2. */
export const photoKey = ({ room, id, thumbnail }: PhotoAddress): string =>
  `chat/${room}/${id}${thumbnail ? "/thumbnail" : ""}`;
