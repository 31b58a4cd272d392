/**
 * What an isolate remembers of streams: public, private, or not there. Origin is asked at most once every few seconds a
 * stream, however many visitors come. How long an answer is good is decided in core/visitor.ts.
 */
import { within } from "../../durable-objects/deadline.ts";
import type { StreamRecord } from "../../wire/admin.ts";
import { remember } from "../remember.ts";
import { type Policy, policyUseOf } from "./core/visitor.ts";

/** Asks origin for a stream; `undefined`: there is none for viewers. */
export type AskStream = (stream: string) => Promise<Pick<StreamRecord, "access"> | undefined>;
/** The part of an ExecutionContext that is needed. */
export type Background = Pick<ExecutionContext, "waitUntil">;

/** Streams that are remembered. */
const MAX_KNOWN = 10_000;
/** Names without a stream: made-up ones must not push out the others. */
const MAX_ABSENT = 1_000;
/** Questions under way. */
const MAX_ASKING = 1_000;
/** Longest wait for origin, unless a test is in a hurry. */
const PATIENCE_MS = 3_000;
/** After a question that failed, the next one waits for so long. */
const FAILURE_REST_MS = 1_000;

interface Known {
  readonly policy: Policy;
  readonly learnedAtMs: number;
}

/** A question to origin: under way, or one that failed a moment ago. */
interface Question {
  readonly askedAtMs: number;
  readonly answer: Promise<Policy | undefined>;
  failedAtMs?: number;
}

export class Policies {
  readonly #nowMs: () => number;
  readonly #patienceMs: number;
  readonly #known = new Map<string, Known>();
  readonly #absent = new Map<string, Known>();
  readonly #questions = new Map<string, Question>();

  constructor(nowMs: () => number = () => Date.now(), patienceMs = PATIENCE_MS) {
    this.#nowMs = nowMs;
    this.#patienceMs = patienceMs;
  }

  /**
   * What a stream is. While origin is away what was known last stays; `undefined`: nothing was. `signed`: whoever asks
   * has a token for it.
   */
  async of(ask: AskStream, ctx: Background, stream: string, signed: boolean): Promise<Policy | undefined> {
    const known = this.#known.get(stream) ?? this.#absent.get(stream);
    const freshness = known ? policyUseOf(known.policy, this.#nowMs() - known.learnedAtMs, signed) : "ask";
    if (known && freshness === "fresh") return known.policy;
    const question = this.#questionOf(ask, ctx, stream);
    if (known && freshness === "refresh") return known.policy;
    return (await patiently(this.#patienceMs, question.answer)) ?? known?.policy;
  }

  /** Something about a stream changed, or about any: what was known of it is not good any more. */
  forget(stream?: string): void {
    for (const map of [this.#known, this.#absent, this.#questions]) {
      if (stream === undefined) map.clear();
      else map.delete(stream);
    }
  }

  /** The question that is under way, or a new one. It goes on when the client that it began with goes away. */
  #questionOf(ask: AskStream, ctx: Background, stream: string): Question {
    const now = this.#nowMs();
    const before = this.#questions.get(stream);
    if (before) {
      const { askedAtMs, failedAtMs } = before;
      // One whose request was ended by the runtime never comes back: it is given up when nobody waits for it any more.
      if (failedAtMs === undefined ? now - askedAtMs < this.#patienceMs : now - failedAtMs < FAILURE_REST_MS)
        return before;
    }
    const answer = this.#learn(ask, stream, () => this.#questions.get(stream) === question);
    const question: Question = { askedAtMs: now, answer };
    remember(this.#questions, stream, question, MAX_ASKING);
    ctx.waitUntil(answer);
    return question;
  }

  /** Ask, and keep the answer unless it was forgotten meanwhile. Never throws. */
  async #learn(ask: AskStream, stream: string, isWanted: () => boolean): Promise<Policy | undefined> {
    const policy = await askOnce(this.#patienceMs, ask, stream);
    if (!isWanted()) return policy;
    const question = this.#questions.get(stream);
    if (policy === undefined) {
      if (question) question.failedAtMs = this.#nowMs();
      return undefined;
    }
    this.#questions.delete(stream);
    this.#keep(stream, { policy, learnedAtMs: this.#nowMs() });
    return policy;
  }

  #keep(stream: string, known: Known): void {
    const [to, from, limit] =
      known.policy === "absent"
        ? ([this.#absent, this.#known, MAX_ABSENT] as const)
        : ([this.#known, this.#absent, MAX_KNOWN] as const);
    from.delete(stream);
    remember(to, stream, known, limit);
  }
}

async function askOnce(patienceMs: number, ask: AskStream, stream: string): Promise<Policy | undefined> {
  try {
    return policyOf(await within(patienceMs, "origin", ask(stream)));
  } catch (error) {
    console.warn("edge: what a stream is", stream, error);
    return undefined;
  }
}

/** Only a stream that says so is open to everybody. */
function policyOf(record: Pick<StreamRecord, "access"> | undefined): Policy {
  if (!record) return "absent";
  return record.access === "public" ? "public" : "private";
}

/** The value, or `undefined` when it takes too long. The timer is the waiter's own: the work may be another request's. */
async function patiently<T>(patienceMs: number, work: Promise<T>): Promise<T | undefined> {
  try {
    return await within(patienceMs, "origin", work);
  } catch {
    return undefined;
  }
}
