/** Letting encoders in: what a publish names is read, origin is asked, and whoever may stay is served (encoder.ts). */
import { readPublishName } from "./core/publish-name.ts";
import { statusOfRefusal } from "./core/refusal.ts";
import { Encoder, type EncoderOptions } from "./encoder.ts";
import { withFacts } from "./log.ts";
import type { PublishRequest } from "./rtmp-server.ts";

/** Let an encoder in that asks to publish, if origin agrees; `undefined` when it was refused. */
export async function serveEncoder(
  request: PublishRequest,
  options: EncoderOptions,
): Promise<Encoder | undefined> {
  const claim = readPublishName(request.name);
  const granted = await options.client.open(claim);
  if (!granted.ok) {
    const status = statusOfRefusal(granted.error.name);
    options.log({
      event: "publish-refused",
      reason: granted.error.name,
      detail: granted.error.detail,
      code: status.code,
      remoteAddress: request.remoteAddress,
    });
    request.refuse(status.code, status.description);
    return undefined;
  }
  const { stream } = granted.value;
  const log = withFacts(options.log, { stream });
  log({ event: "publish-accepted", remoteAddress: request.remoteAddress, encoder: request.flashVer });
  return new Encoder(request.accept(), claim, granted.value, { ...options, log });
}
