/** Where the platform can make objects, by the names of Durable Objects' location hints: viewers of a region share shards. */
export const REGIONS = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const;
/** `any`: it is not known, and the object may be wherever the platform likes. */
export type Region = (typeof REGIONS)[number] | "any";
