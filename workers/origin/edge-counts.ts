/** What edges counted, in D1: taking reports, and what operators are shown of them. Sums a stream and minute, for a day. */
import { type Context, Hono } from "hono";
import { STREAM_ID } from "../../media/address.ts";
import {
  DEFAULT_MINUTES,
  type EdgeAnswer,
  type EdgeSums,
  edgeFigures,
  MAX_LISTED_STREAMS,
  MinutesSchema,
  type QoeAnswer,
  qoeFigures,
} from "../../wire/admin-edge.ts";
import {
  EdgeReportSchema,
  OUTCOMES,
  type Outcome,
  QOE_FIGURES,
  type QoeFigure,
} from "../../wire/edge-report.ts";
import { parse } from "../../wire/parse.ts";
import { problem } from "../../wire/problem.ts";
import type { OriginEnv } from "../env.ts";
import { respond } from "../problems.ts";
import { NO_STORE } from "./no-store.ts";

type App = { Bindings: OriginEnv };
type Row = Readonly<Record<string, number | string>>;

const MINUTE_MS = 60_000;
/** How long counts are kept. */
const KEPT_MINUTES = 24 * 60;
/** How often an isolate looks for older ones. */
const CLEANED_EVERY_MS = 3_600_000;

/** Columns, and where in a report's item each is found. */
const COUNTS: readonly (readonly [string, string])[] = [
  ...OUTCOMES.map((outcome) => [`media_${outcome}`, `$.media.${outcome}`] as const),
  ...OUTCOMES.map((outcome) => [`playlists_${outcome}`, `$.playlists.${outcome}`] as const),
  ["bucket_reads", "$.bucketReads"],
  ["stream_calls", "$.streamCalls"],
];
const figureColumn = (figure: QoeFigure): string => (figure === "startDelay" ? "start_delay" : figure);
const QOE: readonly (readonly [string, string])[] = [
  ...["requests", "startups", "stalls"].map((name) => [name, `$.${name}`] as const),
  ...QOE_FIGURES.flatMap((figure) =>
    ["sum", "count"].map((part) => [`${figureColumn(figure)}_${part}`, `$.${figure}.${part}`] as const),
  ),
];

/** Adds a whole list, given as JSON: one statement, for D1 counts statements. A stream that does not exist is passed over. */
const addTo = (table: string, columns: typeof COUNTS): string => {
  const names = columns.map(([name]) => name);
  return `INSERT INTO ${table} (minute, stream, ${names.join(", ")})
    SELECT ?1, streams.id, ${columns.map(([, path]) => `coalesce(json_extract(value, '${path}'), 0)`).join(", ")}
    FROM json_each(?2) JOIN streams ON streams.id = json_extract(value, '$.stream') WHERE true
    ON CONFLICT DO UPDATE SET ${names.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`;
};
const ADD_COUNTS = addTo("edge_counts", COUNTS);
const ADD_QOE = addTo("edge_qoe", QOE);
const sumsOf = (columns: typeof COUNTS): string =>
  columns.map(([name]) => `coalesce(sum(${name}), 0) AS ${name}`).join(", ");

let cleanedAtMs = 0;

/** Add an edge's report. One that cannot be read is dropped: an edge would send the same again. */
export async function addReport(db: D1Database, report: unknown, nowMs: number): Promise<void> {
  const parsed = parse(EdgeReportSchema, report);
  if (!parsed.ok) {
    console.error("edge report", parsed.error.detail);
    return;
  }
  const { counts, qoe } = parsed.value;
  const minute = Math.floor(nowMs / MINUTE_MS);
  const add = (sql: string, items: readonly unknown[]) =>
    items.length === 0 ? [] : [db.prepare(sql).bind(minute, JSON.stringify(items))];
  const statements = [...add(ADD_COUNTS, counts), ...add(ADD_QOE, qoe), ...cleaning(db, nowMs)];
  if (statements.length > 0) await db.batch(statements);
}

