/**
 * A Worker that only looks into the cache: what the edge is measured against in `npm run bench`. A POST puts its body there.
 * A test entry; it is no part of the product.
 */
export default {
  async fetch(request) {
    if (request.method === "POST") {
      const headers = { "cache-control": "public, max-age=3600", "content-type": "video/iso.segment" };
      await caches.default.put(request.url, new Response(await request.arrayBuffer(), { headers }));
      return new Response(null, { status: 204 });
    }
    return (await caches.default.match(request)) ?? new Response(null, { status: 404 });
  },
} satisfies ExportedHandler;
