/**
 * The feed of a shard: takes deliveries, asks the owner of its channel for what is missing, and hands on what is new, each publication once
 * and in order. What it hands on is written before anything else can happen.
 */
import type { StreamPosition } from "../../wire/centrifugo.ts";
import { type Feed, follow, type Kept, take } from "../core/viewers/socket/feed.ts";
import type { Delivery, Followed, LivePublication } from "../core/viewers/viewer-messages.ts";

/** So long the stream is left alone when it did not answer. */
const RETRY_MS = 1_000;
/** Deliveries may be on their way to a shard that hears of a newer position. */
const ON_THE_WAY_MS = 300;

/** What a feed needs and tells. */
export interface FeedEnds {
  /** Ask the stream for all that followed a position, or for all that it keeps. */
  readonly since: (position: StreamPosition | undefined) => Promise<Followed>;
  /** To everyone who is subscribed; `offset` is where the feed is with them. */
  readonly tell: (publications: readonly LivePublication[], offset: number) => void;
  /** Who is subscribed has missed something for good. */
  readonly lost: () => void;
  /** A publication that takes others back; absent: in this channel there are none. */
  readonly isErasing?: ((data: string) => boolean) | undefined;
}

export class ViewerFeed {
  readonly #ends: FeedEnds;
  #feed: Feed | undefined;
  #asking: Promise<void> | undefined;
  /** The newest position that was heard of. */
  #heardOf: StreamPosition | undefined;
  #isLate = false;
  #isCatchingUp = false;
  #isRetrying = false;
  /** Goes on when everything was forgotten. */
  #life = 0;

  constructor(ends: FeedEnds) {
    this.#ends = ends;
  }

  get feed(): Feed | undefined {
    return this.#feed;
  }

  /** Go on from a position that was stored. */
  wake(position: StreamPosition): void {
    this.#feed = { position, kept: [], whole: false };
  }

  /** Nobody listens: what comes meanwhile is missed, so that nothing of it is known any more. */
  forget(): void {
    this.#feed = undefined;
    this.#heardOf = undefined;
    this.#life += 1;
  }

  /** Publications from above. */
  deliver({ position, publications }: Delivery): void {
    const passing = publications.filter(({ offset }) => offset === undefined);
    if (this.#feed === undefined) {
      this.#heardOf = position;
      return;
    }
    const taken = take(this.#feed, { position, publications: publications.filter(hasOffset) });
    this.#feed = taken.feed;
    const news = [...taken.fresh, ...passing];
    if (news.length > 0) this.#ends.tell(news, this.#feed.position.offset);
    this.#unlearn(publications);
    if (!taken.behind) return;
    this.#heardOf = position;
    this.#catchUp();
  }

  /** The stream says where it is: if that has not come here soon, it is asked for. */
  hear(position: StreamPosition): void {
    if (this.#feed === undefined || this.#isLate || !isBehind(this.#feed.position, position)) return;
    this.#isLate = true;
    setTimeout(() => {
      this.#isLate = false;
      if (this.#feed === undefined || !isBehind(this.#feed.position, position)) return;
      this.#heardOf = position;
      this.#catchUp();
    }, ON_THE_WAY_MS);
  }

  /** Ask the stream; true when the question was put now, false when the answer to an earlier one was awaited. */
  async ask(): Promise<boolean> {
    if (this.#asking) {
      await this.#asking;
      return false;
    }
    this.#asking = this.#ask().finally(() => {
      this.#asking = undefined;
    });
    await this.#asking;
    return true;
  }

  async #ask(): Promise<void> {
    const life = this.#life;
    const asked = this.#feed?.whole ? "rest" : "all";
    const answer = await this.#ends.since(asked === "rest" ? this.#feed?.position : undefined);
    // Everyone has left meanwhile, and with them what the answer would be good for.
    if (life !== this.#life) return;
    const followed = follow(this.#feed, asked, answer);
    this.#feed = followed.feed;
    if (followed.lost) this.#ends.lost();
    else if (followed.fresh.length > 0) this.#ends.tell(followed.fresh, followed.feed.position.offset);
    // All that the owner keeps is as it is by now; what was here before is not.
    if (asked === "rest") this.#unlearn(answer.publications);
    // What was delivered while there was no feed went by.
    this.#catchUp();
  }

  /** Keep nothing of what was published, only where it is, when some of it was taken back. */
  #unlearn(news: readonly LivePublication[]): void {
    if (!this.#feed || !news.some(({ data }) => this.#ends.isErasing?.(data))) return;
    this.#feed = { ...this.#feed, kept: [], whole: false };
  }

  /** Ask until everything is here that was heard of. */
  async #catchUp(): Promise<void> {
    if (this.#isCatchingUp) return;
    this.#isCatchingUp = true;
    try {
      while (this.#feed && this.#heardOf && isBehind(this.#feed.position, this.#heardOf)) {
        const heardOf = this.#heardOf;
        // The stream knows better where it is than what was heard before it was asked.
        if ((await this.ask()) && this.#heardOf === heardOf) this.#heardOf = undefined;
      }
    } catch (error) {
      console.warn("the stream does not say what was missed", { error: String(error) });
      this.#retry();
    } finally {
      this.#isCatchingUp = false;
    }
  }

  /** Once a second, however often it failed: the stream may have too much to do as it is. */
  #retry(): void {
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    setTimeout(() => {
      this.#isRetrying = false;
      this.#catchUp();
    }, RETRY_MS);
  }
}

const hasOffset = (publication: LivePublication): publication is LivePublication & Kept =>
  publication.offset !== undefined;

const isBehind = (here: StreamPosition, there: StreamPosition): boolean =>
  here.epoch !== there.epoch || here.offset < there.offset;
