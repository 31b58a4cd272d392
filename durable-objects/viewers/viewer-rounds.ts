/**
 * What a shard does by its alarm: pings, closing who missed a deadline or does not answer, sending sockets home when it is
 * drained. Between rounds the object may sleep; without sockets there is no alarm.
 */
import { DISCONNECT, type DisconnectCode, PING } from "../../wire/centrifugo.ts";
import { deadlineOf } from "../core/viewers/socket/connection.ts";
import { afterPing, PING_MS, type Pings, PONG_MS } from "../core/viewers/socket/limits.ts";
import { type Seat, type Seats, send } from "./viewer-seats.ts";

/** From one heartbeat to the next, and so the longest that a deadline is missed by. */
const ROUND_MS = 10_000;
/** A drained shard closes so many sockets, so often: they come to other shards evenly. */
const DRAINED_AT_ONCE = 50;
const DRAIN_MS = 1_000;
const PINGS_KEY = "pings";

export class ViewerRounds {
  readonly #ctx: DurableObjectState;
  readonly #seats: Seats;
  readonly #close: (seat: Seat, code: DisconnectCode) => void;
  isDraining = false;

  constructor(ctx: DurableObjectState, seats: Seats, close: (seat: Seat, code: DisconnectCode) => void) {
    this.#ctx = ctx;
    this.#seats = seats;
    this.#close = close;
  }

  /** Somebody has come. */
  begin(now: number): void {
    if (this.#seats.size === 1) this.#ctx.storage.setAlarm(now + ROUND_MS);
  }

  /** Everyone has left. */
  end(): void {
    // Whether it is still drained, the stream says when somebody comes after all.
    this.isDraining = false;
    this.#ctx.storage.kv.delete(PINGS_KEY);
    this.#ctx.storage.deleteAlarm();
  }

  /** Take no more sockets and send away those that are here; or do so no longer. */
  drain(isDraining: boolean): void {
    if (this.#seats.size === 0) return;
    const begins = isDraining && !this.isDraining;
    this.isDraining = isDraining;
    if (begins) this.#ctx.storage.setAlarm(Date.now());
  }

  /** Do what is due, and come back when something will be. */
  go(now: number): void {
    if (this.#seats.size === 0) return;
    let pings = this.#ctx.storage.kv.get<Pings>(PINGS_KEY) ?? { last: 0, before: 0 };
    const isPing = now >= pings.last + PING_MS;
    const isLate = now >= pings.last + PONG_MS;
    let next = now + (this.isDraining ? DRAIN_MS : ROUND_MS);
    let toDrain = this.isDraining ? DRAINED_AT_ONCE : 0;
    for (const seat of this.#seats.all()) {
      const deadline = deadlineOf(seat.connection, seat.behindSince);
      if (deadline && deadline.at <= now) this.#close(seat, deadline.code);
      else if (toDrain > 0) {
        toDrain -= 1;
        this.#close(seat, DISCONNECT.forceReconnect);
      } else if (isLate && this.#lifeOf(seat) < pings.before) this.#close(seat, DISCONNECT.noPong);
      else {
        if (isPing && seat.connection.who) send(seat, PING);
        if (deadline) next = Math.min(next, deadline.at);
      }
    }
    if (isPing) pings = afterPing(pings, now);
    if (this.#seats.size === 0) return;
    if (isPing) this.#ctx.storage.kv.put(PINGS_KEY, pings);
    next = Math.min(next, pings.last + (now < pings.last + PONG_MS ? PONG_MS : PING_MS));
    this.#ctx.storage.setAlarm(Math.max(now + DRAIN_MS, next));
  }

  /** A round failed: the next one may not. */
  again(now: number): void {
    if (this.#seats.size > 0) this.#ctx.storage.setAlarm(now + ROUND_MS);
  }

  /** When it was last heard of. */
  #lifeOf({ socket, heardAt }: Seat): number {
    return Math.max(heardAt, this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0);
  }
}
