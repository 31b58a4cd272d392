/** The process of a `SocketPool` (pool.ts): opens sockets, and notes when a message arrives at each. Runs by itself, for the pool. */
import { setTimeout } from "node:timers/promises";
import { WebSocket } from "ws";
import { sharedNow } from "../edge/encoder.ts";
import type { Answer, Order } from "./pool.ts";

/** Sockets that are being opened at once. */
const OPENING = 100;
const OPEN_LIMIT_MS = 20_000;
const ATTEMPTS = 40;
const ATTEMPT_MS = 250;

let people = 0;
const sockets = new Set<WebSocket>();
let waiting: { readonly mark: string; readonly at: number[]; readonly got: Set<WebSocket> } | undefined;
let finish: (() => void) | undefined;

const { setTimeout: startTimer } = globalThis;

const tell = (answer: Answer): void => {
  process.send?.(answer);
};

function onMessage(socket: WebSocket, text: string): void {
  if (!waiting || waiting.got.has(socket) || !text.includes(waiting.mark)) return;
  waiting.got.add(socket);
  waiting.at.push(sharedNow());
  if (waiting.got.size === sockets.size) finish?.();
}

/** Resolves when the socket is ready; false when it cannot be had. */
function open(socket: WebSocket, hello: readonly string[], ready: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = startTimer(() => resolve(false), OPEN_LIMIT_MS);
    const done = (isReady: boolean): void => {
      clearTimeout(timer);
      resolve(isReady);
    };
    socket.on("open", () => {
      for (const text of hello) socket.send(text);
      if (ready === undefined) done(true);
    });
    socket.on("message", (data) => {
      const text = String(data);
      if (text === "{}") socket.send("{}");
      if (ready !== undefined && text.includes(ready)) done(true);
      onMessage(socket, text);
    });
    socket.on("error", () => done(false));
    socket.on("close", () => {
      sockets.delete(socket);
      done(false);
    });
  });
}

/** The same, again and again: a shard takes only so many sockets a second. */
async function openSomehow(url: string, hello: readonly string[], ready: string | undefined) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    // Each is another person: without a cookie people are told apart by their agents.
    people += 1;
    const headers = { "user-agent": `viewer ${people}` };
    const socket = new WebSocket(url, { perMessageDeflate: false, headers });
    if (await open(socket, hello, ready)) {
      sockets.add(socket);
      return true;
    }
    socket.terminate();
    await setTimeout(ATTEMPT_MS);
  }
  return false;
}

async function openAll({ urls, hello, ready }: Order & { readonly type: "open" }): Promise<void> {
  const left = [...urls];
  let opened = 0;
  const openNext = async (): Promise<void> => {
    for (let url = left.pop(); url !== undefined; url = left.pop())
      if (await openSomehow(url, hello, ready)) opened += 1;
  };
  await Promise.all(Array.from({ length: OPENING }, openNext));
  tell({ type: "opened", sockets: opened });
}

function awaitMark({ mark, limitMs }: Order & { readonly type: "await" }): void {
  const own = { mark, at: [], got: new Set<WebSocket>() };
  waiting = own;
  const timer = startTimer(() => finish?.(), limitMs);
  finish = () => {
    clearTimeout(timer);
    finish = undefined;
    waiting = undefined;
    tell({ type: "got", at: own.at });
  };
  tell({ type: "waiting" });
}

process.on("message", (order: Order) => {
  switch (order.type) {
    case "open":
      void openAll(order);
      return;
    case "await":
      awaitMark(order);
      return;
    case "close":
      for (const socket of sockets) socket.terminate();
      process.disconnect?.();
      process.exit(0);
  }
});
