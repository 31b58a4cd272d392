/** hls.js settings by latency profile. Pure data; catch-up is `pace.ts`, not hls.js. */
import type { HlsConfig } from "hls.js";
import type { ProfileName } from "../../media/profile.ts";

/** Seconds of the past kept in memory, so that a short seek back is instant. */
const BACK_BUFFER_SECONDS = 60;
/** Longest that a blocking reload is held is 3 x TARGETDURATION (rfc8216bis 6.2.5.2); some network on top. */
const HELD_MS: Record<ProfileName, number> = { standard: 16_000, low: 10_000, ultra: 8_000 };
/** With little buffer, ABR must notice a slower line sooner. */
const ABR_FAST_SECONDS: Record<ProfileName, number> = { standard: 3, low: 2, ultra: 1.5 };

/** What hls.js is made with. `bandwidth` is what this browser measured last time, bits a second. */
export function tuningOf(profile: ProfileName, bandwidth: number): Partial<HlsConfig> {
  const retry = {
    maxNumRetry: 4,
    retryDelayMs: 300,
    maxRetryDelayMs: 3_000,
    backoff: "exponential",
  } as const;
  const policy = (firstByteMs: number) => ({
    default: {
      maxTimeToFirstByteMs: firstByteMs,
      maxLoadTimeMs: 30_000,
      timeoutRetry: retry,
      errorRetry: retry,
    },
  });
  return {
    // A worker would have to come from a blob, which the page's policy forbids; fMP4 needs next to no work.
    enableWorker: false,
    lowLatencyMode: profile !== "standard",
    backBufferLength: BACK_BUFFER_SECONDS,
    maxBufferLength: 20,
    liveDurationInfinity: true,
    // pace.ts does both, with a memory that forgives.
    maxLiveSyncPlaybackRate: 1,
    liveSyncOnStallIncrease: 0,
    // The first segment is chosen by what is known of the line, not by a test download.
    testBandwidth: false,
    abrEwmaDefaultEstimate: bandwidth,
    abrEwmaFastLive: ABR_FAST_SECONDS[profile],
    abrEwmaSlowLive: 3 * ABR_FAST_SECONDS[profile],
    capLevelToPlayerSize: true,
    detectStallWithCurrentTimeMs: profile === "ultra" ? 600 : 1_000,
    maxBufferHole: 0.2,
    nudgeMaxRetry: 6,
    manifestLoadPolicy: policy(8_000),
    playlistLoadPolicy: policy(HELD_MS[profile]),
    fragLoadPolicy: policy(8_000),
  };
}
