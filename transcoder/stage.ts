/** Where one encoder's connection stands: looked at, shown, or over. What leads from one to the next is encoder.ts. */
import type { SessionPlan } from "../wire/ingest.ts";
import { Backlog } from "./core/backlog.ts";
import type { MediaMessage } from "./core/flv.ts";
import type { FlvFeed } from "./core/flv-feed.ts";
import { SourceProbe } from "./core/source-probe.ts";
import type { Session } from "./session.ts";
import type { WarmUp } from "./warm-up.ts";

/** Looking at the source; messages are held until a session takes them. */
export interface Probing {
  readonly name: "probing";
  readonly probe: SourceProbe;
  readonly backlog: Backlog;
  /** FFmpeg runs already, for a plan that may turn out to be the one. */
  readonly warm?: WarmUp;
  /** On the process's steady clock. */
  readonly since: number;
  decided: boolean;
}

/** A session takes what comes. */
export interface Running {
  readonly name: "running";
  readonly session: Session;
  readonly plan: SessionPlan;
  readonly feed: FlvFeed;
  readonly since: number;
}

/** Where a connection stands. */
export type Stage = Probing | Running | { readonly name: "over" };

/** What an encoder said of its tracks, once: a session that begins later needs it again. */
export type Configs = { -readonly [kind in MediaMessage["kind"]]?: MediaMessage };

/** An encoder that was looked at before it got the stream (standby.ts). */
export interface Head {
  readonly probe: SourceProbe;
  readonly backlog: Backlog;
  /** What the backlog was made of, configurations first. */
  readonly messages: readonly MediaMessage[];
  readonly clockOffsetMs: number;
  readonly warm?: WarmUp;
}

/** Begin to look, knowing what an earlier session was told. */
export function beginToLook(configs: Configs, timestamp: number, supported: readonly string[]): Probing {
  const probe = new SourceProbe(Date.now(), supported);
  const backlog = new Backlog();
  for (const config of [configs.data, configs.video, configs.audio]) {
    if (config === undefined) continue;
    probe.push({ ...config, timestamp }, Date.now());
    backlog.push({ ...config, timestamp });
  }
  return { name: "probing", probe, backlog, since: performance.now(), decided: false };
}

/** Go on with a look that was begun elsewhere. */
export const goOnLooking = ({ probe, backlog, warm }: Head): Probing => ({
  name: "probing",
  probe,
  backlog,
  ...(warm && { warm }),
  since: performance.now(),
  decided: false,
});
