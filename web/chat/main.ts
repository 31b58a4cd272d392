/** Puts the chat of a watch page together: the room as it is known here, the link to it, what is sent, and the panel. */
import type { Centrifuge } from "centrifuge";
import { byId, setText } from "../dom.ts";
import * as announcing from "./announcing.ts";
import type { Visitor } from "./identity.ts";
import { bindLayout } from "./layout.ts";
import { ChatLink } from "./link.ts";
import { isForMe, nameOf } from "./mentions.ts";
import { newNonce } from "./nonce.ts";
import { Panel } from "./panel.ts";
import { EMPTY_ROOM, type Quoted, type Room, type RoomEvent, step } from "./room.ts";
import { Sending } from "./sending.ts";
import { refusalWords, secondsOf, UNSENT } from "./words.ts";

/** How often it is looked for something to say. */
const SPEAK_MS = 1_000;

/** Open the chat of a stream over the page's socket. Its panel appears when there is a chat. */
export function openChat(client: Centrifuge, stream: string, visitor: Visitor): void {
  let room: Room = step(EMPTY_ROOM, { type: "became", who: visitor.who });
  const tell = (event: RoomEvent): void => {
    const before = room;
    room = step(room, event);
    if (room === before) return;
    if (before.link === "new" && room.link === "joined") bindLayout(() => panel.show(room));
    if (room.link !== before.link) sending.setJoined(room.link === "joined");
    if (event.type === "heard") speaker.hear(event, room);
    panel.show(room);
  };
  const sending = new Sending(stream, {
    publish: (channel, say) => client.publish(channel, say),
    accepted: (nonce) => tell({ type: "accepted", nonce, nowMs: Date.now() }),
    failed: ({ nonce, text }, error) => {
      const why = error ? refusalWords(error) : UNSENT;
      const seconds = error && secondsOf(error.message);
      tell({
        type: "failed",
        nonce,
        why,
        nowMs: Date.now(),
        ...(error && { code: error.code }),
        ...(seconds !== undefined && { seconds }),
      });
      // It can be changed there, and sent when the room takes it.
      if (!error || !panel.giveBack(text)) return;
      panel.say(why);
      tell({ type: "discarded", nonce });
    },
  });
  const send = (text: string, replyTo: Quoted | undefined, nonce = newNonce()): void => {
    tell({ type: "sending", pending: { nonce, text, state: "sending", ...(replyTo && { replyTo }) } });
    sending.send({ text, nonce, ...(replyTo && { replyTo: replyTo.id }) });
    panel.toEnd();
  };
  const panel = new Panel({
    lastName: visitor.lastName,
    send,
    becomeGuest: (name) => visitor.becomeGuest(name),
    hasLapsed: () => visitor.hasLapsed,
    reading: (isReading) => tell({ type: "reading", isReading }),
    act: (name, data) => link.act(name, data),
    again: ({ text, replyTo, nonce }) => send(text, replyTo, nonce),
    discard: ({ nonce }) => tell({ type: "discarded", nonce }),
    reload: () => link.again(),
  });
  const speaker = makeSpeaker();
  visitor.onChange = () => tell({ type: "became", who: visitor.who });
  const link = new ChatLink(client, stream, tell, (reactions) => panel.react(reactions));
}

/** Says in words what came, to who listens instead of looking. */
function makeSpeaker(): { hear: (event: Extract<RoomEvent, { type: "heard" }>, room: Room) => void } {
  let state = announcing.SILENT;
  const said = byId("chat-said", HTMLElement);
  setInterval(() => {
    const next = announcing.speak(state, performance.now());
    state = next.announcing;
    if (next.said !== undefined) setText(said, next.said);
  }, SPEAK_MS);
  return {
    hear: ({ event }, { standing: { who } }) => {
      if (event.type !== "message" || event.user === who.user || byId("chat", HTMLElement).hidden) return;
      const { text, replyTo, announcement } = event;
      const isToMe = isForMe(text, who) || (who.user !== "" && replyTo?.user === who.user);
      const sayable = { name: nameOf(event), text, isForMe: isToMe || announcement === true };
      state = announcing.hear(state, sayable, performance.now());
    },
  };
}
