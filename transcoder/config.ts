/** The transcoder's settings, from its environment (docs/operations.md). */
import * as v from "valibot";
import type { Result } from "../media/result.ts";
import { MAX_SLOTS, RtmpUrlSchema, TranscoderIdSchema } from "../wire/fleet.ts";
import type { Malformed } from "../wire/parse.ts";
import { parse } from "../wire/parse.ts";

const port = v.pipe(v.string(), v.regex(/^[0-9]{1,5}$/, "a port"), v.transform(Number), v.maxValue(65535));

const positive = v.pipe(
  v.string(),
  v.regex(/^[1-9][0-9]{0,6}$/, "a whole number above 0"),
  v.transform(Number),
);

const slots = v.pipe(
  v.string(),
  v.regex(/^[0-9]{1,4}$/, "a number of slots"),
  v.transform(Number),
  v.maxValue(MAX_SLOTS),
);

const ConfigSchema = v.pipe(
  v.object({
    /** Where origin is, without a slash at the end. */
    MILLRACE_ORIGIN: v.pipe(v.string(), v.url("a URL, as https://origin.example.com")),
    MILLRACE_RTMP_HOST: v.optional(v.string(), "0.0.0.0"),
    MILLRACE_RTMP_PORT: v.optional(port, "1935"),
    /** RTMPS: a port of its own, and PEM files of the certificate with its chain and of the key. */
    MILLRACE_RTMPS_PORT: v.optional(port),
    MILLRACE_TLS_CERT: v.optional(v.string()),
    MILLRACE_TLS_KEY: v.optional(v.string()),
    /** Where /healthz, /readyz and /metrics are; port 0 takes a free one. */
    MILLRACE_HEALTH_HOST: v.optional(v.string(), "127.0.0.1"),
    MILLRACE_HEALTH_PORT: v.optional(port, "8080"),
    MILLRACE_FFMPEG: v.optional(v.string(), "ffmpeg"),
    /** Bearer with which this host registers at origin; without it, it serves unregistered. */
    MILLRACE_TRANSCODER_TOKEN: v.optional(v.string()),
    /** Name this host keeps over restarts; its host name unless set. */
    MILLRACE_TRANSCODER_ID: v.optional(TranscoderIdSchema),
    /** Address that encoders use to reach it, for the operator's list. */
    MILLRACE_PUBLIC_RTMP: v.optional(RtmpUrlSchema),
    /** Encoders it takes. */
    MILLRACE_SLOTS: v.optional(slots),
    /** Folder for what must outlive the process. */
    MILLRACE_DATA: v.optional(v.string(), ".millrace/transcoder"),
    /** Segments that wait on disk for origin: so many megabytes, for so many hours. */
    MILLRACE_SPOOL_MB: v.optional(positive, "2048"),
    MILLRACE_SPOOL_HOURS: v.optional(positive, "24"),
  }),
  v.rawTransform(({ dataset: { value: env }, addIssue, NEVER }) => {
    const [port, certFile, keyFile] = [env.MILLRACE_RTMPS_PORT, env.MILLRACE_TLS_CERT, env.MILLRACE_TLS_KEY];
    if (port === undefined) return { ...env, rtmps: undefined };
    if (certFile !== undefined && keyFile !== undefined)
      return { ...env, rtmps: { port, certFile, keyFile } };
    addIssue({ message: "MILLRACE_TLS_CERT and MILLRACE_TLS_KEY with MILLRACE_RTMPS_PORT" });
    return NEVER;
  }),
  v.transform((env) => ({
    origin: env.MILLRACE_ORIGIN.replace(/\/+$/, ""),
    rtmpHost: env.MILLRACE_RTMP_HOST,
    rtmpPort: env.MILLRACE_RTMP_PORT,
    rtmps: env.rtmps,
    healthHost: env.MILLRACE_HEALTH_HOST,
    healthPort: env.MILLRACE_HEALTH_PORT,
    ffmpeg: env.MILLRACE_FFMPEG,
    token: env.MILLRACE_TRANSCODER_TOKEN,
    id: env.MILLRACE_TRANSCODER_ID,
    publicRtmp: env.MILLRACE_PUBLIC_RTMP,
    slots: env.MILLRACE_SLOTS,
    data: env.MILLRACE_DATA,
    spool: { bytes: env.MILLRACE_SPOOL_MB * 1e6, ageMs: env.MILLRACE_SPOOL_HOURS * 3_600_000 },
  })),
);
/** The settings, by what they are for. */
export type Config = v.InferOutput<typeof ConfigSchema>;

/** Read the settings; an error names the variable. */
export const readConfig = (env: Record<string, string | undefined>): Result<Config, Malformed> =>
  parse(ConfigSchema, env);
