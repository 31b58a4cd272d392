/** Letting encoders in: what a publish names is read, origin is asked, and whoever may stay is served (encoder.ts, standby.ts). */
import type { Transcoder } from "../wire/ingest.ts";
import { readClaim } from "./core/publish-name.ts";
import { type RtmpStatus, statusOfClaimProblem, statusOfRefusal } from "./core/refusal.ts";
import { Encoder, type EncoderOptions } from "./encoder.ts";
import { withFacts } from "./log.ts";
import type { PublishRequest } from "./rtmp-server.ts";
import { Standby } from "./standby.ts";

/** An encoder that is served. */
export interface Served {
  /** Resolves when its connection is over and origin has everything. */
  readonly done: Promise<void>;
  /** Id of the session it holds; a standby has none. */
  readonly session: string | undefined;
  /** End its broadcast, and drop it: this transcoder is going away. */
  stop(): void;
}

/** What encoders are served with. */
export interface ServeOptions extends EncoderOptions {
  /** The host that serves. */
  readonly transcoder: Transcoder;
}

/** Let an encoder in that asks to publish, if origin agrees; `undefined` when it was refused. */
export async function serveEncoder(
  request: PublishRequest,
  options: ServeOptions,
): Promise<Served | undefined> {
  const { remoteAddress, flashVer } = request;
  const refuse = (reason: string, detail: string, { code, description }: RtmpStatus): undefined => {
    options.log({ event: "publish-refused", reason, detail, code, remoteAddress });
    request.refuse(code, description);
  };
  const asked = readClaim(request);
  if (!asked.ok) {
    const status = statusOfClaimProblem(asked.error);
    return refuse(asked.error.reason, status.description, status);
  }
  const claim = { ...asked.value, remoteAddress, transcoder: options.transcoder };
  const granted = await options.client.open(claim);
  if (!granted.ok) {
    const { name, detail } = granted.error;
    return refuse(name, detail, statusOfRefusal(name));
  }
  const { value } = granted;
  const waits = "standby" in value;
  const { stream } = waits ? value.standby : value;
  const log = withFacts(options.log, { stream });
  log({ event: waits ? "standby-accepted" : "publish-accepted", remoteAddress, encoder: flashVer });
  return waits
    ? new Standby(request.accept(), claim, { ...options, log })
    : new Encoder(request.accept(), claim, value, { ...options, log });
}
