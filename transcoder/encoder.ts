/**
 * One encoder's connection, from its acceptance to its end: the source is looked at, and one session after another runs,
 * each for as long as the source stays what it is. Whether it is let in: serve.ts; what a session does: session.ts.
 */
import type { SessionGrant, Source, Stats } from "../wire/ingest.ts";
import { NO_OFFSET, offsetAfter } from "./core/clock-offset.ts";
import { supportedCodecs } from "./core/ffmpeg-args.ts";
import { type MediaMessage, readAudioTag, readVideoTag } from "./core/flv.ts";
import { FlvFeed } from "./core/flv-feed.ts";
import { dispensable } from "./core/pace.ts";
import { type RtmpStatus, statusOfProbeFailure, statusOfRefusal } from "./core/refusal.ts";
import type { ProbeState } from "./core/source-probe.ts";
import { Vitals } from "./core/vitals.ts";
import type { Log } from "./log.ts";
import { withFacts } from "./log.ts";
import type { Claim, OriginClient, Wishes } from "./origin-client.ts";
import type { FfmpegProgram } from "./pipeline.ts";
import type { Publication, PublicationEnd } from "./rtmp-server.ts";
import { Session, type SessionTrouble } from "./session.ts";
import type { Spool } from "./spool.ts";
import {
  beginToLook,
  type Configs,
  goOnLooking,
  type Head,
  type Probing,
  type Running,
  type Stage,
} from "./stage.ts";

export interface EncoderOptions {
  readonly client: OriginClient;
  readonly ffmpeg: FfmpegProgram;
  /** Where segments wait that origin does not take. */
  readonly spool: Pick<Spool, "session">;
  readonly log: Log;
}

