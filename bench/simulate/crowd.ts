/** The viewers of the simulation: who is on which shard, who waits to come back, and how they are told apart. */

/** Not connected: has not come yet or has left, or waits to connect again. */
const AWAY = -1;
const WAITING = -2;

export class Crowd {
  /** Index of the shard that each viewer is on. */
  readonly #shardOf: Int32Array;
  readonly #regionOf: Uint8Array;
  /** Place of each viewer among those of its shard. */
  readonly #place: Int32Array;
  readonly #members: number[][] = [];
  /** Viewers who connect again, by the tick at which they do. */
  readonly #waiting = new Map<number, number[]>();
  connected = 0;
  waiting = 0;
  joined = 0;
  left = 0;

  constructor(viewers: number) {
    this.#shardOf = new Int32Array(viewers).fill(AWAY);
    this.#regionOf = new Uint8Array(viewers);
    this.#place = new Int32Array(viewers);
  }

  /** The next viewer comes, in a region. */
  arrive(region: number): number {
    const viewer = this.joined++;
    this.#regionOf[viewer] = region;
    return viewer;
  }

  regionOf(viewer: number): number {
    return this.#regionOf[viewer] ?? 0;
  }

  members(shard: number): readonly number[] {
    return this.#members[shard] ?? [];
  }

  /** A socket is open. */
  connect(viewer: number, shard: number): void {
    this.#members[shard] ??= [];
    const members = this.#members[shard];
    this.#place[viewer] = members.length;
    members.push(viewer);
    this.#shardOf[viewer] = shard;
    this.connected += 1;
  }

  /** A socket is closed; answers the shard it was on. */
  disconnect(viewer: number): number | undefined {
    const shard = this.#shardOf[viewer] ?? AWAY;
    const members = this.#members[shard];
    if (shard < 0 || members === undefined) return undefined;
    const last = members.pop();
    const place = this.#place[viewer] ?? 0;
    if (last !== undefined && last !== viewer) {
      members[place] = last;
      this.#place[last] = place;
    }
    this.#shardOf[viewer] = AWAY;
    this.connected -= 1;
    return shard;
  }

  /** A viewer without a socket connects at a tick. */
  wait(viewer: number, tick: number): void {
    const others = this.#waiting.get(tick);
    if (others) others.push(viewer);
    else this.#waiting.set(tick, [viewer]);
    this.#shardOf[viewer] = WAITING;
    this.waiting += 1;
  }

  /** Those who connect now. */
  due(tick: number): readonly number[] {
    const due = this.#waiting.get(tick) ?? [];
    this.#waiting.delete(tick);
    this.waiting -= due.length;
    return due;
  }

  /** One of those who are connected, by a made-up chance. */
  pick(random: () => number): number {
    for (;;) {
      const viewer = Math.floor(random() * this.joined);
      if ((this.#shardOf[viewer] ?? AWAY) >= 0) return viewer;
    }
  }
}
