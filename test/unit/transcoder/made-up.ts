/** Test support: an origin and a socket that are not there, for encoders. Not a test. */
import { planLadder } from "../../../media/ladder.ts";
import { fail, ok, type Result } from "../../../media/result.ts";
import type { Entry } from "../../../media/timeline.ts";
import type { MediaMessage } from "../../../transcoder/core/flv.ts";
import type { Claim, OriginClient, Refusal, Wishes } from "../../../transcoder/origin-client.ts";
import type { Publication, PublicationEnd } from "../../../transcoder/rtmp-server.ts";
import type { SessionGrant, SessionPlan, Source, Waiting } from "../../../wire/ingest.ts";

/** An origin that grants everything, and remembers what it was told. */
export class MadeUpOrigin implements OriginClient {
  readonly entries: { session: string; entry: Entry }[] = [];
  readonly calls: string[] = [];
  refuseAppends: Refusal | undefined;
  #sessions = 0;
  #nextMsn = 0;

  /** Somebody else has the stream, and it wants its second encoder like this. */
  busy: "cold" | "warm" | undefined;

  /** Names of the requests to open a session. */
  readonly claimIds: (string | undefined)[] = [];

  async open(claim: Claim): Promise<Result<SessionGrant | Waiting, Refusal>> {
    this.claimIds.push(claim.claimId);
    if (!this.busy) return ok(this.grant());
    if (!claim.backup) return fail({ name: "already-live", status: 409, detail: "" });
    const plan = this.busy === "warm" && claim.source ? this.#plan(claim.source) : undefined;
    this.calls.push(`wait${plan ? " with a plan" : ""}`);
    return ok({ standby: { stream: "s", ...(plan && { plan }) } });
  }

  grant(): SessionGrant {
    this.#sessions += 1;
    this.calls.push("open");
    return this.#grant();
  }

  #plan(source: Source, { allowCopy, lighter }: Wishes = { allowCopy: true, lighter: 0 }): SessionPlan {
    const { plan } = planLadder(source, "ultra", undefined, allowCopy, lighter);
    return { ...plan, nextMsn: this.#nextMsn };
  }

  async describe(_holder: unknown, source: Source, wishes: Wishes) {
    this.calls.push(`describe ${source.video?.width ?? 0}x${source.video?.height ?? 0}`);
    return ok({ ...this.#grant(), plan: this.#plan(source, wishes) });
  }
  async put() {
    return ok(true as const);
  }
  async append({ session }: { session: string }, entries: readonly Entry[]) {
    if (this.refuseAppends) return fail(this.refuseAppends);
    for (const entry of entries) {
      this.entries.push({ session, entry });
      if (entry.type === "segment") this.#nextMsn = entry.msn + 1;
    }
    return ok(true as const);
  }
  async putLate() {
    return ok(true as const);
  }
  async tellLate() {
    return ok(true as const);
  }
  async missing() {
    return ok({ inits: [], segments: [] });
  }
  async sample() {
    return ok({ standby: false });
  }
  async close(_holder: unknown, scope: string) {
    this.calls.push(`close ${scope}`);
    return ok(true as const);
  }

  #grant(): SessionGrant {
    return { session: `b.${this.#sessions}`, stream: "s", broadcast: "b", lease: "l" };
  }
}

/** A spool that keeps nothing. */
export const NO_SPOOL = { session: () => ({ keep() {}, discard() {}, release() {} }) };

type MediaHandler = Parameters<Publication["onMedia"]>[0];

/** A socket that is not there. */
export class MadeUpPublication implements Publication {
  dropped: { code: string; description: string } | undefined;
  #media: MediaHandler | undefined;
  #end: ((end: PublicationEnd) => void) | undefined;

  onMedia(handler: MediaHandler) {
    this.#media = handler;
  }
  onEnd(handler: (end: PublicationEnd) => void) {
    this.#end = handler;
  }
  isPaused = false;
  pause() {
    this.isPaused = true;
  }
  resume() {
    this.isPaused = false;
  }
  end(code: string, description: string) {
    this.dropped = { code, description };
  }

  send({ kind, timestamp, payload }: MediaMessage) {
    this.#media?.({ type: "media", kind, timestampMs: timestamp, payload });
  }
  leave() {
    this.#end?.({ reason: "disconnected" });
  }
}
