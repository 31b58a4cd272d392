/** How large a photo is sent. Pure arithmetic. */

/** Longest side of a photo and of its thumbnail, pixels. */
export const MAX_PHOTO_PIXELS = 2_048;
export const MAX_THUMBNAIL_PIXELS = 320;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size with its longest side cut down to `longest`; never larger than it is, and never nothing. */
export function fitted({ width, height }: Size, longest: number): Size {
  const scale = Math.min(1, longest / Math.max(width, height));
  return { width: Math.max(1, Math.round(scale * width)), height: Math.max(1, Math.round(scale * height)) };
}

/** The box in which a thumbnail stands before it is loaded: as wide as it may be, and neither a thread nor a tower. */
export function boxOf(size: Size): Size {
  const { width, height } = fitted(size, MAX_THUMBNAIL_PIXELS);
  return { width: Math.max(width, 80), height: Math.max(height, 60) };
}
