/**
 * One channel of a shard: where its sockets are in it, what of it is known here, and the word to its owner that somebody listens. It
 * lives while the shard has sockets that are subscribed to it.
 */
import type { StreamPosition } from "../../wire/centrifugo.ts";
import type { Feed } from "../core/viewers/socket/feed.ts";
import type {
  Delivery,
  Followed,
  LivePublication,
  ReportAnswer,
  ShardReport,
} from "../core/viewers/viewer-messages.ts";
import { ViewerFeed } from "./viewer-feed.ts";
import { ViewerMark } from "./viewer-mark.ts";
import { ViewerReports } from "./viewer-reports.ts";

/** Who writes a channel, as a shard asks them. */
export interface ChannelOwner {
  readonly since: (position: StreamPosition | undefined) => Promise<Followed>;
  readonly report: (report: ShardReport) => Promise<ReportAnswer>;
}

/** What a channel needs of its shard. */
export interface ChannelEnds {
  readonly owner: ChannelOwner;
  readonly kv: SyncKvStorage;
  /** What is reported; absent: nothing is known yet. */
  readonly look: () => Omit<ShardReport, "qoe" | "position"> | undefined;
  /** To everyone who is subscribed; `offset` is where the channel is with them. */
  readonly tell: (publications: readonly LivePublication[], offset: number) => void;
  /** What the sockets have got is not known, or not enough. */
  readonly takeBack: () => void;
  readonly heard: (answer: ReportAnswer) => void;
  /** A publication that takes others back; absent: in this channel there are none. */
  readonly isErasing?: (data: string) => boolean;
}

export class ViewerChannel {
  readonly name: string;
  readonly reports: ViewerReports;
  readonly #ends: ChannelEnds;
  readonly #feed: ViewerFeed;
  readonly #mark: ViewerMark;

  constructor(name: string, ends: ChannelEnds) {
    this.name = name;
    this.#ends = ends;
    this.#feed = new ViewerFeed({
      since: async (position) => {
        await this.reports.introduce();
        return ends.owner.since(position);
      },
      tell: (publications, offset) => {
        if (publications.some((one) => one.offset !== undefined)) this.#mark.moves();
        ends.tell(publications, offset);
      },
      lost: () => this.#takeBack(),
      isErasing: ends.isErasing,
    });
    this.reports = new ViewerReports({
      look: () => {
        const seen = ends.look();
        const position = this.feed?.position;
        return seen && { ...seen, ...(position && { position }) };
      },
      send: (report) => ends.owner.report(report),
      heard: (answer) => {
        ends.heard(answer);
        this.#feed.hear(answer.position);
      },
    });
    this.#mark = new ViewerMark(ends.kv, name, () => this.feed?.position);
  }

  get feed(): Feed | undefined {
    return this.#feed.feed;
  }

  /** Go on where the object fell asleep. */
  wake(): void {
    const position = this.#mark.load();
    if (position) this.#feed.wake(position);
    else this.#takeBack();
  }

  deliver(delivery: Delivery): void {
    this.#feed.deliver(delivery);
  }

  /** Ask the owner for what is missing; true when the question was put now. */
  ask(): Promise<boolean> {
    return this.#feed.ask();
  }

  /** Somebody subscribed or left: where they are is stored when it is quiet. */
  settles(): void {
    this.#mark.settles();
  }

  /** Nobody listens any more. */
  forget(): void {
    this.#feed.forget();
    this.#mark.forget();
  }

  #takeBack(): void {
    this.#mark.moves();
    this.#ends.takeBack();
  }
}
