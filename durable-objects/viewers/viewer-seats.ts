/**
 * The sockets of a shard, in memory: who is subscribed, who plays, how many come from an address. All of it is made again from
 * the sockets' attachments when the object wakes up. Sends what it is given; decides nothing.
 */
import type { Leaving } from "../core/presence/attendance.ts";
import { type Connection, personOf } from "../core/viewers/socket/connection.ts";
import { type Allowance, fullAllowance } from "../core/viewers/socket/limits.ts";

/** A socket and its connection. */
export interface Seat {
  readonly socket: WebSocket;
  connection: Connection;
  allowance: Allowance;
  /** Lines that wait for the end of the frame that is being answered. */
  readonly pending: string[];
  /** Frames are answered one after the other. */
  work: Promise<void> | undefined;
  /** A message came, by milliseconds since 1970; pongs are known to the platform. */
  heardAt: number;
  /** The newest offset that it says it has; only clients that say so are measured. */
  progress: number | undefined;
  /** When its player's report was counted last. */
  qoeAt: number;
  /** It was too far behind, and has not come back yet. */
  behindSince: number | undefined;
}

const NOBODY: ReadonlySet<Seat> = new Set();

/** Hears of a connection that is another from now on, or over (absent), and how it left what it left. */
type Moved = (before: Connection, after: Connection | undefined, leaving: Leaving) => void;

export class Seats {
  readonly #seats = new Map<WebSocket, Seat>();
  readonly #listening = new Map<string, Set<Seat>>();
  readonly #addresses = new Map<string, number>();
  readonly #playing = new Map<string, number>();

  readonly #moved: Moved;

  /** Seat those who were here before the object slept. */
  constructor(sockets: readonly WebSocket[], moved: Moved = () => {}) {
    this.#moved = moved;
    for (const socket of sockets) {
      const kept: Connection | null = socket.deserializeAttachment();
      // The platform also lists those that are closing.
      if (kept && socket.readyState === WebSocket.OPEN) this.#seat(socket, kept, Date.now());
    }
  }

  get size(): number {
    return this.#seats.size;
  }

  /** People, not sockets. */
  get playing(): number {
    return this.#playing.size;
  }

  /** Those that are subscribed to a channel. */
  listening(channel: string): ReadonlySet<Seat> {
    return this.#listening.get(channel) ?? NOBODY;
  }

  /** Channels that somebody listens to. */
  channels(): readonly string[] {
    return [...this.#listening.keys()];
  }

  all(): readonly Seat[] {
    return [...this.#seats.values()];
  }

  of(socket: WebSocket): Seat | undefined {
    return this.#seats.get(socket);
  }

  has(seat: Seat): boolean {
    return this.#seats.get(seat.socket) === seat;
  }

  /** Sockets of an address. */
  from(address: string): number {
    return this.#addresses.get(address) ?? 0;
  }

  /** Seat a socket that has just been accepted. */
  add(socket: WebSocket, connection: Connection): void {
    socket.serializeAttachment(connection);
    this.#seat(socket, connection, connection.openedAt);
  }

  /** Its connection is another from now on. */
  change(seat: Seat, connection: Connection, leaving: Leaving = "gone"): void {
    const before = seat.connection;
    this.#uncount(seat);
    seat.connection = connection;
    seat.socket.serializeAttachment(connection);
    this.#count(seat);
    this.#moved(before, connection, leaving);
  }

  remove(seat: Seat, leaving: Leaving = "broken"): void {
    if (!this.#seats.delete(seat.socket)) return;
    this.#uncount(seat);
    bump(this.#addresses, seat.connection.address, -1);
    // Its end may be heard of once more.
    seat.socket.serializeAttachment(null);
    this.#moved(seat.connection, undefined, leaving);
  }

  #seat(socket: WebSocket, connection: Connection, now: number): void {
    const seat: Seat = {
      socket,
      connection,
      allowance: fullAllowance(now),
      pending: [],
      work: undefined,
      heardAt: connection.openedAt,
      progress: undefined,
      qoeAt: 0,
      behindSince: undefined,
    };
    this.#seats.set(socket, seat);
    bump(this.#addresses, connection.address, 1);
    this.#count(seat);
  }

  #count(seat: Seat): void {
    for (const { channel } of seat.connection.channels) {
      const seats = this.#listening.get(channel);
      if (seats) seats.add(seat);
      else this.#listening.set(channel, new Set([seat]));
    }
    if (seat.connection.playing) bump(this.#playing, personOf(seat.connection), 1);
  }

  #uncount(seat: Seat): void {
    for (const { channel } of seat.connection.channels) {
      const seats = this.#listening.get(channel);
      seats?.delete(seat);
      if (seats?.size === 0) this.#listening.delete(channel);
    }
    if (seat.connection.playing) bump(this.#playing, personOf(seat.connection), -1);
  }
}

/** Count up or down; what is at zero is forgotten. */
function bump(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

/** Send a line now, after what the socket was promised before. False: it is gone. */
export function send(seat: Seat, line: string): boolean {
  const text = seat.pending.length === 0 ? line : `${seat.pending.splice(0).join("\n")}\n${line}`;
  try {
    seat.socket.send(text);
    return true;
  } catch {
    return false;
  }
}

/** Send what waits. */
export function flush(seat: Seat): void {
  const last = seat.pending.pop();
  if (last !== undefined) send(seat, last);
}
