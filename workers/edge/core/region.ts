/** Where in the world a viewer is, as the platform names places for objects: viewers of a region share shards. Pure. */

import type { Region } from "../../../wire/regions.ts";

/** How an object is asked to be in a region; an object is where it was first asked for from, and the hint is a wish. */
export const hintOf = (region: Region): { readonly locationHint?: Exclude<Region, "any"> } =>
  region === "any" ? {} : { locationHint: region };

/** What the platform says of a request's place (`request.cf`); degrees are text there. */
export interface Place {
  readonly continent?: unknown;
  readonly latitude?: unknown;
  readonly longitude?: unknown;
}

/** East of it North America is `enam`: the middle of Texas and the Dakotas. */
const NORTH_AMERICA_EAST = -100;
/** East of it Europe is `eeur`: Stockholm and Vienna are west of it, Budapest and Warsaw east. */
const EUROPE_EAST = 18.5;
/** What the platform calls Europe goes on to the Pacific: east of it Japan is nearest. */
const SIBERIA_EAST = 100;
/** West of it Asia is the Middle East. */
const MIDDLE_EAST_END = 60;
/** North and east of these Asia is `apac-ne`: China, Korea, Japan. Hong Kong, India and what is south of them are `apac-se`. */
const NORTHEAST_ASIA = { latitude: 23.5, longitude: 100 };

/** The region of a place. Without degrees a continent is the half where most of its people are, or the whole of it. */
export function regionOf({ continent, latitude, longitude }: Place): Region {
  const [north, east] = [degrees(latitude), degrees(longitude)];
  switch (continent) {
    case "NA":
      return east !== undefined && east < NORTH_AMERICA_EAST ? "wnam" : "enam";
    case "SA":
      return "sam";
    case "EU":
      if (east === undefined || east < EUROPE_EAST) return "weur";
      return east < SIBERIA_EAST ? "eeur" : "apac-ne";
    case "AS":
      return asia(north, east);
    case "OC":
      return "oc";
    case "AF":
      return "afr";
    // Antarctica, Tor, and whatever comes.
    default:
      return "any";
  }
}

function asia(north: number | undefined, east: number | undefined): Region {
  if (north === undefined || east === undefined) return "apac";
  if (east < MIDDLE_EAST_END) return "me";
  return north > NORTHEAST_ASIA.latitude && east > NORTHEAST_ASIA.longitude ? "apac-ne" : "apac-se";
}

function degrees(text: unknown): number | undefined {
  if (typeof text !== "string" || !/^-?[0-9]{1,3}(\.[0-9]{1,15})?$/.test(text)) return undefined;
  return Number(text);
}
