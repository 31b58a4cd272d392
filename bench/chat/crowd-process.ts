/** The process of a `Crowd` (crowd.ts): sockets that listen to a room, and count what comes. Runs by itself. */
import { setTimeout } from "node:timers/promises";
import { WebSocket } from "ws";
import { chatChannel } from "../../wire/chat.ts";
import { sharedNow } from "../edge/encoder.ts";
import type { Came, CrowdAnswer, CrowdOrder, CrowdRole } from "./crowd.ts";
import { Delays } from "./delays.ts";
import { sentAtOf } from "./talkers.ts";

/** Sockets that are being opened at once. */
const OPENING = 50;
const OPEN_LIMIT_MS = 20_000;
const ATTEMPTS = 40;
const ATTEMPT_MS = 250;

/** What came to those of one kind. */
class Ears {
  people = 0;
  messages = 0;
  doubled = 0;
  delays = new Delays();

  take(): Came {
    const { people, messages, doubled, delays } = this;
    Object.assign(this, { messages: 0, doubled: 0, delays: new Delays() });
    return { people, messages, doubled, p50: delays.at(0.5), p99: delays.at(0.99) };
  }
}

const ears = { member: new Ears(), moderator: new Ears() };
const subscribed = new Set<WebSocket>();

interface Message {
  readonly offset: number;
  readonly sentAt: number;
}
/** What was said before is not counted. */
let countedFrom = 0;
let lastFrame = "";
let lastRead: readonly Message[] = [];

/** Nearly all sockets get the same text: it is read once. */
function messagesOf(frame: string): readonly Message[] {
  if (frame === lastFrame) return lastRead;
  lastFrame = frame;
  lastRead = frame.split("\n").flatMap((line) => {
    const sentAt = line.startsWith('{"push"') ? sentAtOf(line) : undefined;
    const offset = Number(/,"offset":(\d+)\}\}\}$/.exec(line)?.[1]);
    return sentAt === undefined || Number.isNaN(offset) ? [] : [{ offset, sentAt }];
  });
  return lastRead;
}

/** Resolves when it is subscribed; false when that is not to be had. */
function enter(socket: WebSocket, room: string, token: string, role: CrowdRole): Promise<boolean> {
  const own = ears[role];
  let newest = 0;
  return new Promise((resolve) => {
    const timer = globalThis.setTimeout(() => resolve(false), OPEN_LIMIT_MS);
    const done = (isIn: boolean): void => {
      clearTimeout(timer);
      resolve(isIn);
    };
    socket.on("open", () => {
      socket.send(JSON.stringify({ id: 1, connect: { token } }));
      socket.send(JSON.stringify({ id: 2, subscribe: { channel: chatChannel(room) } }));
    });
    socket.on("message", (data) => {
      const frame = String(data);
      if (frame === "{}") socket.send("{}");
      if (frame.includes('"id":2,"subscribe"')) {
        subscribed.add(socket);
        done(true);
      }
      const now = sharedNow();
      for (const { offset, sentAt } of messagesOf(frame)) {
        const isAgain = offset <= newest;
        newest = Math.max(newest, offset);
        if (sentAt < countedFrom) continue;
        own.messages += 1;
        if (isAgain) own.doubled += 1;
        own.delays.add(now - sentAt);
      }
    });
    socket.on("error", () => done(false));
    socket.on("close", () => {
      subscribed.delete(socket);
      done(false);
    });
  });
}

async function enterAll({ url, room, people }: CrowdOrder & { readonly type: "enter" }): Promise<void> {
  const left = [...people];
  const enterNext = async (): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      // A shard takes only so many sockets a second.
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const socket = new WebSocket(url, { perMessageDeflate: false });
        if (await enter(socket, room, one.token, one.role)) break;
        socket.terminate();
        await setTimeout(ATTEMPT_MS);
      }
      ears[one.role].people += 1;
    }
  };
  await Promise.all(Array.from({ length: OPENING }, enterNext));
  answer();
}

const answer = (): void => {
  process.send?.({
    members: ears.member.take(),
    moderators: ears.moderator.take(),
    subscribed: subscribed.size,
  } satisfies CrowdAnswer);
};

process.on("message", (order: CrowdOrder) => {
  switch (order.type) {
    case "enter":
      void enterAll(order);
      return;
    case "ask":
      countedFrom = order.now;
      answer();
      return;
    case "leave":
      for (const socket of subscribed) socket.terminate();
      process.disconnect?.();
      process.exit(0);
  }
});
