/**
 * One encoder's connection, from its publish to its end: the key is checked, the source is looked at, and one session
 * after another runs for as long as the source stays what it is. What a session does stands in session.ts.
 */
import type { SessionGrant, SessionPlan, Source, Stats } from "../wire/ingest.ts";
import { Backlog } from "./core/backlog.ts";
import { supportedCodecs } from "./core/ffmpeg-args.ts";
import { type MediaMessage, readAudioTag, readVideoTag } from "./core/flv.ts";
import { FlvFeed } from "./core/flv-feed.ts";
import { InputMeter, SpeedMeter } from "./core/input-meter.ts";
import { judge, type Progress } from "./core/liveness.ts";
import { dispensable, MAX_READINGS, type PaceReading, slowness } from "./core/pace.ts";
import { type RtmpStatus, statusOfProbeFailure, statusOfRefusal } from "./core/refusal.ts";
import { type ProbeState, SourceProbe } from "./core/source-probe.ts";
import type { Log } from "./log.ts";
import { withFacts } from "./log.ts";
import type { Claim, OriginClient, Wishes } from "./origin-client.ts";
import type { FfmpegProgram } from "./pipeline.ts";
import type { Publication, PublicationEnd } from "./rtmp-server.ts";
import { Session, type SessionTrouble } from "./session.ts";
import type { Spool } from "./spool.ts";

export interface EncoderOptions {
  readonly client: OriginClient;
  readonly ffmpeg: FfmpegProgram;
  /** Where segments wait that origin does not take. */
  readonly spool: Pick<Spool, "session">;
  readonly log: Log;
}

type Stage =
  /** Looking at the source; messages are held until a session takes them. */
  | {
      readonly name: "probing";
      readonly probe: SourceProbe;
      readonly backlog: Backlog;
      readonly since: number;
      decided: boolean;
    }
  | {
      readonly name: "running";
      readonly session: Session;
      readonly plan: SessionPlan;
      readonly feed: FlvFeed;
      readonly since: number;
    }
  | { readonly name: "over" };
type Probing = Stage & { readonly name: "probing" };
type Running = Stage & { readonly name: "running" };

/** How often origin hears of a session that has nothing to publish: well within the silence that loses a lease. */
const HEARTBEAT_MS = 2_000;
/** Refusals that say a session is over. */
const LEASE_LOST: ReadonlySet<string> = new Set(["fenced", "closed", "unknown-lease"]);
/** Input that may wait for FFmpeg before the encoder has to. */
const MAX_QUEUED_INPUT_BYTES = 1024 * 1024;
/** A source that breaks its sessions more often than this is sent away. */
const MAX_RESTARTS_A_MINUTE = 10;
/** A session that ends may keep the next one waiting for this long; what origin has not taken then comes late. */
const RESTART_DRAIN_MS = 2_000;
/** As long as it takes to hand over what is merely slow. */
const END_DRAIN_MS = 10_000;

export class Encoder {
  /** Resolves when the connection is over and origin has everything. */
  readonly done: Promise<void>;
  readonly #publication: Publication;
  readonly #options: EncoderOptions;
  readonly #claim: Claim;
  readonly #meter = new InputMeter();
  readonly #speed = new SpeedMeter();
  readonly #configs: { audio?: MediaMessage; video?: MediaMessage; data?: MediaMessage } = {};
  readonly #heartbeat: NodeJS.Timeout;
  #grant: SessionGrant;
  #stage: Stage;
  /** Steps that wait for origin or FFmpeg, one after the other. */
  #steps: Promise<void> = Promise.resolve();
  #wishes: Wishes = { allowCopy: true, lighter: 0 };
  #pace: readonly PaceReading[] = [];
  #restarts: number[] = [];
  /** Least difference seen between arrival and timestamp: what the clocks are apart. */
  #clockOffsetMs = Number.POSITIVE_INFINITY;
  #lastTimestamp = 0;
  #progress: Progress | undefined;
  /** When audio or video last came, on the process's own clock. */
  #heardAt = performance.now();
  #endScope: "session" | "broadcast" = "session";
  #finish: () => void = () => {};

  constructor(publication: Publication, claim: Claim, grant: SessionGrant, options: EncoderOptions) {
    this.#publication = publication;
    this.#claim = claim;
    this.#grant = grant;
    this.#options = options;
    this.#stage = this.#probing();
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    publication.onEnd((end) => this.#onEnd(end));
    publication.onMedia(({ kind, timestampMs, payload }) =>
      this.#onMedia({ kind, timestamp: timestampMs, payload }),
    );
  }

  /** End the broadcast, not only the session, and drop the encoder: this transcoder is going away. */
  stop(): void {
    this.#endScope = "broadcast";
    this.#publication.end("NetStream.Publish.Failed", "The server is shutting down.");
    this.#close();
  }

  #onMedia(message: MediaMessage): void {
    this.#meter.add(message);
    if (message.kind !== "data") {
      this.#heardAt = performance.now();
      this.#lastTimestamp = message.timestamp;
    }
    this.#remember(message);
    switch (this.#stage.name) {
      case "probing":
        this.#look(this.#stage, message);
        return;
      case "running":
        this.#feed(this.#stage, message);
        return;
      case "over":
        return;
    }
  }

