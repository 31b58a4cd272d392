/** A live broadcast, asked for at the rate of its parts: every rule that a client can see, also across a reconnect. */
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { checkPlaylist, checkPresentation } from "../support/hls-checker.ts";
import { endChild, Stack } from "../support/stack.ts";

type State = ReturnType<typeof checkPlaylist>["state"];

let stack: Stack;
beforeAll(() => {
  stack = Stack.attach(inject("millrace"));
});
afterAll(() => stack.stop());

/** Follow one rendition with blocking reloads, every other one a delta update, until `done`. */
async function follow(
  stream: string,
  rendition: string,
  done: () => boolean,
): Promise<{ state: State; violations: string[]; answers: number }> {
  const path = `/live/${stream}/${rendition}/index.m3u8`;
  let { violations, state } = checkPlaylist(await (await stack.get(path)).text());
  const all = [...violations];
  let answers = 0;
  let text = "";
  while (!done()) {
    const hint = /PRELOAD-HINT:TYPE=PART,URI="[^"]*part-(\d+)\.(\d+)\.m4s"/.exec(text);
    const skip = answers % 2 === 1 ? "&_HLS_skip=YES" : "";
    const query = hint ? `?_HLS_msn=${hint[1]}&_HLS_part=${hint[2]}${skip}` : "";
    const answer = await stack.get(path + query);
    // Held for three target durations while the encoder was away (rule 20).
    if (answer.status === 503) continue;
    expect(answer.status).toBe(200);
    text = await answer.text();
    ({ violations, state } = checkPlaylist(text, state));
    all.push(...violations);
    answers += 1;
  }
  return { state, violations: all, answers };
}

it("keeps every rule a client can see, in all renditions, across a reconnect", async () => {
  const key = await stack.createStream("conforms");
  const first = stack.broadcast(key, ["--size", "854x480", "--kbps", "800"]);
  await stack.state("conforms", "live");
  let over = false;
  const names = ["v480", "v360", "audio"];
  const following = Promise.all(names.map((name) => follow("conforms", name, () => over)));
  await stack.logged("published", (line) => line.stream === "conforms" && Number(line.startSeconds) > 8);
  first.kill("SIGKILL");
  await stack.state("conforms", "interrupted");
  const second = stack.broadcast(key, ["--size", "854x480", "--kbps", "800"]);
  await stack.state("conforms", "live");
  await stack.logged(
    "published",
    (line) =>
      line.stream === "conforms" && String(line.session).endsWith(".2") && Number(line.startSeconds) > 6,
  );
  over = true;
  const followed = await following;
  await endChild(second);
  for (const { violations, answers } of followed) {
    expect(violations).toEqual([]);
    expect(answers).toBeGreaterThan(12);
  }
  const presentation = new Map(followed.map(({ state }, i) => [`${names[i]}/index.m3u8`, state]));
  expect(checkPresentation(presentation)).toEqual([]);
});
