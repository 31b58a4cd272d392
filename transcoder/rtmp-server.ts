/**
 * The RTMP server's listeners: plain and behind TLS, with the limits that count over both. What one client says is
 * `rtmp-serving.ts`'s business; who may publish is the owner's.
 */
import { createServer, type Server, type Socket } from "node:net";
import { addressKey } from "./rtmp/address-key.ts";
import { DEFAULT_RTMP_LIMITS, type RtmpLimits } from "./rtmp/limits.ts";
import type { Publication, PublicationEnd, PublishRequest, RtmpLogEvent } from "./rtmp/publication.ts";
import { type Serving, serve } from "./rtmp-serving.ts";

export type { Publication, PublicationEnd, PublishRequest, RtmpLogEvent };

/**
 * A way to put TLS on accepted sockets (tls.ts): what it returns takes one over, and `onSocket` gets the secure one when its
 * handshake is done. A handshake that takes longer than the limit, or fails, closes the socket.
 */
export type Secure = (
  onSocket: (socket: Socket) => void,
  handshakeTimeoutMs: number,
) => (accepted: Socket) => void;

/** What a server is started with. */
export interface RtmpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Listen for RTMPS too, on a port of its own. */
  readonly rtmps?: { readonly port: number; readonly secure: Secure };
  readonly limits?: Partial<RtmpLimits>;
  /** Enhanced RTMP FourCCs to answer with; none unless given. */
  readonly fourCcs?: readonly string[];
  readonly log: (event: RtmpLogEvent) => void;
  readonly onPublish: (request: PublishRequest) => void | Promise<void>;
}

/** A listening server. */
export interface RtmpServer {
  readonly port: number;
  /** Where RTMPS is; absent unless it was asked for. */
  readonly rtmpsPort?: number;
  /** Stop listening and end every connection. */
  close(): Promise<void>;
}

/** Listen. Rejects when an address cannot be had. */
export async function startRtmpServer(options: RtmpServerOptions): Promise<RtmpServer> {
  const { log, onPublish, fourCcs = [], host, rtmps } = options;
  const limits: RtmpLimits = { ...DEFAULT_RTMP_LIMITS, ...options.limits };
  /** Every accepted socket, whether TLS is on it yet or not. */
  const open = new Set<Socket>();
  const servings = new Set<Serving>();
  const perAddress = new Map<string, number>();
  let connections = 0;

  /** Count a socket in, until it closes. False: there is no room, and it was closed. */
  function admit(socket: Socket): boolean {
    // Whatever a socket does, an "error" without a listener would end the process.
    socket.on("error", () => {});
    const remoteAddress = socket.remoteAddress ?? "unknown";
    const key = addressKey(remoteAddress);
    const fromAddress = perAddress.get(key) ?? 0;
    const full = open.size >= limits.connections;
    if (full || fromAddress >= limits.connectionsPerAddress) {
      const limit = full ? "connections" : "connectionsPerAddress";
      log({ event: "rtmp-turned-away", remoteAddress, limit });
      socket.destroy();
      return false;
    }
    perAddress.set(key, fromAddress + 1);
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      const left = (perAddress.get(key) ?? 1) - 1;
      if (left === 0) perAddress.delete(key);
      else perAddress.set(key, left);
    });
    return true;
  }

  function begin(socket: Socket): void {
    connections += 1;
    const remoteAddress = socket.remoteAddress ?? "unknown";
    const serving = serve(socket, {
      limits,
      fourCcs,
      log,
      onPublish,
      connection: connections,
      remoteAddress,
    });
    servings.add(serving);
    socket.once("close", () => servings.delete(serving));
  }

  function listener(onAdmitted: (socket: Socket) => void): Server {
    return createServer({ noDelay: true }, (socket) => {
      if (admit(socket)) onAdmitted(socket);
    });
  }

  const plain = await listen(listener(begin), host, options.port);
  const behindTls =
    rtmps &&
    (await listen(listener(rtmps.secure(begin, limits.handshakeTimeoutMs)), host, rtmps.port).catch(
      (error: unknown) => {
        plain.server.close();
        throw error;
      },
    ));
  for (const { server, port } of [plain, ...(behindTls ? [behindTls] : [])]) {
    server.on("error", (error) => log({ event: "rtmp-server-error", error: error.message }));
    log({ event: "rtmp-listening", port, ...(server === behindTls?.server && { tls: true }) });
  }
  return {
    port: plain.port,
    ...(behindTls && { rtmpsPort: behindTls.port }),
    async close() {
      const closed = [plain, ...(behindTls ? [behindTls] : [])].map(({ server }) => closeServer(server));
      for (const serving of servings) serving.shutDown();
      for (const socket of open) socket.destroy();
      await Promise.all(closed);
    },
  };
}

interface Listening {
  readonly server: Server;
  readonly port: number;
}

function listen(server: Server, host: string, port: number): Promise<Listening> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      const address = server.address();
      resolve({ server, port: typeof address === "object" && address !== null ? address.port : port });
    });
  });
}

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });
