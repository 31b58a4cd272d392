/** Builds the pages into `dist/web`: every script and style is a file of its own under `/assets/`, none is inline. */
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The service worker, served at `/notifications.js` (workers/edge/pages.ts). */
const NOTIFICATIONS = "notifications";

/** hls.js is imported late so that the page runs before it; the browser may still fetch it first thing. */
function preloadPlayer(): Plugin {
  return {
    name: "preload-player",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle, filename }) {
        if (!bundle || !filename.endsWith("watch.html")) return [];
        const player = Object.values(bundle).flatMap((file) =>
          file.type === "chunk" && /assets\/(engine-)?hls/.test(file.fileName)
            ? [file.fileName, ...file.imports]
            : [],
        );
        return player
          .filter((name) => !html.includes(name))
          .map((name) => ({
            tag: "link",
            attrs: { rel: "modulepreload", crossorigin: true, href: `/${name}` },
            injectTo: "head",
          }));
      },
    },
  };
}

export default defineConfig({
  root: here("."),
  plugins: [preloadPlayer()],
  build: {
    outDir: here("../dist/web"),
    emptyOutDir: true,
    target: "es2022",
    // data: URLs would need a wider content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rollupOptions: {
      input: {
        index: here("index.html"),
        watch: here("watch.html"),
        messages: here("messages.html"),
        [NOTIFICATIONS]: here("worker/notifications.ts"),
      },
      output: {
        // A service worker has the same address for ever, and rules what is below it.
        entryFileNames: ({ name }) =>
          name === NOTIFICATIONS ? `${NOTIFICATIONS}.js` : "assets/[name]-[hash].js",
      },
    },
  },
});
