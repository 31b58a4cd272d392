/** The key space of everything that the edge keeps in `caches.default`: no viewer's host is part of it. */
export const KEY_ORIGIN = "https://cache.millrace.invalid";
