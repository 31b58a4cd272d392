import { describe, expect, it } from "vitest";
import { MAX_COMMANDS, parseFrame, publicationPush } from "../../../wire/centrifugo.ts";

describe("a frame", () => {
  it("may hold several lines, and blank ones between them", () => {
    const frame = parseFrame('{"id":1,"ping":{}}\n\n{}\n{"send":{"data":1}}\n');
    expect(frame.ok && frame.value.map(({ type }) => type)).toEqual(["command", "pong", "command"]);
  });

  it("holds at most so many lines", () => {
    expect(parseFrame("{}\n".repeat(MAX_COMMANDS)).ok).toBe(true);
    expect(parseFrame("{}\n".repeat(MAX_COMMANDS + 1))).toMatchObject({ ok: false, error: { code: 3013 } });
  });

  it("passes over members that it does not know", () => {
    const frame = parseFrame('{"id":1,"subscribe":{"channel":"live:x","flag":3,"delta":"fossil"}}');
    expect(frame).toMatchObject({
      ok: true,
      value: [{ command: { params: { channel: "live:x", recover: false } } }],
    });
  });

  it("says where a client was in its server-side subscriptions", () => {
    const subs = { "live:x": { recover: true, offset: 7, epoch: "e" } };
    const frame = parseFrame(JSON.stringify({ id: 1, connect: { token: "t", subs } }));
    expect(frame).toMatchObject({ ok: true, value: [{ command: { params: { token: "t", subs } } }] });
    const without = parseFrame('{"id":1,"connect":{}}');
    expect(without).toMatchObject({ ok: true, value: [{ command: { params: { token: "", subs: {} } } }] });
    const wrong = parseFrame('{"id":1,"connect":{"subs":{"live:x":{"offset":"7"}}}}');
    expect(wrong).toMatchObject({ ok: true, value: [{ type: "refused", error: { code: 107 } }] });
  });
});

it("a push is JSON around JSON", () => {
  expect(JSON.parse(publicationPush('a"b', '{"x":1}', 7))).toEqual({
    push: { channel: 'a"b', pub: { data: { x: 1 }, offset: 7 } },
  });
  expect(JSON.parse(publicationPush("a", "[]"))).toEqual({ push: { channel: "a", pub: { data: [] } } });
});
