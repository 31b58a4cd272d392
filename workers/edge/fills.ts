/**
 * Reading what a target names from where it really is: R2, the stream's LiveStream object, origin. The only place of the
 * edge that does. It knows nothing of caches and viewers; a read that fails throws.
 */
import type { DrawnPlaylist, ReachError } from "../../durable-objects/answers.ts";
import { within } from "../../durable-objects/deadline.ts";
import { contentType, type MediaAddress, mediaKey } from "../../media/address.ts";
import type { Hope } from "../../media/live-edge.ts";
import type { Result } from "../../media/result.ts";
import type { StreamRecord } from "../../wire/admin.ts";
import { PROBLEM_TYPE, type Problem, problem } from "../../wire/problem.ts";
import type { LiveStreams, StreamStatus } from "../../wire/public.ts";
import type { EdgeEnv } from "../env.ts";
import { notFound } from "../problems.ts";
import { type Kind, type Lifetime, lifetimeOf } from "./core/lifetimes.ts";
import { isToCome } from "./newest.ts";
import type { Target } from "./targets.ts";

/** What was read: an answer without anything that depends on who asks. */
export interface Fill {
  readonly status: number;
  /** Content-Type, and for media Last-Modified; the entity tag has its own place. */
  readonly headers: Readonly<Record<string, string>>;
  readonly etag?: string;
  readonly lifetime: Lifetime;
  /** How long it may be kept as the newest playlist there is, if it is one. */
  readonly asStandIn?: Lifetime;
  readonly body: Uint8Array | ReadableStream<Uint8Array>;
  readonly size: number;
}

/** Where reads are counted. */
export interface Reads {
  bucketRead(stream: string): void;
  streamCall(stream: string): void;
}

/** Read a target. */
export function fill(env: EdgeEnv, target: Target, reads: Reads): Promise<Fill> {
  switch (target.kind) {
    case "media":
      return readMedia(env, target, reads);
    case "playlist":
      return drawPlaylist(env, target, reads);
    case "status":
      return readStatus(env, target.stream, reads);
    case "live-streams":
      return readLiveStreams(env, reads);
  }
}

/** Longest wait for what is there. */
const READ_MS = 5_000;
/** Longest wait for what is to come: the stream itself answers after three target durations (media/profile.ts). */
const HOLD_MS = 25_000;

/** An object, waiting for it when a playlist hints it. */
async function readMedia(
  env: EdgeEnv,
  { stream, address }: Target & { kind: "media" },
  reads: Reads,
): Promise<Fill> {
  const { file } = address;
  const read = async (): Promise<Fill | undefined> => {
    reads.bucketRead(stream);
    const stored = await within(READ_MS, "a read from R2", env.MEDIA.get(mediaKey(address)));
    return stored ? mediaFill(stored, address) : undefined;
  };
  const wait = () => {
    reads.streamCall(stream);
    return within(HOLD_MS, "a part", env.LIVE_STREAM.getByName(stream).awaitObject(address));
  };
  // What is hinted is not there yet: it is waited for first, and then read once.
  const isHinted = file.kind === "part" && isToCome(stream, file);
  const announced = isHinted ? await wait().catch(() => undefined) : undefined;
  const stored = await read();
  if (stored) return stored;
  const told = announced ?? (await wait());
  if (told !== "exists") return absent(told);
  return (await read()) ?? absent("missing");
}

const mediaFill = (object: R2ObjectBody, { file }: MediaAddress): Fill => ({
  status: 200,
  headers: { "content-type": contentType(file), "last-modified": object.uploaded.toUTCString() },
  etag: object.httpEtag,
  lifetime: lifetimeOf({ kind: "media" }),
  body: object.body,
  size: object.size,
});

async function drawPlaylist(
  env: EdgeEnv,
  { stream, request, reload }: Target & { kind: "playlist" },
  reads: Reads,
): Promise<Fill> {
  reads.streamCall(stream);
  const drawing: Promise<Result<DrawnPlaylist, ReachError>> = env.LIVE_STREAM.getByName(stream).playlist(
    request,
    reload,
  );
  const drawn = await within(reload ? HOLD_MS : READ_MS, "a playlist", drawing);
  if (!drawn.ok) return reachFill(drawn.error);
  const { text, timing, ended } = drawn.value;
  // An ended playlist ignores directives, and its stream may begin another broadcast any moment.
  const form = ended ? "over" : reload === undefined ? "plain" : "blocking";
  const type = request.kind === "timeline" ? "application/json" : PLAYLIST_TYPE;
  const filled = await textFill(200, type, text, { kind: "playlist", timing, form });
  const newest = lifetimeOf({ kind: "playlist", timing, form: ended ? "over" : "plain" });
  return reload ? { ...filled, asStandIn: newest } : filled;
}

