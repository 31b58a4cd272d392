/** The plain handshake (RTMP 1.0, section 5.2). No digests and no encryption: every encoder falls back to this one. */
import { concat } from "./bytes.ts";
import type { RtmpFailure } from "./failure.ts";

const VERSION = 3;
const PACKET_BYTES = 1536;
const HELLO_BYTES = 1 + PACKET_BYTES;
/** Length of the random part of S1. */
export const HANDSHAKE_RANDOM_BYTES = PACKET_BYTES - 8;

/** What came of more bytes; `used` of them belonged to the handshake. */
export type HandshakeStep =
  | { readonly kind: "more" }
  /** C0 and C1 are here: send S0, S1 and S2. */
  | { readonly kind: "answer"; readonly bytes: Uint8Array; readonly used: number }
  | { readonly kind: "done"; readonly used: number }
  | { readonly kind: "failed"; readonly failure: RtmpFailure };

/** One connection's handshake, server side. */
export interface Handshake {
  /** Take what is next; call again with the rest after an `answer`. */
  receive(bytes: Uint8Array): HandshakeStep;
  /** Bytes kept until C1 is whole. */
  readonly bufferedBytes: number;
}

/** Start a handshake; `random` is the random part of S1. */
export function createHandshake(random: Uint8Array): Handshake {
  const hello = new Uint8Array(HELLO_BYTES);
  let received = 0;

  function receiveHello(bytes: Uint8Array): HandshakeStep {
    const piece = bytes.subarray(0, HELLO_BYTES - received);
    hello.set(piece, received);
    received += piece.length;
    const version = hello[0] ?? 0;
    if (received > 0 && version !== VERSION) {
      return { kind: "failed", failure: { reason: "unsupported-version", version } };
    }
    if (received < HELLO_BYTES) return { kind: "more" };
    // Time 0 and a server version of 0: FFmpeg and librtmp then expect no digest.
    const s1 = new Uint8Array(PACKET_BYTES);
    s1.set(random.subarray(0, HANDSHAKE_RANDOM_BYTES), 8);
    const s2 = hello.subarray(1);
    return { kind: "answer", bytes: concat([Uint8Array.of(VERSION), s1, s2]), used: piece.length };
  }

  return {
    receive(bytes) {
      if (received < HELLO_BYTES) return receiveHello(bytes);
      // C2 should echo S1, but encoders that tried a digest first send something else: only its length counts.
      const used = Math.min(bytes.length, HELLO_BYTES + PACKET_BYTES - received);
      received += used;
      return received === HELLO_BYTES + PACKET_BYTES ? { kind: "done", used } : { kind: "more" };
    },
    get bufferedBytes() {
      return received < HELLO_BYTES ? received : 0;
    },
  };
}
