/** People who come to a presence channel within ten seconds: messages that all of them get, and how that grows with them. */
import { setTimeout } from "node:timers/promises";
import { WebSocket } from "ws";
import { presenceChannel } from "../../wire/presence.ts";
import { sharedNow } from "../edge/encoder.ts";
import { EdgeBench } from "../edge/harness.ts";
import { createStream } from "../edge/operator.ts";
import type { Figure } from "../report.ts";
import { tokenOf } from "./token.ts";

const SIZES = [250, 500, 1_000] as const;
const JOIN_MS = 10_000;
const SETTLED_MS = 3_000;
const SETTINGS = { SHARD_SOCKETS: "4000", ADDRESS_SOCKETS: "100000" };

/** Measure with 250, 500 and 1,000 people. */
export async function measurePresence(): Promise<readonly Figure[]> {
  const bench = await EdgeBench.start([{ name: "edge", entry: "product" }], SETTINGS);
  try {
    const base = bench.url("edge");
    const counts: number[] = [];
    for (const size of SIZES) counts.push(await join(base, `bench-presence-${size}`, size));
    const [few = 0, , many = 0] = counts;
    return [
      ...SIZES.map((size, index) => ({
        what: `${size} users join a presence channel within ${JOIN_MS / 1000} s: messages to sockets`,
        value: counts[index] ?? 0,
        unit: "",
        note: `${((counts[index] ?? 0) / size).toFixed(1)} for each`,
      })),
      {
        what: "presence: messages for each of 1,000 against each of 250",
        value: many / SIZES[2] / (few / SIZES[0]),
        unit: "x",
        target: { atMost: 1.3 },
        note: "n² would be 4 x",
      },
    ];
  } finally {
    await bench.stop();
  }
}

/** Publications that all sockets got. */
async function join(base: string, stream: string, size: number): Promise<number> {
  await createStream(base, stream);
  const url = `${base.replace(/^http/, "ws")}/connection/websocket?stream=${stream}`;
  const channel = presenceChannel(stream);
  const sockets: WebSocket[] = [];
  let messages = 0;
  let subscribed = 0;
  const began = sharedNow();
  for (let number = 0; number < size; number += 1) {
    await setTimeout(Math.max(0, began + (number * JOIN_MS) / size - sharedNow()));
    const token = await tokenOf(`user-${number}`);
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      headers: { "user-agent": `user ${number}` },
    });
    socket.on("open", () => {
      socket.send(JSON.stringify({ id: 1, connect: { token } }));
      socket.send(JSON.stringify({ id: 2, subscribe: { channel } }));
    });
    socket.on("message", (data) => {
      for (const line of String(data).split("\n")) {
        if (line === "{}") socket.send("{}");
        else if (line.startsWith('{"push"') && line.includes('"pub"')) messages += 1;
        else if (line.includes('"subscribe"')) subscribed += 1;
      }
    });
    sockets.push(socket);
  }
  while (subscribed < size) await setTimeout(50);
  await setTimeout(SETTLED_MS);
  for (const socket of sockets) socket.terminate();
  return messages;
}
