/** From a player to an operator, over the whole stack: what is said in CMCD, as hls.js spells it, is what origin tells. */
import { expect, inject, it } from "vitest";
import { EdgeAnswerSchema, QoeAnswerSchema } from "../../wire/admin-edge.ts";
import { parseJson } from "../../wire/parse.ts";
import { endChild, Stack, until } from "../support/stack.ts";

it("a viewer is counted, and how the player does", async () => {
  const stack = Stack.attach(inject("millrace"));
  const picture = stack.broadcast(await stack.createStream("qoe"));
  try {
    await stack.state("qoe", "live");
    const say = async (path: string, cmcd: string): Promise<string> => {
      const mark = path.includes("?") ? "&" : "?";
      const answer = await stack.get(`${path}${mark}CMCD=${encodeURIComponent(cmcd)}`);
      expect(answer.status).toBe(200);
      return answer.text();
    };
    await say("/live/qoe/index.m3u8", 'ot=m,sf=h,sid="a",st=l,su,v=2');
    const playlist = await say("/live/qoe/v360/index.m3u8", 'ot=m,sf=h,sid="a",st=l,su,v=2');
    const segment = /^\.\.\/\.\.\/\.\.(\/media\/.*\.m4s)$/m.exec(playlist)?.[1] ?? "";
    await say(segment, 'br=800,ot=v,mtp=25000,sf=h,sid="a",st=l,su,v=2');
    await say(segment, 'bl=2000,br=800,mtp=25000,msd=850,ltc=1700,ot=v,sid="a",v=2');
    await say(segment, 'bl=1000,br=800,bs,mtp=25000,ltc=1900,ot=v,sid="a",v=2');
    const answer = await until("what was said to be told", async () => {
      const told = parseJson(QoeAnswerSchema, await (await stack.admin("/qoe/qoe?minutes=5")).text());
      return told.ok && told.value.requests === 5 ? told.value : undefined;
    });
    expect(answer).toMatchObject({
      startups: 3,
      stalls: 1,
      bitrate: { mean: 800, count: 3 },
      buffer: { mean: 1500, count: 2 },
      latency: { mean: 1800, count: 2 },
      startDelay: { mean: 850, count: 1 },
    });
    const counts = await until("what was answered to be told", async () => {
      const edge = parseJson(EdgeAnswerSchema, await (await stack.admin("/edge?minutes=5")).text());
      const mine = edge.ok ? edge.value.streams.find(({ stream }) => stream === "qoe") : undefined;
      return mine?.media.requests === 3 && mine.playlists.requests === 2 ? mine : undefined;
    });
    expect(counts.streamCalls).toBeGreaterThan(0);
  } finally {
    await endChild(picture);
    await stack.stop();
  }
});