/** How often origin gets figures of a session: well within the silence that loses a lease. */
const HEARTBEAT_MS = 2_000;
/** How often it hears whether the encoder is silent, while another one waits to take over. */
const WATCHED_HEARTBEAT_MS = 500;
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
  readonly #vitals = new Vitals(performance.now());
  readonly #configs: Configs = {};
  #heartbeat: NodeJS.Timeout | undefined;
  /** Figures were last sent then. */
  #readAt = 0;
  #grant: SessionGrant;
  #stage: Stage;
  /** Steps that wait for origin or FFmpeg, one after the other. */
  #steps: Promise<void> = Promise.resolve();
  #wishes: Wishes = { allowCopy: true, lighter: 0 };
  #restarts: number[] = [];
  /** Least difference seen between arrival and timestamp: what the clocks are apart. */
  #clockOffsetMs: number;
  #lastTimestamp = 0;
  /** FFmpeg is behind, and the encoder has to wait. */
  #isHeldUp = false;
  #endScope: "session" | "broadcast" = "session";
  #finish: () => void = () => {};

  constructor(
    publication: Publication,
    claim: Claim,
    grant: SessionGrant,
    options: EncoderOptions,
    head?: Head,
  ) {
    this.#publication = publication;
    this.#claim = claim;
    this.#grant = grant;
    this.#options = options;
    for (const message of head?.messages ?? []) this.#remember(message);
    this.#clockOffsetMs = head?.clockOffsetMs ?? NO_OFFSET;
    const stage = head ? goOnLooking(head) : this.#beginToLook(0);
    this.#stage = stage;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#beatAfter(HEARTBEAT_MS);
    publication.onEnd((end) => this.#onEnd(end));
    publication.onMedia(({ kind, timestampMs, payload }) =>
      this.#onMedia({ kind, timestamp: timestampMs, payload }),
    );
    this.#decide(stage, stage.probe.check(Date.now()));
  }

  /** Id of the session it holds now. */
  get session(): string {
    return this.#grant.session;
  }

  /** End the broadcast, not only the session, and drop the encoder: this transcoder is going away. */
  stop(): void {
    this.#endScope = "broadcast";
    this.#publication.end("NetStream.Publish.Failed", "The server is shutting down.");
    this.#close();
  }

  #onMedia(message: MediaMessage): void {
    this.#vitals.hear(message, performance.now());
    if (message.kind !== "data") this.#lastTimestamp = message.timestamp;
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
    this.#clockOffsetMs = offsetAfter(this.#clockOffsetMs, message, Date.now());
    stage.warm?.push(message);
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
    const warm = probing.warm?.fits(plan) ? probing.warm : undefined;
    if (!warm) probing.warm?.stop();
    // A warm FFmpeg has had these.
    const messages = warm ? [] : probing.backlog.drain();
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
      startedAt: warm?.startedAt ?? this.#clockOffsetMs + (messages[0]?.timestamp ?? 0),
      ...(warm && { warm: { pipeline: warm.pipeline, events: warm.events() } }),
      log,
      onTrouble: (trouble) => this.#onTrouble(trouble),
    });
    const has = { audio: source.audio !== undefined, video: source.video !== undefined };
    const feed = warm?.feed ?? new FlvFeed(has);
    const stage: Stage = { name: "running", session, plan, feed, since: performance.now() };
    this.#stage = stage;
    this.#vitals.beginSession();
    if (!warm) void session.write(feed.header());
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
      this.#isHeldUp = true;
      this.#publication.pause();
      void room.then(() => {
        this.#isHeldUp = false;
        this.#vitals.holdUp(performance.now());
        this.#publication.resume();
      });
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
    this.#clockOffsetMs = NO_OFFSET;
    this.#stage = this.#beginToLook(timestamp);
    this.#then(async () => {
      await old.finish(RESTART_DRAIN_MS);
      await this.#options.client.close(this.#grant, "session");
      // The encoder has gone meanwhile: no session is opened for nobody.
      if (this.#stage.name === "over") return;
      const granted = await this.#options.client.open(this.#claim);
      if (!granted.ok) this.#onTrouble({ reason: "refused", refusal: granted.error });
      // The encoder that waited was quicker.
      else if ("standby" in granted.value) this.#drop(statusOfRefusal("fenced"));
      else this.#grant = granted.value;
    });
  }

  #beginToLook(timestamp: number): Probing {
    return beginToLook(this.#configs, timestamp, supportedCodecs(this.#options.ffmpeg.version));
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

  #beatAfter(ms: number): void {
    clearTimeout(this.#heartbeat);
    this.#heartbeat = setTimeout(() => this.#beat(), ms);
  }

  /** Look at the clock, and tell origin how it goes. */
  #beat(): void {
    const now = performance.now();
    this.#checkLiveness(now);
    const stage = this.#stage;
    if (stage.name === "over") return;
    const isFull = now - this.#readAt >= HEARTBEAT_MS - WATCHED_HEARTBEAT_MS / 2;
    if (isFull) this.#readAt = now;
    const session = stage.name === "running" ? stage.session : undefined;
    const stats = isFull
      ? this.#vitals.read(session, now)
      : { silentSeconds: this.#vitals.silentSeconds(now) };
    if (isFull && session) this.#options.log({ event: "input", ...stats });
    if (isFull && stage.name === "running") this.#checkPace(stage, now);
    this.#beatAfter(HEARTBEAT_MS);
    void this.#sample(stats);
  }

  async #sample(stats: Stats): Promise<void> {
    const grant = this.#grant;
    const told = await this.#options.client.sample(grant, stats);
    // An answer to a session that was left meanwhile says nothing of the present one.
    if (this.#grant !== grant || this.#stage.name === "over") return;
    if (told.ok && told.value.standby) this.#beatAfter(WATCHED_HEARTBEAT_MS);
    if (!told.ok && LEASE_LOST.has(told.error.name) && this.#stage.name === "running")
      this.#onTrouble({ reason: "refused", refusal: told.error });
  }

  /** An FFmpeg that is slower than live gets less to do, for as long as this encoder stays. */
  #checkPace({ session, plan }: Running, now: number): void {
    const speed = this.#vitals.slowness(session, plan.partTarget ?? plan.segmentSeconds, now);
    if (speed === undefined) return;
    const track = dispensable(plan);
    this.#options.log({ event: "too-slow", speed, ...(track !== undefined && { leavesOut: track }) });
    if (track === undefined) return;
    this.#wishes = { ...this.#wishes, lighter: this.#wishes.lighter + 1 };
    this.#restart(session, this.#lastTimestamp);
  }

  /** Act on what the clock says of this encoder. */
  #checkLiveness(now: number): void {
    const stage = this.#stage;
    if (stage.name === "over") return;
    // What is not asked by a message is asked by the clock.
    if (stage.name === "probing") this.#decide(stage, stage.probe.check(Date.now()));
    if (this.#isHeldUp) this.#vitals.holdUp(now);
    const session = stage.name === "running" ? stage.session : undefined;
    const judged = this.#vitals.judge(stage.since, session, now);
    switch (judged.verdict) {
      case "alive":
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
    clearTimeout(this.#heartbeat);
    if (old.name === "probing") old.warm?.stop();
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
