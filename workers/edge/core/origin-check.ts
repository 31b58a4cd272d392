/**
 * From whose pages a socket may be opened. A browser names the page's origin (RFC 6455 10.2) and sends this server's cookies
 * with it, whoever wrote the page; what is no browser sends no such header. Pure.
 */

/** May a page of this origin open a socket here? `allowed`: SOCKET_ORIGINS, with commas; `*` is everybody. */
export function isOriginAllowed(
  origin: string | null,
  requestUrl: string,
  allowed: string | undefined,
): boolean {
  if (origin === null) return true;
  const names = (allowed ?? "").split(",").map((name) => name.trim());
  if (names.includes("*")) return true;
  // "null": of a file, or of a frame that is kept apart. It is nobody's name.
  const page = originOf(origin);
  if (page === undefined) return false;
  // What ends TLS before us may speak http with us: the host is what counts.
  if (new URL(page).host === new URL(requestUrl).host) return true;
  return names.some((name) => originOf(name) === page);
}

/** As a browser writes it; `undefined` for what is no origin of the web. */
function originOf(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text).origin;
}
