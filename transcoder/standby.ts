/**
 * A second encoder of a stream that has one: it sends, nobody sees it, and when the first falls silent it takes over with
 * what it sent last. `cold`: nothing is encoded until then; `warm`: FFmpeg runs already (warm-up.ts).
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { SessionGrant, SessionPlan } from "../wire/ingest.ts";
import { Backlog } from "./core/backlog.ts";
import { NO_OFFSET, offsetAfter } from "./core/clock-offset.ts";
import { supportedCodecs } from "./core/ffmpeg-args.ts";
import type { MediaMessage } from "./core/flv.ts";
import { type RtmpStatus, statusOfProbeFailure, statusOfRefusal } from "./core/refusal.ts";
import { RollingBacklog } from "./core/rolling-backlog.ts";
import { SourceProbe } from "./core/source-probe.ts";
import { Encoder, type EncoderOptions } from "./encoder.ts";
import { type Claim, isPassing } from "./origin-client.ts";
import type { Publication } from "./rtmp-server.ts";
import { WarmUp } from "./warm-up.ts";

/** How often origin is asked whether it is time: with what origin takes for silence, well within two seconds. */
const ASK_MS = 400;
/** An encoder that waits and sends nothing for this long is sent away. */
const MAX_SILENCE_MS = 10_000;
/** An FFmpeg that would not stay warm is not begun again sooner: it takes from those that are live. */
const REWARM_MS = 15_000;

/** One encoder that waits for the stream of another. */
export class Standby {
  /** Resolves when the connection is over, and what it may have become. */
  readonly done: Promise<void>;
  readonly #publication: Publication;
  readonly #claim: Claim;
  /** The same for every time it asks, so that an answer that was lost is given again; what it becomes asks anew. */
  readonly #claimId = randomUUID();
  readonly #options: EncoderOptions;
  readonly #probe: SourceProbe;
  readonly #held = new RollingBacklog();
  #clockOffsetMs = NO_OFFSET;
  #heardAt = performance.now();
  #warm: WarmUp | undefined;
  #warmedAt = Number.NEGATIVE_INFINITY;
  #encoder: Encoder | undefined;
  #isOver = false;

  constructor(publication: Publication, claim: Claim, options: EncoderOptions) {
    this.#publication = publication;
    this.#claim = claim;
    this.#options = options;
    this.#probe = new SourceProbe(Date.now(), supportedCodecs(options.ffmpeg.version));
    publication.onEnd(() => this.#end());
    publication.onMedia(({ kind, timestampMs, payload }) =>
      this.#onMedia({ kind, timestamp: timestampMs, payload }),
    );
    this.done = this.#wait().catch((error: unknown) => this.#fail(error));
  }

  /** Id of the session it holds, once it does. */
  get session(): string | undefined {
    return this.#encoder?.session;
  }

  /** This transcoder is going away. */
  stop(): void {
    if (this.#encoder) this.#encoder.stop();
    else this.#drop({ code: "NetStream.Publish.Failed", description: "The server is shutting down." });
  }

  #onMedia(message: MediaMessage): void {
    if (this.#isOver) return;
    if (message.kind !== "data") this.#heardAt = performance.now();
    this.#clockOffsetMs = offsetAfter(this.#clockOffsetMs, message, Date.now());
    this.#probe.push(message, Date.now());
    this.#held.push(message);
    this.#warm?.push(message);
  }

  /** Ask until it is time, or nobody is there any more. */
  async #wait(): Promise<void> {
    for (; !this.#isOver; await delay(ASK_MS)) {
      if (performance.now() - this.#heardAt > MAX_SILENCE_MS) {
        return this.#drop(statusOfProbeFailure({ reason: "no-media", seconds: MAX_SILENCE_MS / 1000 }));
      }
      const probed = this.#probe.check(Date.now());
      if (probed.state === "failed") return this.#drop(statusOfProbeFailure(probed.failure));
      const source = probed.state === "ready" ? probed.source : undefined;
      const asking = { ...this.#claim, claimId: this.#claimId, ...(source && { source }) };
      const answer = await this.#options.client.open(asking);
      if (!answer.ok) {
        if (isPassing(answer.error)) continue;
        return this.#drop(statusOfRefusal(answer.error.name));
      }
      if (!("standby" in answer.value)) return this.#takeOver(answer.value);
      this.#warmUp(answer.value.standby.plan);
    }
  }

  /** A plan comes along when the stream wants its second encoder warm. */
  #warmUp(plan: SessionPlan | undefined): void {
    if (this.#isOver || plan === undefined || this.#warm?.fits(plan)) return;
    const probed = this.#probe.check(Date.now());
    if (probed.state !== "ready") return;
    this.#warm?.stop();
    const now = performance.now();
    if (now - this.#warmedAt < REWARM_MS) return;
    this.#warmedAt = now;
    this.#options.log({ event: "warming-up", plan });
    const { ffmpeg } = this.#options;
    const messages = this.#held.messages();
    this.#warm = new WarmUp({
      plan,
      source: probed.source,
      ffmpeg,
      clockOffsetMs: this.#clockOffsetMs,
      messages,
    });
  }

  async #takeOver(grant: SessionGrant): Promise<void> {
    if (this.#isOver) {
      await this.#options.client.close(grant, "session");
      return;
    }
    this.#isOver = true;
    this.#options.log({
      event: "standby-takes-over",
      session: grant.session,
      warm: this.#warm !== undefined,
    });
    const backlog = new Backlog();
    const messages = this.#held.messages();
    for (const message of messages) backlog.push(message);
    this.#encoder = new Encoder(this.#publication, this.#claim, grant, this.#options, {
      probe: this.#probe,
      backlog,
      messages,
      clockOffsetMs: this.#clockOffsetMs,
      ...(this.#warm && { warm: this.#warm }),
    });
    await this.#encoder.done;
  }

  /** This code failed: the encoder is sent away, and nobody else is hurt. */
  #fail(error: unknown): void {
    this.#options.log({ event: "encoder-failed", error: String(error) });
    const { code, description } = statusOfRefusal("internal");
    this.#publication.end(code, description);
    this.#end();
  }

  #drop({ code, description }: RtmpStatus): void {
    if (this.#isOver) return;
    this.#options.log({ event: "encoder-dropped", code, description });
    this.#publication.end(code, description);
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#warm?.stop();
    this.#options.log({ event: "standby-gone" });
  }
}
