/** What the RTMP server and its owner say to each other about one client. Types only; the shell `rtmp-server.ts` makes them real. */
import type { MediaEvent, RtmpNote } from "./connection.ts";
import type { RtmpFailure } from "./failure.ts";

/** A client asks to publish. Answer once, when you like, within `decisionTimeoutMs`; the first answer counts. */
export interface PublishRequest {
  readonly app: string;
  /** The stream key as sent, query and all. A secret, as `app` and `tcUrl` may be: not for the log. */
  readonly name: string;
  readonly tcUrl: string;
  /** What the encoder calls itself. */
  readonly flashVer: string;
  readonly remoteAddress: string;
  /** Let it begin. If the client has gone meanwhile, the publication has already ended. */
  accept(): Publication;
  /** Refuse, with an `onStatus` error such as `NetStream.Publish.BadName`, and close. */
  refuse(code: string, description: string): void;
}

/** A running publication. Nothing is read from the client until `onMedia` was called. */
export interface Publication {
  /** Get every audio, video and data message from now on; none is lost before. */
  onMedia(handler: (media: MediaEvent) => void): void;
  /** Learn once why it ended, at once if it already has. */
  onEnd(handler: (end: PublicationEnd) => void): void;
  /** Stop reading from the client; up to one socket read (64 KiB) may still come. */
  pause(): void;
  /** Read on. */
  resume(): void;
  /** Drop the client, with an `onStatus` error. */
  end(code: string, description: string): void;
}

/** Why a connection, and with it a publication, is over. */
export type PublicationEnd =
  /** The client said so. */
  | { readonly reason: "unpublished"; readonly command: string }
  /** The client closed its socket without a word, or it broke. */
  | { readonly reason: "disconnected"; readonly error?: string }
  /** This side refused or dropped it. */
  | { readonly reason: "refused"; readonly code: string }
  | { readonly reason: "failed"; readonly failure: RtmpFailure }
  | { readonly reason: "timed-out"; readonly waitingFor: WaitingFor; readonly afterMs: number }
  /** It did not read what was sent to it. */
  | { readonly reason: "not-reading"; readonly bytes: number }
  | { readonly reason: "handler-threw"; readonly error: string }
  | { readonly reason: "server-closed" };

/** What a time limit was for. */
export type WaitingFor = "handshake" | "publish" | "decision" | "bytes";

/** What the server tells its log. Never contains a stream key. */
export type RtmpLogEvent =
  | { readonly event: "rtmp-listening"; readonly port: number; readonly tls?: boolean }
  | { readonly event: "rtmp-server-error"; readonly error: string }
  | {
      readonly event: "rtmp-turned-away";
      readonly remoteAddress: string;
      readonly limit: "connections" | "connectionsPerAddress";
    }
  | { readonly event: "rtmp-connected"; readonly connection: number; readonly remoteAddress: string }
  | {
      readonly event: "rtmp-publish";
      readonly connection: number;
      readonly app: string;
      readonly flashVer: string;
    }
  | { readonly event: "rtmp-accepted"; readonly connection: number }
  | { readonly event: "rtmp-note"; readonly connection: number; readonly note: RtmpNote }
  | {
      readonly event: "rtmp-closed";
      readonly connection: number;
      readonly remoteAddress: string;
      readonly receivedBytes: number;
      readonly end: PublicationEnd;
    };