  #look(stage: Probing, message: MediaMessage): void {
    this.#clockOffsetMs = Math.min(this.#clockOffsetMs, Date.now() - message.timestamp);
    if (stage.backlog.push(message)) this.#decide(stage, stage.probe.push(message, Date.now()));
    else
      this.#drop({
        code: "NetStream.Publish.Failed",
        description: "The source could not be started in time.",
      });
  }

  /** Act on what the probe found, once. */
  #decide(stage: Probing, found: ProbeState): void {
    if (stage.decided || found.state === "undecided") return;
    stage.decided = true;
    if (found.state === "ready") this.#then(() => this.#start(stage, found.source));
    else {
      this.#options.log({ event: "source-refused", ...found.failure });
      this.#drop(statusOfProbeFailure(found.failure));
    }
  }

  /** Describe the source to origin, and begin the session that it plans. */
  async #start(probing: Probing, source: Source): Promise<void> {
    if (this.#stage !== probing) return;
    const described = await this.#options.client.describe(this.#grant, source, this.#wishes);
    if (!described.ok) return this.#onTrouble({ reason: "refused", refusal: described.error });
    const { plan } = described.value;
    this.#grant = described.value;
    // While origin was asked, the encoder may have gone.
    if (plan === undefined || this.#stage !== probing) return;
    const messages = probing.backlog.drain();
    const { client, ffmpeg, spool } = this.#options;
    const log = withFacts(this.#options.log, { session: this.#grant.session });
    log({ event: "session-started", source, plan });
    const session = new Session({
      client,
      holder: this.#grant,
      plan,
      source,
      ffmpeg,
      spool: spool.session(this.#grant),
      startedAt: this.#clockOffsetMs + (messages[0]?.timestamp ?? 0),
      log,
      onTrouble: (trouble) => this.#onTrouble(trouble),
    });
    const feed = new FlvFeed({ audio: source.audio !== undefined, video: source.video !== undefined });
    const stage: Stage = { name: "running", session, plan, feed, since: performance.now() };
    this.#stage = stage;
    this.#pace = [];
    void session.write(feed.header());
    for (const message of messages) this.#onMediaOf(stage, message);
  }

  /** Feed a held message, unless an earlier one ended the stage. */
  #onMediaOf(stage: Running, message: MediaMessage): void {
    if (this.#stage === stage) this.#feed(stage, message);
    else if (this.#stage.name === "probing") this.#look(this.#stage, message);
  }

  #feed(stage: Running, message: MediaMessage): void {
    const fed = stage.feed.push(message);
    if (fed.type === "tag") {
      const room = stage.session.write(fed.bytes);
      if (stage.session.queuedBytes < MAX_QUEUED_INPUT_BYTES) return;
      // FFmpeg is behind: the encoder has to wait, as TCP lets it.
      this.#publication.pause();
      void room.then(() => this.#publication.resume());
    } else if (fed.type === "break") {
      this.#options.log({ event: "source-changed", ...fed.why });
      this.#restart(stage.session, message.timestamp);
      if (this.#stage.name === "probing") this.#look(this.#stage, message);
    }
  }

  /** What a session could not cope with: begin another where that helps, else send the encoder away. */
  #onTrouble(trouble: SessionTrouble): void {
    if (this.#stage.name === "over") return;
    this.#options.log({ event: "session-trouble", ...trouble });
    switch (trouble.reason) {
      case "refused":
        // The broadcast ended without its encoder, which was not heard for too long: the next one begins.
        if (trouble.refusal.name === "closed" && this.#stage.name === "running") break;
        this.#drop(statusOfRefusal(trouble.refusal.name));
        return;
      case "cut":
        if (trouble.problem.reason === "overlong-gop") this.#wishes = { ...this.#wishes, allowCopy: false };
        break;
      case "ffmpeg":
      case "output":
        break;
    }
    if (this.#stage.name === "running") this.#restart(this.#stage.session, this.#lastTimestamp);
  }

  /** Leave a session for the next one of the same broadcast: a discontinuity. */
  #restart(old: Session, timestamp: number): void {
    const now = Date.now();
    this.#restarts = [...this.#restarts.filter((at) => at > now - 60_000), now];
    if (this.#restarts.length > MAX_RESTARTS_A_MINUTE) {
      this.#drop({ code: "NetStream.Publish.Failed", description: "The source changes too often." });
      return;
    }
    this.#clockOffsetMs = Number.POSITIVE_INFINITY;
    this.#stage = this.#probing(timestamp);
    this.#then(async () => {
      await old.finish(RESTART_DRAIN_MS);
      await this.#options.client.close(this.#grant, "session");
      const granted = await this.#options.client.open(this.#claim);
      if (granted.ok) this.#grant = granted.value;
      else this.#onTrouble({ reason: "refused", refusal: granted.error });
    });
  }

  /** Begin to look, knowing what an earlier session was told: encoders say it once. */
  #probing(timestamp = 0): Probing {
    const probe = new SourceProbe(Date.now(), supportedCodecs(this.#options.ffmpeg.version));
    const backlog = new Backlog();
    const { data, video, audio } = this.#configs;
    for (const config of [data, video, audio]) {
      if (config === undefined) continue;
      probe.push({ ...config, timestamp }, Date.now());
      backlog.push({ ...config, timestamp });
    }
    return { name: "probing", probe, backlog, since: performance.now(), decided: false };
  }

  /** Configurations come once; a session that begins later needs them again. */
  #remember(message: MediaMessage): void {
    const { kind, payload } = message;
    const tag =
      kind === "video" ? readVideoTag(payload) : kind === "audio" ? readAudioTag(payload) : undefined;
    if (kind === "data" || tag?.packet === "config") this.#configs[kind] = message;
  }

  /** Do something after everything that was begun before. */
  #then(step: () => Promise<void>): void {
    this.#steps = this.#steps.then(step).catch((error: unknown) => {
      this.#options.log({
        event: "encoder-failed",
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      this.#drop(statusOfRefusal("internal"));
    });
  }

  #beat(): void {
    this.#checkLiveness(performance.now());
    if (this.#stage.name === "over") return;
    const stats = { ...this.#meter.read(performance.now()), ...this.#sessionStats() };
    if (this.#stage.name === "running") this.#options.log({ event: "input", ...stats });
    const grant = this.#grant;
    void this.#options.client.sample(grant, stats).then((told) => {
      // An answer to a session that was left meanwhile says nothing of the present one.
      const isLost = !told.ok && LEASE_LOST.has(told.error.name) && this.#grant === grant;
      if (isLost && this.#stage.name === "running")
        this.#onTrouble({ reason: "refused", refusal: told.error });
    });
  }

  /** An FFmpeg that is slower than live gets less to do, for as long as this encoder stays. */
  #checkPace({ session, plan }: Running, nowMs: number): void {
    const { cutSeconds, queuedBytes } = session;
    this.#pace = [...this.#pace.slice(1 - MAX_READINGS), { nowMs, cutSeconds, queuedBytes }];
    const speed = slowness(this.#pace, plan.partTarget ?? plan.segmentSeconds);
    if (speed === undefined) return;
    const track = dispensable(plan);
    this.#options.log({ event: "too-slow", speed, ...(track !== undefined && { leavesOut: track }) });
    this.#pace = [];
    if (track === undefined) return;
    this.#wishes = { ...this.#wishes, lighter: this.#wishes.lighter + 1 };
    this.#restart(session, this.#lastTimestamp);
  }

  /** What the running session adds to the figures of its input. */
  #sessionStats(): Stats {
    if (this.#stage.name !== "running") return {};
    const { waitingBytes, queuedBytes, cutSeconds } = this.#stage.session;
    const encodeSpeed = this.#speed.read(cutSeconds, performance.now());
    return { waitingBytes, queuedBytes, ...(encodeSpeed !== undefined && { encodeSpeed }) };
  }

  /** Act on what the clock says of this encoder. */
  #checkLiveness(now: number): void {
    const stage = this.#stage;
    if (stage.name === "over") return;
    // What is not asked by a message is asked by the clock.
    if (stage.name === "probing") this.#decide(stage, stage.probe.check(Date.now()));
    const { since } = stage;
    const cut = stage.name === "running" ? { cutSeconds: stage.session.cutSeconds } : {};
    const judged = judge({ heardAt: this.#heardAt, since, ...cut }, this.#progress, now);
    switch (judged.verdict) {
      case "alive":
        this.#progress = judged.progress;
        if (stage.name === "running") this.#checkPace(stage, now);
        return;
      case "silent":
      case "undecided":
        this.#drop(statusOfProbeFailure({ reason: "no-media", seconds: judged.seconds }));
        return;
      case "standstill":
        this.#options.log({ event: "session-trouble", reason: judged.verdict, seconds: judged.seconds });
        if (stage.name === "running") this.#restart(stage.session, this.#lastTimestamp);
    }
  }

  #drop({ code, description }: RtmpStatus): void {
    if (this.#stage.name === "over") return;
    this.#options.log({ event: "encoder-dropped", code, description });
    this.#publication.end(code, description);
    this.#close();
  }

  #onEnd(end: PublicationEnd): void {
    if (this.#stage.name === "over") return;
    this.#options.log({ event: "encoder-gone", ...end });
    this.#close();
  }

  #close(): void {
    if (this.#stage.name === "over") return;
    const old = this.#stage;
    this.#stage = { name: "over" };
    clearInterval(this.#heartbeat);
    this.#then(async () => {
      if (old.name === "running") await old.session.finish(END_DRAIN_MS);
    });
    this.#then(async () => {
      const closed = await this.#options.client.close(this.#grant, this.#endScope);
      const refused = closed.ok ? undefined : closed.error.name;
      this.#options.log({
        event: "session-ended",
        scope: this.#endScope,
        ...(refused !== undefined && { refused }),
      });
    });
    void this.#steps.then(() => this.#finish());
  }
}
