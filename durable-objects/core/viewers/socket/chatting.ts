/** What is said in a room and asked of it: read and passed to the room, which decides; its answer in the protocol's words. */
import { ERROR, type ProtocolError, reply } from "../../../../wire/centrifugo.ts";
import {
  ACTIONS,
  type Action,
  type ActionName,
  CHAT_ERROR,
  roomOfChannel,
  SaySchema,
} from "../../../../wire/chat.ts";
import { parse } from "../../../../wire/parse.ts";
import type { Refusal, Speaker } from "../../chat/judge.ts";
import type { Connection } from "./connection.ts";
import { answered, type CommandOf, type Decision, refused, type Supplied } from "./decision.ts";

/** Decide a `publish` to a room. */
export function decidePost(
  connection: Connection,
  command: CommandOf<"publish">,
  { posted }: Supplied,
): Decision {
  const room = roomOfChannel(command.params.channel);
  const say = parse(SaySchema, command.params.data);
  if (room === undefined || !say.ok) return refused(command, ERROR.badRequest);
  if (posted === undefined) {
    return { need: { type: "post", room, speaker: speakerOf(connection), say: say.value } };
  }
  return posted.ok ? answered(reply(command.id, "publish", {})) : refused(command, errorOf(posted.error));
}

/** Decide an `rpc` that is for a room. */
export function decideAction(
  connection: Connection,
  command: CommandOf<"rpc">,
  name: ActionName,
  { acted }: Supplied,
): Decision {
  const data = parse(ACTIONS[name], command.params.data);
  if (!data.ok) return refused(command, ERROR.badRequest);
  if (data.value.room !== connection.stream) return refused(command, ERROR.permissionDenied);
  if (acted === undefined) {
    // The schema was chosen by the name.
    return {
      need: { type: "act", speaker: speakerOf(connection), action: { name, data: data.value } as Action },
    };
  }
  if (acted.ok) return answered(reply(command.id, "rpc", { data: acted.value }));
  return refused(command, acted.error === "forbidden" ? ERROR.permissionDenied : errorOf(acted.error));
}

/** Who speaks: as the token says, and from where. */
function speakerOf({ who, address }: Connection): Speaker {
  const { name } = who?.info === undefined ? {} : (JSON.parse(who.info) as { readonly name?: string });
  return {
    user: who?.user ?? "",
    role: who?.role ?? "guest",
    badges: who?.badges ?? [],
    address,
    ...(name !== undefined && { name }),
  };
}

/** How long it takes stands behind the message, for programs: `slow mode, 12 s`. */
function errorOf({ name, seconds }: Refusal): ProtocolError {
  const { code, message } = CHAT_ERROR[name];
  return { code, message: seconds === undefined ? message : `${message}, ${seconds} s` };
}
