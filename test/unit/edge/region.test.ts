/** Regions of places, by cities. */
import { expect, it } from "vitest";
import { hintOf, regionOf } from "../../../workers/edge/core/region.ts";

it.each([
  ["Vancouver", "NA", 49.28, -123.12, "wnam"],
  ["Denver", "NA", 39.74, -104.99, "wnam"],
  ["Austin", "NA", 30.2713, -97.7426, "enam"],
  ["New York", "NA", 40.71, -74.01, "enam"],
  ["Honolulu", "NA", 21.31, -157.86, "wnam"],
  ["S\u00e3o Paulo", "SA", -23.55, -46.63, "sam"],
  ["Lisbon", "EU", 38.72, -9.14, "weur"],
  ["Vienna", "EU", 48.21, 16.37, "weur"],
  ["Stockholm", "EU", 59.33, 18.07, "weur"],
  ["Warsaw", "EU", 52.23, 21.01, "eeur"],
  ["Yekaterinburg", "EU", 56.84, 60.6, "eeur"],
  ["Vladivostok", "EU", 43.12, 131.89, "apac-ne"],
  ["Istanbul", "AS", 41.01, 28.98, "me"],
  ["Dubai", "AS", 25.2, 55.27, "me"],
  ["Mumbai", "AS", 19.08, 72.88, "apac-se"],
  ["Delhi", "AS", 28.61, 77.21, "apac-se"],
  ["Singapore", "AS", 1.35, 103.82, "apac-se"],
  ["Hong Kong", "AS", 22.32, 114.17, "apac-se"],
  ["Seoul", "AS", 37.57, 126.98, "apac-ne"],
  ["Tokyo", "AS", 35.68, 139.69, "apac-ne"],
  ["Sydney", "OC", -33.87, 151.21, "oc"],
  ["Lagos", "AF", 6.52, 3.38, "afr"],
  ["the South Pole", "AN", -90, 0, "any"],
] as const)("%s", (_city, continent, latitude, longitude, region) => {
  expect(regionOf({ continent, latitude: String(latitude), longitude: String(longitude) })).toBe(region);
});

it.each([
  ["nothing", {}, "any"],
  ["Tor", { continent: "T1" }, "any"],
  ["something that is no continent", { continent: 7 }, "any"],
  ["North America", { continent: "NA" }, "enam"],
  ["Europe", { continent: "EU" }, "weur"],
  ["Asia", { continent: "AS" }, "apac"],
  ["Asia and half a place", { continent: "AS", longitude: "139.69" }, "apac"],
  ["degrees that are none", { continent: "NA", longitude: "-1e3" }, "enam"],
  ["degrees that are empty", { continent: "NA", longitude: "" }, "enam"],
  ["degrees that are numbers", { continent: "NA", longitude: -123 }, "enam"],
] as const)("when %s is known", (_what, place, region) => {
  expect(regionOf(place)).toBe(region);
});

it("is where an object is asked to be", () => {
  expect([hintOf("apac-ne"), hintOf("any")]).toEqual([{ locationHint: "apac-ne" }, {}]);
});
