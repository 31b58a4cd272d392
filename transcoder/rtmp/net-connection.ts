/**
 * What a client's commands do (RTMP 1.0, section 7.2), as a decision: state and command in, state and actions out. Knows nothing
 * of bytes on the wire or of media.
 */
import { type Amf0Value, member } from "./amf0.ts";
import { type Command, connectResult, onFcUnpublish, onStatus, result } from "./command.ts";
import type { RtmpFailure } from "./failure.ts";

/** What a publishing client says of itself. */
export interface PublishFacts {
  readonly app: string;
  /** The stream key as sent, query and all. */
  readonly name: string;
  readonly tcUrl: string;
  readonly flashVer: string;
  /** Enhanced RTMP codecs of the client that this server was told to support. */
  readonly fourCcs: readonly string[];
}

type ConnectFacts = Omit<PublishFacts, "name">;

/** Where a connection stands. */
export type NetState =
  | { readonly phase: "new" }
  | { readonly phase: "connected"; readonly facts: ConnectFacts; readonly streams: MessageStreams }
  /** A publish waits for the owner's word. */
  | {
      readonly phase: "undecided";
      readonly facts: PublishFacts;
      readonly streams: MessageStreams;
      readonly streamId: number;
    }
  | {
      readonly phase: "publishing";
      readonly facts: PublishFacts;
      readonly streams: MessageStreams;
      readonly streamId: number;
    }
  /** Unpublished, refused or dropped: nothing more will come of it. */
  | { readonly phase: "over" };

/** Open message streams; ids are not used twice. */
export interface MessageStreams {
  readonly open: readonly number[];
  readonly nextId: number;
}

/** What has to happen, in this order. */
export type NetAction =
  | { readonly type: "reply"; readonly streamId: number; readonly payload: Uint8Array }
  /** Announce window and chunk size, then reply. */
  | { readonly type: "connect-reply"; readonly payload: Uint8Array }
  | { readonly type: "publish"; readonly facts: PublishFacts }
  | { readonly type: "unpublish"; readonly command: string }
  | { readonly type: "refused"; readonly code: string }
  | { readonly type: "ignored"; readonly command: string }
  | { readonly type: "failed"; readonly failure: RtmpFailure };

/** What a command led to. */
export interface Decision {
  readonly state: NetState;
  readonly actions: readonly NetAction[];
}

/** What the decisions depend on. */
export interface NetRules {
  readonly messageStreams: number;
  /** FourCCs answered to an Enhanced RTMP client. */
  readonly fourCcs: readonly string[];
}

const PLAY_FAILED = "NetStream.Play.Failed";
const UNPUBLISHED = "NetStream.Unpublish.Success";

/** Decide on one command. */
export function onCommand(state: NetState, command: Command, rules: NetRules): Decision {
  if (state.phase === "over") return { state, actions: [] };
  if (command.name === "connect") return onConnect(state, command, rules);
  if (state.phase === "new") return failed(state, { reason: "not-connected", command: command.name });
  switch (command.name) {
    case "releaseStream":
    case "FCPublish":
    case "_checkbw":
      return { state, actions: answer(command) };
    case "createStream":
      return onCreateStream(state, command, rules);
    case "publish":
      return onPublish(state, command);
    case "play":
    case "play2":
      return onPlay(command);
    case "FCUnpublish":
    case "closeStream":
    case "deleteStream":
      return onStreamEnd(state, command);
    default:
      return { state, actions: [{ type: "ignored", command: command.name }] };
  }
}

type Connected = Exclude<NetState, { phase: "new" | "over" }>;

function onConnect(state: NetState, command: Command, rules: NetRules): Decision {
  if (state.phase !== "new") return failed(state, { reason: "already-connected" });
  const app = member(command.object, "app");
  if (typeof app !== "string") {
    return failed(state, { reason: "malformed-command", detail: "connect without an app" });
  }
  const fourCcs = supportedFourCcs(member(command.object, "fourCcList"), rules.fourCcs);
  const facts: ConnectFacts = {
    app,
    tcUrl: text(member(command.object, "tcUrl")),
    flashVer: text(member(command.object, "flashVer")),
    fourCcs,
  };
  return {
    state: { phase: "connected", facts, streams: { open: [], nextId: 1 } },
    actions: [{ type: "connect-reply", payload: connectResult(command.transactionId, fourCcs) }],
  };
}

/** Enhanced RTMP v2, "Enhancing NetConnection connect Command": a list of FourCCs, where `*` means any. */
function supportedFourCcs(offered: Amf0Value, supported: readonly string[]): readonly string[] {
  if (typeof offered !== "object" || offered === null || offered.type !== "strict-array") return [];
  const names = new Set(offered.items);
  return names.has("*") ? supported : supported.filter((fourCc) => names.has(fourCc));
}

function onCreateStream(state: Connected, command: Command, rules: NetRules): Decision {
  const { open, nextId } = state.streams;
  if (open.length >= rules.messageStreams) {
    return failed(state, { reason: "too-many-message-streams", limit: rules.messageStreams });
  }
  const streams = { open: [...open, nextId], nextId: nextId + 1 };
  return {
    state: { ...state, streams },
    actions: [{ type: "reply", streamId: 0, payload: result(command.transactionId, nextId) }],
  };
}

function onPublish(state: Connected, command: Command): Decision {
  const { streamId } = command;
  const [name] = command.args;
  if (state.phase !== "connected") return failed(state, { reason: "second-publish" });
  if (typeof name !== "string") {
    return failed(state, { reason: "malformed-command", detail: "publish without a name" });
  }
  if (!state.streams.open.includes(streamId)) {
    return failed(state, { reason: "unknown-message-stream", streamId, command: command.name });
  }
  const facts: PublishFacts = { ...state.facts, name };
  return {
    state: { phase: "undecided", facts, streams: state.streams, streamId },
    actions: [{ type: "publish", facts }],
  };
}

function onPlay({ streamId }: Command): Decision {
  const payload = onStatus("error", PLAY_FAILED, "This server takes streams in; it plays none.");
  return {
    state: { phase: "over" },
    actions: [
      { type: "reply", streamId, payload },
      { type: "refused", code: PLAY_FAILED },
    ],
  };
}

function onStreamEnd(state: Connected, command: Command): Decision {
  const { name, args, streamId } = command;
  const target = name === "deleteStream" ? args[0] : streamId;
  const open = name === "FCUnpublish" ? state.streams.open : state.streams.open.filter((id) => id !== target);
  const remaining = { ...state, streams: { ...state.streams, open } };
  // FCUnpublish comes on message stream 0 and names its stream; there is only the one.
  const ends = state.phase !== "connected" && (name === "FCUnpublish" || target === state.streamId);
  if (!ends) return { state: remaining, actions: [] };
  const actions: NetAction[] = [];
  if (name === "FCUnpublish") {
    actions.push({ type: "reply", streamId: 0, payload: onFcUnpublish(state.facts.name) });
  }
  const payload = onStatus("status", UNPUBLISHED, "Publishing has ended.");
  actions.push({ type: "reply", streamId: state.streamId, payload }, { type: "unpublish", command: name });
  return { state: { phase: "over" }, actions };
}

const answer = ({ transactionId }: Command): readonly NetAction[] =>
  transactionId === 0 ? [] : [{ type: "reply", streamId: 0, payload: result(transactionId) }];

const failed = (state: NetState, failure: RtmpFailure): Decision => ({
  state,
  actions: [{ type: "failed", failure }],
});

const text = (value: Amf0Value): string => (typeof value === "string" ? value : "");
