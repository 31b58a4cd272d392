/**
 * A stream for tests of its shard alone: it keeps publications and answers the shard as LiveStream does. Its answers can be held
 * back, lost, or forgotten, which the real one does only when something fails.
 */
import { vi } from "vitest";
import type {
  Delivery,
  Followed,
  LivePublication,
  ReportAnswer,
  ShardReport,
} from "../../durable-objects/core/viewers/viewer-messages.ts";
import { ViewerSource } from "../../durable-objects/viewers/viewer-source.ts";
import type { StreamPosition } from "../../wire/centrifugo.ts";
import { LIVE_HISTORY, liveChannel } from "../../wire/live-events.ts";

type Numbered = LivePublication & { readonly offset: number };

export class FakeStream {
  epoch = "e1";
  kept: Numbered[] = [];
  offset = 0;
  viewers = 0;
  draining: readonly string[] = [];
  readonly reports: ShardReport[] = [];
  readonly said: { from: string; data: unknown }[] = [];
  /** Questions that were put. */
  asked = 0;
  /** An answer waits for this; a rejection is the answer. */
  gate: () => Promise<void> = async () => {};
  readonly #stream: string;

  constructor(stream: string) {
    this.#stream = stream;
  }

  /** Take the place of the stream for all shards. */
  install(): void {
    vi.spyOn(ViewerSource.prototype, "since").mockImplementation((position) => this.#since(position));
    vi.spyOn(ViewerSource.prototype, "say").mockImplementation(async (from, data) => {
      this.said.push({ from, data });
      return true;
    });
    vi.spyOn(ViewerSource.prototype, "report").mockImplementation(async (report) => this.#report(report));
  }

  get position(): StreamPosition {
    return { epoch: this.epoch, offset: this.offset };
  }

  /** Publish, and say what would be delivered. */
  publish(...texts: readonly string[]): Delivery {
    const publications = texts.map((text): Numbered => {
      this.offset += 1;
      return { offset: this.offset, data: JSON.stringify({ type: "title", title: text }) };
    });
    this.kept = [...this.kept, ...publications].slice(-LIVE_HISTORY);
    return { channel: liveChannel(this.#stream), position: this.position, publications };
  }

  /** Storage was lost. */
  forget(): void {
    this.epoch = `${this.epoch}x`;
    this.offset = 0;
    this.kept = [];
  }

  async #since(position: StreamPosition | undefined): Promise<Followed> {
    this.asked += 1;
    const answer = this.#followed(position);
    await this.gate();
    return answer;
  }

  #followed(position: StreamPosition | undefined): Followed {
    const first = this.offset - this.kept.length;
    if (position === undefined) return { position: this.position, complete: true, publications: this.kept };
    const complete = position.epoch === this.epoch && position.offset >= first;
    const publications = complete ? this.kept.filter(({ offset }) => offset > position.offset) : [];
    return { position: this.position, complete, publications };
  }

  #report(report: ShardReport): ReportAnswer {
    this.reports.push(report);
    return {
      position: this.position,
      viewers: this.viewers,
      draining: this.draining,
      parents: { [report.shard]: null },
    };
  }
}