/** Why a playlist is not to be had. */
function reachFill({ reason }: ReachError): Promise<Fill> {
  switch (reason) {
    case "not-live":
      return problemFill(notLive(), { kind: "absent", hope: "missing" });
    case "no-rendition":
      return problemFill(noRendition(), { kind: "absent", hope: "missing" });
    case "too-far":
      return problemFill(problem(400, "too-far", "That is further ahead than a client may wait for."), {
        kind: "refusal",
      });
    case "timed-out":
      return stalled();
  }
}

async function stalled(): Promise<Fill> {
  const words = problem(503, "timed-out", "What was waited for did not come.");
  const filled = await problemFill(words, { kind: "absent", hope: "coming" });
  return { ...filled, headers: { ...filled.headers, "retry-after": "1" } };
}

export const notLive = (): Problem => problem(404, "not-live", "Nothing is being broadcast here.");
export const noRendition = (): Problem => problem(404, "no-rendition", "There is no such rendition.");
export const unknownStream = (): Problem => problem(404, "unknown-stream", "There is no such stream.");

async function readStatus(env: EdgeEnv, id: string, reads: Reads): Promise<Fill> {
  const stream = await within(READ_MS, "origin", env.ORIGIN.stream(id));
  if (!stream) return problemFill(unknownStream(), { kind: "absent", hope: "missing" });
  return jsonFill(await statusOf(env, stream, reads));
}

async function readLiveStreams(env: EdgeEnv, reads: Reads): Promise<Fill> {
  const unended = await within(READ_MS, "origin", env.ORIGIN.liveStreams());
  const listed = unended.filter(({ access }) => access === "public");
  // A stream that cannot answer is left out: its trouble is its own.
  const asked = await Promise.allSettled(listed.map((stream) => statusOf(env, stream, reads)));
  const streams = asked.flatMap((told) => (told.status === "fulfilled" ? [told.value] : []));
  const live: LiveStreams = { streams: streams.filter(isLive) };
  return jsonFill(live);
}

/** A stream for viewers: what origin knows of it, and how its broadcast does. */
async function statusOf(
  env: EdgeEnv,
  { id, title, profile }: StreamRecord,
  reads: Reads,
): Promise<StreamStatus> {
  reads.streamCall(id);
  const status = await within(READ_MS, "a status", env.LIVE_STREAM.getByName(id).status());
  const { state, startedAt, viewers } = status;
  const playable = isLive(status) || state === "ended";
  return {
    id,
    title: title || id,
    profile,
    state,
    ...(playable && { playlist: `/live/${id}/index.m3u8` }),
    ...(startedAt !== undefined && { startedAt: new Date(startedAt).toISOString() }),
    ...(isLive(status) && { viewers }),
  };
}

const isLive = ({ state }: Pick<StreamStatus, "state">): boolean =>
  state === "live" || state === "interrupted";

const PLAYLIST_TYPE = "application/vnd.apple.mpegurl";

const absent = (hope: Hope): Promise<Fill> => problemFill(notFound(), { kind: "absent", hope });

const problemFill = (value: Problem, kind: Kind): Promise<Fill> =>
  textFill(value.status, PROBLEM_TYPE, `${JSON.stringify(value)}\n`, kind);

const jsonFill = (value: unknown): Promise<Fill> =>
  textFill(200, "application/json", JSON.stringify(value), { kind: "status" });

async function textFill(status: number, type: string, text: string, kind: Kind): Promise<Fill> {
  const body = new TextEncoder().encode(text);
  return {
    status,
    headers: { "content-type": type },
    ...(status === 200 && { etag: await tagOf(body) }),
    lifetime: lifetimeOf(kind),
    body,
    size: body.byteLength,
  };
}

/** A strong entity tag: the same bytes have the same one wherever they were drawn. */
async function tagOf(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `"${digest.subarray(0, 16).toHex()}"`;
}
