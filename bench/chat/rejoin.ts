/** Who was away comes back to a live room: until all 300 messages are there that they missed. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { CHAT_HISTORY, chatChannel } from "../../wire/chat.ts";
import { sharedNow } from "../edge/encoder.ts";
import { EdgeBench } from "../edge/harness.ts";
import { createStream } from "../edge/operator.ts";
import type { Figure } from "../report.ts";
import { socketUrl } from "./crowd.ts";
import { Delays } from "./delays.ts";
import { Talkers } from "./talkers.ts";

const STREAM = "bench-rejoin";
const SETTINGS = { SHARD_SOCKETS: "4500", ADDRESS_SOCKETS: "100000" };
const TALKERS = 60;
const TIMES = 60;
/** Not looked at. */
const WARM_TIMES = 10;

interface Reply {
  readonly subscribe?: {
    readonly epoch: string;
    readonly offset: number;
    readonly recovered?: boolean;
    readonly publications?: readonly unknown[];
  };
}

/** Measure with nobody else in the shard, whose feed is asked of the room, and with somebody, where the shard has it. */
export async function measureRejoin(): Promise<readonly Figure[]> {
  const bench = await EdgeBench.start([{ name: "edge", entry: "product" }], SETTINGS);
  try {
    const base = bench.url("edge");
    await createStream(base, STREAM);
    const talkers = await Talkers.enter(base, STREAM, TALKERS);
    await talkers.pour(CHAT_HISTORY + TALKERS, 8);
    talkers.leave();
    const [cold, warm] = [await rejoin(base, false), await rejoin(base, true)];
    return [figure("from the room", cold), figure("from a shard that has them", warm)];
  } finally {
    await bench.stop();
  }
}

const figure = (where: string, ms: readonly number[]): Figure => ({
  what: `recovery of ${CHAT_HISTORY} messages, ${where}, p99`,
  value: Delays.of(ms).at(0.99),
  unit: "ms",
  target: { atMost: 50 },
  note: `p50 ${Delays.of(ms).at(0.5).toFixed(1)} ms, ${ms.length} times, from the subscribe to its reply`,
});

async function rejoin(base: string, isSomebodyThere: boolean): Promise<readonly number[]> {
  const other = await Visitor.enter(base);
  const { subscribe: now } = await other.subscribe({});
  if (!isSomebodyThere) await other.leave();
  const since = { recover: true, epoch: now?.epoch ?? "", offset: (now?.offset ?? 0) - CHAT_HISTORY };
  const times: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const visitor = await Visitor.enter(base);
    const began = sharedNow();
    const { subscribe } = await visitor.subscribe(since);
    times.push(sharedNow() - began);
    if (subscribe?.publications?.length !== CHAT_HISTORY) throw new Error("not all of it was recovered");
    await visitor.leave();
  }
  if (isSomebodyThere) await other.leave();
  return times.slice(WARM_TIMES);
}

/** Somebody without a name. */
class Visitor {
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async enter(base: string): Promise<Visitor> {
    const visitor = new Visitor(new WebSocket(socketUrl(base, STREAM), { perMessageDeflate: false }));
    await once(visitor.#socket, "open");
    await visitor.#ask({ id: 1, connect: {} });
    return visitor;
  }

  subscribe(more: object): Promise<Reply> {
    return this.#ask({ id: 2, subscribe: { channel: chatChannel(STREAM), ...more } });
  }

  async leave(): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }

  async #ask(command: object): Promise<Reply> {
    this.#socket.send(JSON.stringify(command));
    const [data] = await once(this.#socket, "message");
    return JSON.parse(String(data).split("\n")[0] ?? "");
  }
}
