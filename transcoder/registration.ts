/**
 * Tells origin that this transcoder is there, and hears whether it is to be drained: a report every ten seconds, and a
 * goodbye. Nothing of the live path depends on it: who cannot register serves its encoders all the same.
 */
import { fail, ok, type Result } from "../media/result.ts";
import { HEARTBEAT_SECONDS, type Registered, RegisteredSchema, type Report } from "../wire/fleet.ts";
import type { Transcoder } from "../wire/ingest.ts";
import { parseJson } from "../wire/parse.ts";
import { readProblem, UNREADABLE } from "../wire/problem.ts";
import type { Log } from "./log.ts";

/** What a report says besides who sends it. */
export type Description = Pick<Report, "version" | "ffmpeg" | "url" | "slots" | "sessions">;

export interface RegistrationOptions extends Transcoder {
  /** URL of origin, without a slash at the end. */
  readonly origin: string;
  /** Bearer of transcoders; without one, nothing is sent. */
  readonly token: string | undefined;
  /** Asked for each report. */
  readonly describe: () => Description;
  readonly log: Log;
  /** Time between reports until origin names another; tests shorten it. */
  readonly heartbeatSeconds?: number;
}

/** The tie to origin. */
export interface Registration {
  /** Origin wants this host drained. What was heard last holds while origin is away. */
  readonly draining: boolean;
  /** Begin to report; resolves after the first try, so that a drained host does not take an encoder first. Never rejects. */
  start(): Promise<void>;
  /** Say goodbye: what sessions are left are free. Resolves when that was heard, or could not be. */
  stop(): Promise<void>;
}

/** Why origin did not take a report. */
interface Unregistered {
  readonly reason: string;
  readonly detail: string;
}

const ANSWER_TIMEOUT_MS = 5_000;
/** A host is going away: it does not wait long. */
const GOODBYE_TIMEOUT_MS = 3_000;
/** Three failed reports make a host silent, so what failed is repeated sooner. */
const RETRY_SECONDS = 3;
/** Hosts that were started together must not report together for ever. */
const JITTER = 0.1;

/** A registration that has not begun. */
export function createRegistration(options: RegistrationOptions): Registration {
  const { origin, token, id, boot, describe, log } = options;
  const stopped = new AbortController();
  let heartbeatSeconds = options.heartbeatSeconds ?? HEARTBEAT_SECONDS;
  let draining = false;
  /** What was logged last: an outage is told once, not every ten seconds. */
  let told: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  function tell(outcome: Result<Registered, Unregistered>): void {
    const summary = outcome.ok ? "registered" : outcome.error.reason;
    if (summary === told) return;
    told = summary;
    if (outcome.ok) log({ event: "registered", id });
    else log({ event: "unregistered", level: "warning", id, ...outcome.error });
  }

  async function beat(bearer: string): Promise<void> {
    const answer = await send(bearer, { stopping: false }, ANSWER_TIMEOUT_MS, stopped.signal);
    if (stopped.signal.aborted) return;
    tell(answer);
    if (answer.ok) {
      heartbeatSeconds = options.heartbeatSeconds ?? answer.value.heartbeatSeconds;
      if (answer.value.drain !== draining) {
        draining = answer.value.drain;
        log({ event: draining ? "drain-begun" : "drain-ended", id, sessions: describe().sessions.length });
      }
    }
    const seconds = answer.ok ? heartbeatSeconds : Math.min(heartbeatSeconds, RETRY_SECONDS);
    const delay = seconds * 1000 * (1 - JITTER + 2 * JITTER * Math.random());
    timer = setTimeout(() => void beat(bearer), delay).unref();
  }

  async function send(
    bearer: string,
    { stopping }: Pick<Report, "stopping">,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Result<Registered, Unregistered>> {
    const report: Report = { boot, ...describe(), draining: draining || stopping, stopping };
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(`${origin}/transcoders/${id}`, {
        method: "PUT",
        headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` },
        body: JSON.stringify(report),
        signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
      });
      return read(response.ok, await response.text());
    } catch (error) {
      return fail({ reason: "unreachable", detail: wordsOf(error) });
    }
  }

  return {
    get draining() {
      return draining;
    },
    async start() {
      if (token === undefined || token === "") {
        log({
          event: "unregistered",
          id,
          reason: "no-token",
          detail: "MILLRACE_TRANSCODER_TOKEN is not set.",
        });
        return;
      }
      await beat(token);
    },
    async stop() {
      if (stopped.signal.aborted) return;
      stopped.abort();
      clearTimeout(timer);
      // Who was never registered has nothing to take leave of.
      if (token && told !== undefined) await send(token, { stopping: true }, GOODBYE_TIMEOUT_MS);
    },
  };
}

function read(isOk: boolean, text: string): Result<Registered, Unregistered> {
  if (!isOk) {
    const { name, title, detail } = readProblem(text);
    return fail({ reason: name, detail: detail ?? title });
  }
  const parsed = parseJson(RegisteredSchema, text);
  return parsed.ok ? ok(parsed.value) : fail({ reason: UNREADABLE, detail: parsed.error.detail });
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
