/** Frames from sockets: counted, read, decided command by command (core/viewers/socket/), and done. Replies of a frame go in one frame. */
import {
  type Command,
  DISCONNECT,
  type DisconnectCode,
  ERROR,
  errorReply,
  type Line,
  MAX_FRAME_BYTES,
  MAX_MEMBER_FRAME_BYTES,
  parseFrame,
} from "../../wire/centrifugo.ts";
import type { Qoe } from "../../wire/player-report.ts";
import { type Connection, isMember } from "../core/viewers/socket/connection.ts";
import { decide } from "../core/viewers/socket/decide.ts";
import type { Need, Outcome, Scene, Supplied } from "../core/viewers/socket/decision.ts";
import { costOfFrame, QOE_MS, spend, spendOnReply } from "../core/viewers/socket/limits.ts";
import { flush, type Seat } from "./viewer-seats.ts";

/** What is done for a socket beyond sending it lines. */
export interface AnsweringEnds {
  readonly scene: () => Scene;
  /** What a decision waits for; throws when it is not to be had. */
  readonly supply: (need: Need) => Promise<Supplied>;
  readonly isOpen: (seat: Seat) => boolean;
  readonly close: (seat: Seat, code: DisconnectCode) => void;
  readonly change: (seat: Seat, connection: Connection) => void;
  readonly qoe: (qoe: Qoe) => void;
}

/** A line, or that it came too soon. */
interface Admitted {
  readonly line: Line;
  readonly isTooSoon: boolean;
}

export class ViewerAnswering {
  readonly #ends: AnsweringEnds;

  constructor(ends: AnsweringEnds) {
    this.#ends = ends;
  }

  /** Answer a message, after those that came before it. */
  async answer(seat: Seat, message: string | ArrayBuffer): Promise<void> {
    seat.heardAt = Date.now();
    const lines = this.#admit(seat, message);
    if ("code" in lines) return this.#ends.close(seat, lines);
    const before = seat.work;
    const work = before ? before.then(() => this.#answerAll(seat, lines)) : this.#answerAll(seat, lines);
    seat.work = work;
    await work;
    if (seat.work === work) seat.work = undefined;
  }

  /** The lines of a message, as far as a socket may send so much. */
  #admit(seat: Seat, message: string | ArrayBuffer): readonly Admitted[] | DisconnectCode {
    if (typeof message !== "string") return DISCONNECT.badRequest;
    if (isTooBig(message, isMember(seat.connection) ? MAX_MEMBER_FRAME_BYTES : MAX_FRAME_BYTES))
      return DISCONNECT.messageTooBig;
    const lines = parseFrame(message);
    if (!lines.ok) return lines.error;
    const admitted: Admitted[] = [];
    seat.allowance = spend(seat.allowance, seat.heardAt, costOfFrame(message.length)).allowance;
    for (const line of lines.value) {
      const { allowance, verdict } = spend(seat.allowance, seat.heardAt);
      seat.allowance = allowance;
      if (verdict === "far-too-many") return DISCONNECT.tooManyRequests;
      admitted.push(verdict === "too-many" ? tooSoon(line) : { line, isTooSoon: false });
    }
    return admitted;
  }

  /** Never fails: what goes wrong here ends the connection, and the client comes back. */
  async #answerAll(seat: Seat, lines: readonly Admitted[]): Promise<void> {
    try {
      for (const admitted of lines) {
        if (!this.#ends.isOpen(seat)) return;
        await this.#answerOne(seat, admitted);
      }
      flush(seat);
    } catch (error) {
      console.error("a frame could not be answered", { error: String(error) });
      this.#ends.close(seat, DISCONNECT.serverError);
    }
  }

  async #answerOne(seat: Seat, { line, isTooSoon }: Admitted): Promise<void> {
    if (line.type === "pong") return;
    const id = line.type === "refused" ? line.id : line.command.id;
    if (isTooSoon) return reply(seat, id, errorReply(id, ERROR.tooManyRequests));
    if (line.type === "refused" && seat.connection.who === undefined) {
      return this.#ends.close(seat, DISCONNECT.badRequest);
    }
    if (line.type === "refused") return reply(seat, id, errorReply(id, line.error));
    await this.#command(seat, line.command);
  }

  async #command(seat: Seat, command: Command): Promise<void> {
    let supplied: Supplied = {};
    for (;;) {
      const decision = decide(seat.connection, command, this.#ends.scene(), supplied);
      if ("outcome" in decision) return this.#do(seat, command.id, decision.outcome);
      try {
        supplied = { ...supplied, ...(await this.#ends.supply(decision.need)) };
      } catch (error) {
        console.warn("a command could not be answered", { method: command.method, error: String(error) });
        return reply(seat, command.id, errorReply(command.id, ERROR.internal));
      }
      if (!this.#ends.isOpen(seat)) return;
    }
  }

  /** Nothing comes between the decision and what it does: a subscription begins where its reply says. */
  #do(seat: Seat, id: number, outcome: Outcome): void {
    if (outcome.connection) this.#ends.change(seat, outcome.connection);
    if (outcome.reply !== undefined) reply(seat, id, outcome.reply);
    if (outcome.from !== undefined) {
      // Who subscribes has everything up to there, or knows that it lacks it.
      seat.behindSince = undefined;
      if (seat.progress !== undefined) seat.progress = outcome.from;
    }
    if (outcome.progress !== undefined) seat.progress = outcome.progress;
    if (outcome.qoe && seat.heardAt - seat.qoeAt >= QOE_MS) {
      seat.qoeAt = seat.heardAt;
      this.#ends.qoe(outcome.qoe);
    }
    if (outcome.close) this.#ends.close(seat, outcome.close);
  }
}

/** A `send` has no id, and gets no reply whatever becomes of it. */
function reply(seat: Seat, id: number, text: string): void {
  if (id === 0) return;
  seat.pending.push(text);
  seat.allowance = spendOnReply(seat.allowance, text.length);
}

/** What it says is not held while it waits for its answer. */
const tooSoon = (line: Line): Admitted => ({
  line:
    line.type === "command" ? { type: "refused", id: line.command.id, error: ERROR.tooManyRequests } : line,
  isTooSoon: true,
});

/** More bytes of UTF-8 than a frame may have; most frames are short enough whatever they say. */
const isTooBig = (message: string, limit: number): boolean =>
  message.length > limit ||
  (message.length * 3 > limit && new TextEncoder().encode(message).byteLength > limit);
