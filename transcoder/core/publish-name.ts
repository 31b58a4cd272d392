/** The stream name of an RTMP publish: the key, and what the encoder asks for behind a question mark. Pure. */

/** `<key>` or `<key>?yield=1`; anything else behind the question mark is ignored, as encoders send all sorts of things. */
export function readPublishName(name: string): { readonly key: string; readonly yields: boolean } {
  const [key = "", query = ""] = name.split("?", 2);
  return { key, yields: query.split("&").includes("yield=1") };
}
