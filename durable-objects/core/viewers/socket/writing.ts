/** What is said in a room by `publish`: read and passed to the room, which decides; its answer in the protocol's words. */
import { ERROR, reply } from "../../../../wire/centrifugo.ts";
import { SaySchema } from "../../../../wire/chat.ts";
import { ConversationSaySchema } from "../../../../wire/conversations.ts";
import { parse } from "../../../../wire/parse.ts";
import { errorOf, speakerOf } from "./asking.ts";
import { ownerOf } from "./channels.ts";
import type { Connection } from "./connection.ts";
import { answered, type CommandOf, type Decision, type Need, refused, type Supplied } from "./decision.ts";

/** Decide a `publish` to a room. */
export function decideWriting(
  connection: Connection,
  command: CommandOf<"publish">,
  { posted }: Supplied,
): Decision {
  const owner = ownerOf(command.params.channel);
  // Nobody but its owner writes in an inbox or a presence channel.
  if (owner?.kind !== "room" && owner?.kind !== "conversation") {
    return refused(command, ERROR.permissionDenied);
  }
  const need = needOf(connection, owner, command.params.data);
  if (need === undefined) return refused(command, ERROR.badRequest);
  if (posted === undefined) return { need };
  return posted.ok ? answered(reply(command.id, "publish", {})) : refused(command, errorOf(posted.error));
}

function needOf(
  connection: Connection,
  { kind, room }: { readonly kind: "room" | "conversation"; readonly room: string },
  data: unknown,
): Need | undefined {
  const speaker = speakerOf(connection);
  if (kind === "room") {
    const say = parse(SaySchema, data);
    return say.ok ? { type: "post", room, speaker, say: say.value } : undefined;
  }
  const say = parse(ConversationSaySchema, data);
  return say.ok ? { type: "write", room, speaker, say: say.value } : undefined;
}
