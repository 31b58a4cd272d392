/**
 * The hls.js loader of playlists: the first one may be on its way already (`early-fetch.ts`), media playlists come from the
 * feed while it is up (`feed/pushed.ts`), everything else over HTTP by hls.js's own loader.
 */
import type {
  HlsConfig,
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderContext,
  LoaderResponse,
} from "hls.js";
import type { PushedPlaylists } from "./feed/pushed.ts";

/** `Base` is hls.js's loader; `early` answers the first request of all when it comes soon. */
export function playlistLoader(
  Base: HlsConfig["loader"],
  early: Promise<string> | undefined,
  pushed: Pick<PushedPlaylists, "ask">,
): NonNullable<HlsConfig["pLoader"]> {
  let first = early;
  class PlaylistLoader extends Base implements Loader<LoaderContext> {
    /** Takes back what is waited for; absent when nothing is, or when it goes over HTTP. */
    #takeBack: (() => void) | undefined;

    override load(
      context: LoaderContext,
      config: LoaderConfiguration,
      callbacks: LoaderCallbacks<LoaderContext>,
    ): void {
      const startMs = performance.now();
      // hls.js looks here for what is under way. `stats` stays untouched until the answer: HTTP wants it new.
      this.context = context;
      const settle = (text: string | undefined): void => {
        this.#takeBack = undefined;
        if (text === undefined) super.load(context, config, callbacks);
        else this.#succeed(context, callbacks, text, startMs);
      };
      const ahead = first;
      first = undefined;
      this.#takeBack = ahead ? whenSettled(ahead, settle) : pushed.ask(context.url, settle);
      if (!this.#takeBack) super.load(context, config, callbacks);
    }

    override abort(): void {
      if (this.#takeBack) this.stats.aborted = true;
      this.#stopWaiting();
      super.abort();
    }

    override destroy(): void {
      this.#stopWaiting();
      super.destroy();
    }

    #stopWaiting(): void {
      this.#takeBack?.();
      this.#takeBack = undefined;
    }

    #succeed(
      context: LoaderContext,
      callbacks: LoaderCallbacks<LoaderContext>,
      data: string,
      startMs: number,
    ): void {
      const { stats } = this;
      stats.loading.start = startMs;
      // The age of a playlist is counted from its first byte. No time between first and last: it says nothing of the line.
      stats.loading.first = stats.loading.end = performance.now();
      stats.loaded = stats.total = data.length;
      const response: LoaderResponse = { url: context.url, data, code: 200 };
      callbacks.onSuccess(response, stats, context, null);
    }
  }
  // hls.js names the parameter types of this constructor in two ways; both are loaders of any context.
  return PlaylistLoader as unknown as NonNullable<HlsConfig["pLoader"]>;
}

/** Pass on what a promise comes to, unless it is taken back. */
function whenSettled(text: Promise<string>, settle: (text: string | undefined) => void): () => void {
  let isWanted = true;
  const pass = (value: string | undefined): void => {
    if (isWanted) settle(value);
  };
  text.then(pass, () => pass(undefined));
  return () => {
    isWanted = false;
  };
}
