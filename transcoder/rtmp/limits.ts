/** Everything that bounds one RTMP connection or the server as a whole. Numbers only: the pure code enforces sizes, the shell times. */

const KIB = 1024;
const MIB = 1024 * 1024;

/** Limits of the RTMP server. Exceeding one ends that connection and no other. */
export interface RtmpLimits {
  /** Commands that may come before `publish`; OBS and FFmpeg send four. */
  readonly commandsBeforePublish: number;
  /** Bytes that may come before `publish`, the handshake's 3073 included. */
  readonly bytesBeforePublish: number;
  /** Bytes that are kept while a publish waits for its answer. */
  readonly heldBytes: number;
  /** Longest audio, video, data or aggregate message, bytes. */
  readonly messageBytes: number;
  /** Longest message of any other type, bytes. */
  readonly commandBytes: number;
  /** Bytes of memory that unfinished messages of one connection may take together. */
  readonly unfinishedBytes: number;
  /** Chunk streams that one connection may use. */
  readonly chunkStreams: number;
  /** Message streams that may be open at once (`createStream`). */
  readonly messageStreams: number;
  /** Objects and arrays within each other in one AMF value. */
  readonly amfDepth: number;
  /** Values in one AMF message, those in objects and arrays included. */
  readonly amfElements: number;
  /** Remarks for the log per connection; the rest go unsaid. */
  readonly notes: number;
  /** From the accepted socket to the end of the handshake. */
  readonly handshakeTimeoutMs: number;
  /** From the accepted socket to `publish`. */
  readonly publishTimeoutMs: number;
  /** How long the owner may take to accept or refuse a publish. */
  readonly decisionTimeoutMs: number;
  /** Without a byte from the client; does not run while the owner has paused reading. */
  readonly idleTimeoutMs: number;
  /** How long a client that was told to go may take to close. */
  readonly lingerTimeoutMs: number;
  /** Connections at once from one IPv4 address or one IPv6 /64. */
  readonly connectionsPerAddress: number;
  /** Connections at once. */
  readonly connections: number;
  /** Bytes that may wait for a client that does not read. */
  readonly sendBufferBytes: number;
}

/** Limits that OBS and FFmpeg never notice. */
export const DEFAULT_RTMP_LIMITS: RtmpLimits = {
  commandsBeforePublish: 32,
  bytesBeforePublish: 64 * KIB,
  heldBytes: 256 * KIB,
  messageBytes: 8 * MIB,
  commandBytes: 64 * KIB,
  unfinishedBytes: 16 * MIB,
  chunkStreams: 32,
  messageStreams: 8,
  amfDepth: 16,
  amfElements: 1024,
  notes: 8,
  handshakeTimeoutMs: 10_000,
  publishTimeoutMs: 20_000,
  decisionTimeoutMs: 30_000,
  idleTimeoutMs: 15_000,
  lingerTimeoutMs: 2_000,
  connectionsPerAddress: 16,
  connections: 256,
  sendBufferBytes: 64 * KIB,
};
