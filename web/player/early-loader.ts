/** An hls.js loader that starts with a playlist the page already has (`early-fetch.ts`). */
import Hls, {
  type HlsConfig,
  type Loader,
  type LoaderCallbacks,
  type LoaderConfiguration,
  type LoaderContext,
} from "hls.js";

/** hls.js's loader, except that the first request is answered by `text` when it comes soon. */
export function earlyLoader(text: Promise<string>): NonNullable<HlsConfig["pLoader"]> {
  const Base = Hls.DefaultConfig.loader;
  let used = false;
  class EarlyLoader extends Base implements Loader<LoaderContext> {
    #aborted = false;

    override load(
      context: LoaderContext,
      config: LoaderConfiguration,
      callbacks: LoaderCallbacks<LoaderContext>,
    ): void {
      if (used) {
        super.load(context, config, callbacks);
        return;
      }
      used = true;
      this.context = context;
      this.stats.loading.start = performance.now();
      text.then(
        (data) => {
          if (this.#aborted) return;
          const { stats } = this;
          stats.loading.first = stats.loading.end = performance.now();
          stats.loaded = stats.total = data.length;
          callbacks.onSuccess({ url: context.url, data, code: 200 }, stats, context, null);
        },
        () => {
          if (!this.#aborted) super.load(context, config, callbacks);
        },
      );
    }

    override abort(): void {
      this.#aborted = true;
      super.abort();
    }

    override destroy(): void {
      this.#aborted = true;
      super.destroy();
    }
  }
  // hls.js names the parameter types of this constructor in two ways; both are loaders of any context.
  return EarlyLoader as unknown as NonNullable<HlsConfig["pLoader"]>;
}
