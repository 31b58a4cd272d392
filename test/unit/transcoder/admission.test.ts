/** Who is let in, what the others are told, and what a host is called. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { refusalOf, unreadiness } from "../../../transcoder/core/admission.ts";
import { defaultSlots, freeSlots, type Load } from "../../../transcoder/core/capacity.ts";
import { idOfHost } from "../../../transcoder/core/host-name.ts";
import { type RtmpServer, startRtmpServer } from "../../../transcoder/rtmp-server.ts";
import { TranscoderIdSchema } from "../../../wire/fleet.ts";
import { parse } from "../../../wire/parse.ts";

const idle: Load = { slots: 4, encoders: 0, draining: false, stopping: false };

it.each([
  ["idle", {}, undefined, 4, 0],
  ["one slot left", { encoders: 3 }, undefined, 1, 0],
  ["full", { encoders: 4 }, "full", 0, 1],
  ["over its limit", { encoders: 5 }, "full", 0, 1],
  ["closed by its operator", { slots: 0 }, "full", 0, 1],
  ["draining", { encoders: 2, draining: true }, "draining", 0, 1],
  ["draining and full", { encoders: 4, draining: true }, "draining", 0, 2],
  ["stopping", { draining: true, stopping: true }, "stopping", 0, 2],
] as const)("a host that is %s", (_what, changes, reason, free, reasons) => {
  const load = { ...idle, ...changes };
  expect(refusalOf(load)?.reason).toBe(reason);
  expect(freeSlots(load)).toBe(free);
  expect(unreadiness(load)).toHaveLength(reasons);
});

it("refuses with a status that OBS closes at, and words for people", () => {
  expect(refusalOf({ ...idle, draining: true })).toEqual({
    reason: "draining",
    code: "NetStream.Publish.Rejected",
    description: "This server is being drained. Try another.",
  });
  expect(refusalOf({ ...idle, encoders: 4 })?.description).toBe(
    "This server is full (4 encoders). Try another.",
  );
});

it.each([
  [1, 4],
  [8, 32],
  [0.5, 4],
  [0, 4],
])("has four slots a core (%d)", (cores, slots) => {
  expect(defaultSlots(cores)).toBe(slots);
});

describe("the id of a host", () => {
  it.each([
    ["ingest-1.example.com", "ingest-1.example.com"],
    ["9f86d081884c", "9f86d081884c"],
    ["-_strange name!", "strange-name-"],
    ["Überhost", "berhost"],
    ["", "transcoder"],
    ["...", "transcoder"],
    ["x".repeat(80), "x".repeat(63)],
  ])("%s", (hostname, id) => {
    expect(idOfHost(hostname)).toBe(id);
    expect(parse(TranscoderIdSchema, id).ok).toBe(true);
  });
});

describe("a real encoder that is turned away", () => {
  const turned = refusalOf({ ...idle, draining: true });
  let server: RtmpServer;
  beforeAll(async () => {
    server = await startRtmpServer({
      host: "127.0.0.1",
      port: 0,
      log: () => {},
      onPublish: (request) => request.refuse(turned?.code ?? "", turned?.description ?? ""),
    });
  });
  afterAll(() => server.close());

  it("is told why by FFmpeg, and is done at once", async () => {
    const source = ["-re", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10:duration=20"];
    const target = ["-c:v", "libx264", "-f", "flv", `rtmp://127.0.0.1:${server.port}/live/key`];
    const run = promisify(execFile)("ffmpeg", ["-nostdin", "-v", "error", ...source, ...target]);
    await expect(run).rejects.toMatchObject({
      stderr: expect.stringContaining("Server error: This server is being drained. Try another."),
    });
  });
});
