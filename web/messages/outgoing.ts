/** What this user wrote in a room and has not seen there yet. Pure. */
import type { ConversationMessage, ConversationSay } from "../../wire/conversations.ts";

/** A photo that goes with a message, as the page shows it until the room does. */
export interface PendingPhoto {
  /** `data:` address of its thumbnail. */
  readonly preview: string;
  readonly width: number;
  readonly height: number;
}

export interface Pending {
  readonly nonce: string;
  readonly text: string;
  readonly replyTo?: NonNullable<ConversationMessage["replyTo"]>;
  readonly photo?: PendingPhoto;
  /** `accepted`: the room has it, its publication is on its way. */
  readonly state: "uploading" | "sending" | "accepted" | "failed";
  /** Part of the photo that is uploaded, 0 to 1. */
  readonly progress?: number;
  /** Why it failed, for people. */
  readonly why?: string;
}

export type Outgoing = readonly Pending[];

/** Put one at the end, or in the place of the same one. */
export const put = (outgoing: Outgoing, pending: Pending): Outgoing =>
  outgoing.some(({ nonce }) => nonce === pending.nonce)
    ? outgoing.map((one) => (one.nonce === pending.nonce ? pending : one))
    : [...outgoing, pending];

/** Change one, if it is there. */
export const change = (outgoing: Outgoing, nonce: string, more: Partial<Pending>): Outgoing =>
  outgoing.map((one) => (one.nonce === nonce ? { ...one, ...more } : one));

/** Take one out: it arrived, or is given up. */
export const drop = (outgoing: Outgoing, nonce: string): Outgoing =>
  outgoing.some((one) => one.nonce === nonce) ? outgoing.filter((one) => one.nonce !== nonce) : outgoing;

/** The publication of it. */
export const sayOf = ({ nonce, text, replyTo }: Pending, photo: string | undefined): ConversationSay => ({
  nonce,
  text,
  ...(replyTo && { replyTo: replyTo.id }),
  ...(photo !== undefined && { photo }),
});
