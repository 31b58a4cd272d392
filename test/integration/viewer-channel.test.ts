/** A channel of a shard: what it keeps of what was taken back since, whichever way it heard of that. */
import { describe, expect, it, vi } from "vitest";
import type { Followed } from "../../durable-objects/core/viewers/viewer-messages.ts";
import { ViewerChannel } from "../../durable-objects/viewers/viewer-channel.ts";
import { isErasing } from "../../wire/chat.ts";

const EPOCH = "e";
const SECRET = { offset: 1, data: '{"type":"message","text":"secret"}' };
const OTHER = { offset: 2, data: '{"type":"message","text":"other"}' };
const DELETED = { offset: 3, data: '{"type":"deleted","ids":["one"]}' };
const positionAt = (offset: number) => ({ epoch: EPOCH, offset });

/** A channel that has asked its owner, who answers the next question with `rest`. */
async function channelWith(rest: Followed) {
  const told: number[] = [];
  const answers: Followed[] = [
    { position: positionAt(2), complete: true, publications: [SECRET, OTHER] },
    rest,
  ];
  const kept = new Map<string, unknown>();
  const channel = new ViewerChannel("chat:room", {
    owner: {
      since: async () => answers.shift() ?? rest,
      report: async () => ({ position: positionAt(2), viewers: 0, draining: [], parents: {} }),
    },
    // Three of its methods are all that is used.
    kv: {
      get: (key: string) => kept.get(key),
      put: (key: string, value: unknown) => kept.set(key, value),
      delete: (key: string) => kept.delete(key),
    } as unknown as SyncKvStorage,
    look: () => ({ shard: "room/test/1", sockets: 1, playing: 0 }),
    tell: (publications) => told.push(...publications.flatMap(({ offset }) => offset ?? [])),
    takeBack: () => {},
    heard: () => {},
    isErasing,
  });
  await channel.ask();
  expect(channel.feed?.kept).toEqual([SECRET, OTHER]);
  return { channel, told };
}

describe("what was taken back", () => {
  const rest = { position: positionAt(3), complete: true, publications: [DELETED] };
  it.each([
    ["a delivery", [DELETED]],
    ["the owner, after a delivery was lost", []],
  ])("is kept no more when it is heard of by %s", async (_how, publications) => {
    const { channel, told } = await channelWith(rest);
    channel.deliver({ channel: "chat:room", position: positionAt(3), publications });
    await vi.waitFor(() => expect(told).toEqual([3]));
    expect(channel.feed?.position.offset).toBe(3);
    expect(JSON.stringify(channel.feed)).not.toContain("secret");
  });

  it("leaves all that is there to who asks for everything", async () => {
    const gone = { offset: 1, data: '{"type":"gone","seq":1}' };
    const all = {
      position: positionAt(4),
      complete: true,
      publications: [gone, OTHER, DELETED, { ...OTHER, offset: 4 }],
    };
    const { channel } = await channelWith(all);
    channel.deliver({ channel: "chat:room", position: positionAt(3), publications: [DELETED] });
    await channel.ask();
    expect(channel.feed).toMatchObject({ whole: true, kept: all.publications });
  });
});
