/**
 * `GET /connection/websocket`: looks at who wants a socket, finds its shard and hands the request over. What is said on it is
 * between the client and the shard (durable-objects/viewers/viewer-set.ts).
 */
import { peopleShards } from "../../durable-objects/core/viewers/people.ts";
import { within } from "../../durable-objects/deadline.ts";
import { STREAM_ID } from "../../media/address.ts";
import { problem } from "../../wire/problem.ts";
import type { EdgeEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { verifyWatchToken } from "../watch-tokens.ts";
import { forbidden } from "./access.ts";
import { localHeaders, unavailable } from "./answers.ts";
import { isOriginAllowed } from "./core/origin-check.ts";
import { hintOf, type Place, regionOf } from "./core/region.ts";
import { notLive } from "./fills.ts";
import { type EdgeContext, refuseWatching } from "./gate.ts";
import { isTooMuch, tooManyRequests } from "./limits.ts";
import { ShardDirectories, type Wanted } from "./shard-directory.ts";
import { twice } from "./twice.ts";
import { addressKey, viewerKey } from "./viewer.ts";

/** What a shard is told of a socket. A request from outside never reaches it, so nobody else can say these. */
export const SOCKET_HEADERS = {
  stream: "x-millrace-stream",
  shard: "x-millrace-shard",
  viewer: "x-millrace-viewer",
  address: "x-millrace-address",
  /** Until when the token of the path opens the stream, milliseconds since 1970; not there without one. */
  until: "x-millrace-until",
  /** The other way: `1` says that the shard takes no more. */
  full: "x-millrace-full",
} as const;
/**
 * What of a handshake is the client's to choose (RFC 6455 4.1); the rest is the platform's. Not extensions: compression (RFC 7692)
 * would be done anew for each of 4,000 sockets, with every event.
 */
const HANDSHAKE = ["sec-websocket-protocol"];
/** The stream of sockets that have none. */
const NO_STREAM = "";
/** Other shards that are tried. */
const MAX_OTHERS = 3;
/** Longest wait for a shard. */
const PATIENCE_MS = 5_000;
/** Seconds until there may be room. */
const RETRY_SECONDS = 5;
/** And until an address may have closed some of its sockets. */
const ADDRESS_RETRY_SECONDS = 10;

/** What this isolate knows of shards. */
export const directories = new ShardDirectories();

/** Open a socket for whoever may watch its stream. */
export async function serveSocket(c: EdgeContext): Promise<Response> {
  const request = c.req.raw;
  if (request.method !== "GET" || request.headers.get("upgrade")?.toLowerCase() !== "websocket")
    return refused(426, "upgrade-required", "This address is for WebSockets.", { upgrade: "websocket" });
  const [stream, ...others] = new URL(request.url).searchParams.getAll("stream");
  // Without one the socket is its user's only; a signed path is for a stream.
  const isBad = stream === undefined ? c.get("base") !== "" : !STREAM_ID.test(stream) || others.length > 0;
  if (isBad)
    return refused(400, "bad-stream", "The address must name one stream, as ?stream=radio, or none.");
  if (!isOriginAllowed(request.headers.get("origin"), request.url, c.env.SOCKET_ORIGINS))
    return refused(403, "foreign-origin", "Pages of this origin may not open a socket here.");
  if (await isTooMuch(c.env.API_LIMIT, request)) return tooManyRequests();
  if (stream === undefined) return open(c, NO_STREAM);
  // Events name every rendition: whose token limits the height polls the playlists that it opens.
  if (c.get("visitor").maxHeight !== undefined) return forbidden();
  return (await refuseWatching(c, stream, notLive())) ?? open(c, stream);
}

async function open(c: EdgeContext, stream: string): Promise<Response> {
  const request = c.req.raw;
  const [viewer, address, until] = await Promise.all([
    viewerKey(c.env, request),
    addressKey(c.env, request),
    untilOf(c),
  ]);
  const wanted: Wanted = { stream, region: regionOf(placeOf(request)), viewer };
  try {
    if (stream === NO_STREAM) return await openAmongPeople(c, wanted, { address });
    return await openSomewhere(c, wanted, { address, ...(until !== undefined && { until }) });
  } catch (error) {
    console.error("edge: a socket", stream, error);
    return unavailable();
  }
}

const placeOf = ({ cf }: Request): Place => ({
  continent: cf?.continent,
  latitude: cf?.latitude,
  longitude: cf?.longitude,
});

/** The end of the path's token. It has been looked at already: it opens this stream now. */
async function untilOf(c: EdgeContext): Promise<number | undefined> {
  const [, , token] = c.get("base").split("/");
  const claims = token === undefined ? undefined : await verifyWatchToken(token, c.env);
  return claims && claims.exp * 1000;
}

async function openSomewhere(c: EdgeContext, wanted: Wanted, from: Comer): Promise<Response> {
  const { env, executionCtx } = c;
  const full: string[] = [];
  let shard = await directories.shardFor(env, executionCtx, wanted);
  while (shard !== undefined) {
    const answer = await askShard(env, c.req.raw, { ...wanted, ...from, shard });
    if (answer.webSocket) return answer;
    await answer.body?.cancel();
    if (answer.status === 429) return tooManySockets();
    if (answer.headers.get(SOCKET_HEADERS.full) === null)
      throw new Error(`${shard} answered ${answer.status}`);
    full.push(shard);
    if (full.length > MAX_OTHERS) break;
    shard = await directories.shardInstead(env, executionCtx, wanted, full);
  }
  return noRoom();
}

/** Sockets of no stream have shards of their own, always the same: their names are known without asking anybody. */
async function openAmongPeople(c: EdgeContext, wanted: Wanted, from: Comer): Promise<Response> {
  for (const shard of peopleShards(wanted.region, wanted.viewer).slice(0, 1 + MAX_OTHERS)) {
    const answer = await askShard(c.env, c.req.raw, { ...wanted, ...from, shard });
    if (answer.webSocket) return answer;
    await answer.body?.cancel();
    if (answer.status === 429) return tooManySockets();
    if (answer.headers.get(SOCKET_HEADERS.full) === null)
      throw new Error(`${shard} answered ${answer.status}`);
  }
  return noRoom();
}

interface Comer {
  readonly address: string;
  readonly until?: number;
}

interface Visit extends Wanted, Comer {
  readonly shard: string;
}

/** Hand the handshake over: the shard learns what it must know, and neither address, token nor cookie. */
function askShard(env: EdgeEnv, request: Request, visit: Visit): Promise<Response> {
  const headers = new Headers({
    upgrade: "websocket",
    [SOCKET_HEADERS.stream]: visit.stream,
    [SOCKET_HEADERS.shard]: visit.shard,
    [SOCKET_HEADERS.viewer]: visit.viewer,
    [SOCKET_HEADERS.address]: visit.address,
    ...(visit.until !== undefined && { [SOCKET_HEADERS.until]: String(visit.until) }),
  });
  for (const name of HANDSHAKE) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  // Only the first call of all decides where an object is.
  const options = hintOf(visit.region);
  const ask = () =>
    env.VIEWER_SET.getByName(visit.shard, options).fetch("https://viewers.millrace.invalid/socket", {
      headers,
    });
  return within(PATIENCE_MS, visit.shard, twice(ask));
}

const noRoom = (): Response =>
  refused(503, "no-room", "There is no room for another socket just now. Come back in a moment.", {
    "retry-after": String(RETRY_SECONDS),
  });

const tooManySockets = (): Response =>
  refused(429, "too-many-sockets", "Too many sockets are open from this address.", {
    "retry-after": String(ADDRESS_RETRY_SECONDS),
  });

const refused = (
  status: number,
  name: string,
  title: string,
  headers: Record<string, string> = {},
): Response => respond(problem(status, name, title), { ...localHeaders("refused"), ...headers });