/** Forget what is older than a day, now and then. */
function cleaning(db: D1Database, nowMs: number): readonly D1PreparedStatement[] {
  if (nowMs - cleanedAtMs < CLEANED_EVERY_MS) return [];
  cleanedAtMs = nowMs;
  const oldest = Math.floor(nowMs / MINUTE_MS) - KEPT_MINUTES;
  return ["edge_counts", "edge_qoe"].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE minute < ?`).bind(oldest),
  );
}

/** Mounted at `/admin`, behind the admin token. */
export const edgeAdmin = new Hono<App>();

edgeAdmin.get("/edge", async (c) => {
  const window = windowOf(c, Date.now());
  if (!window) return badMinutes();
  const [all, each] = await c.env.DB.batch<Row>([
    c.env.DB.prepare(`SELECT ${sumsOf(COUNTS)} FROM edge_counts WHERE minute >= ?`).bind(window.first),
    c.env.DB.prepare(
      `SELECT stream, ${sumsOf(COUNTS)}, sum(${requestColumns.join(" + ")}) AS requests FROM edge_counts
       WHERE minute >= ? GROUP BY stream ORDER BY requests DESC, stream LIMIT ?`,
    ).bind(window.first, MAX_LISTED_STREAMS),
  ]);
  const { seconds } = window.told;
  const answer: EdgeAnswer = {
    ...window.told,
    totals: edgeFigures(edgeSums(all?.results[0] ?? {}), seconds),
    streams: (each?.results ?? []).map((row) => ({
      stream: String(row.stream),
      ...edgeFigures(edgeSums(row), seconds),
    })),
  };
  return c.json(answer, 200, NO_STORE);
});

edgeAdmin.get("/qoe/:stream", async (c) => {
  const window = windowOf(c, Date.now());
  if (!window) return badMinutes();
  const stream = c.req.param("stream");
  const known =
    STREAM_ID.test(stream) &&
    (await c.env.DB.prepare("SELECT 1 FROM streams WHERE id = ?").bind(stream).first());
  if (!known) return respond(problem(404, "unknown-stream", "There is no such stream."));
  const row = await c.env.DB.prepare(`SELECT ${sumsOf(QOE)} FROM edge_qoe WHERE stream = ? AND minute >= ?`)
    .bind(stream, window.first)
    .first<Row>();
  const numberOf = (column: string) => Number(row?.[column] ?? 0);
  const figure = (name: QoeFigure) => ({
    sum: numberOf(`${figureColumn(name)}_sum`),
    count: numberOf(`${figureColumn(name)}_count`),
  });
  const answer: QoeAnswer = {
    ...window.told,
    stream,
    ...qoeFigures({
      requests: numberOf("requests"),
      startups: numberOf("startups"),
      stalls: numberOf("stalls"),
      figures: {
        bitrate: figure("bitrate"),
        buffer: figure("buffer"),
        throughput: figure("throughput"),
        latency: figure("latency"),
        startDelay: figure("startDelay"),
      },
    }),
  };
  return c.json(answer, 200, NO_STORE);
});

const requestColumns = COUNTS.map(([name]) => name).filter((name) => /^(media|playlists)_/.test(name));

/** The time that is asked for: so many whole minutes, and the one that is going on, so that it is never next to none. */
function windowOf(c: Context<App>, nowMs: number) {
  const minutes = parse(MinutesSchema, c.req.query("minutes") ?? String(DEFAULT_MINUTES));
  if (!minutes.ok) return undefined;
  const first = Math.floor(nowMs / MINUTE_MS) - minutes.value;
  const told = {
    minutes: minutes.value,
    from: new Date(first * MINUTE_MS).toISOString(),
    to: new Date(nowMs).toISOString(),
    seconds: (nowMs - first * MINUTE_MS) / 1000,
  };
  return { first, told };
}

function edgeSums(row: Row): EdgeSums {
  const numberOf = (column: string) => Number(row[column] ?? 0);
  const outcomes = (kind: "media" | "playlists") => {
    const of = (outcome: Outcome) => numberOf(`${kind}_${outcome}`);
    return {
      hit: of("hit"),
      stale: of("stale"),
      collapsed: of("collapsed"),
      cold: of("cold"),
      expired: of("expired"),
      purged: of("purged"),
      range: of("range"),
      error: of("error"),
    };
  };
  return {
    media: outcomes("media"),
    playlists: outcomes("playlists"),
    bucketReads: numberOf("bucket_reads"),
    streamCalls: numberOf("stream_calls"),
  };
}

const badMinutes = (): Response =>
  respond(
    problem(400, "bad-parameter", "The parameters do not fit.", {
      detail: "minutes must be a whole number from 1 to 1440.",
    }),
  );
