/** What a request for a playlist says of whoever watches: that a socket counts them (docs/edge.md, "Viewers"). Pure text. */

/** The same address; the edge does not count who asks for it. */
export const withoutCount = (url: string): string => `${url}${url.includes("?") ? "&" : "?"}counted=socket`;
