import { describe, expect, it } from "vitest";
import { createLog, type LogEvent, type LogForm, tee, withFacts } from "../../../transcoder/log.ts";

/** A log with a clock that stands until it is set. */
function logIn(form: LogForm) {
  const lines: string[] = [];
  const clock = { now: new Date(2026, 0, 1, 12, 0, 0) };
  const log = createLog(
    form,
    (line) => lines.push(line),
    () => clock.now,
  );
  return { log, lines, wait: (ms: number) => (clock.now = new Date(clock.now.getTime() + ms)) };
}

describe("the JSON form", () => {
  it("is one object a line, with time and level first", () => {
    const { log, lines } = logIn("json");
    log({ event: "encoder-dropped", description: "two\nlines" });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{"at":"[^"]+Z","level":"error","event":"encoder-dropped",.*\}\n$/);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ description: "two\nlines" });
  });

  it("leaves nothing out", () => {
    const { log, lines } = logIn("json");
    for (let msn = 0; msn < 5; msn += 1) log({ event: "published", stream: "a", msn });
    expect(lines).toHaveLength(5);
  });
});

describe("the human form", () => {
  const published = (stream: string): LogEvent => ({
    event: "published",
    stream,
    type: "part",
    msn: 1,
    duration: 1,
  });

  it("shows one published line in ten seconds for each stream, and counts the rest", () => {
    const { log, lines, wait } = logIn("human");
    for (let i = 0; i < 41; i += 1) {
      log(published("a"));
      if (i === 20) log(published("b"));
      wait(500);
    }
    const of = (stream: string) => lines.filter((line) => line.slice(11).startsWith(`${stream} `));
    expect(of("a").map((line) => line.slice(0, 8))).toEqual(["12:00:00", "12:00:10", "12:00:20"]);
    expect(of("a")[1]).toContain("(19 more before it)");
    expect(of("b")).toHaveLength(1);
  });

  it("thins each kind by itself, and nothing else", () => {
    const { log, lines } = logIn("human");
    for (const event of ["published", "input", "retry", "published", "session-trouble", "session-trouble"])
      log({ event, stream: "a" });
    expect(lines).toHaveLength(5);
  });

  it("begins anew after a session", () => {
    const { log, lines } = logIn("human");
    log(published("a"));
    log({ event: "session-ended", stream: "a" });
    log(published("a"));
    expect(lines).toHaveLength(3);
  });

  it("survives a clock that is set back", () => {
    const { log, lines, wait } = logIn("human");
    log(published("a"));
    wait(-3_600_000);
    log(published("a"));
    expect(lines).toHaveLength(2);
  });
});

it("tells several logs, with the facts", () => {
  const one: LogEvent[] = [];
  const two: LogEvent[] = [];
  withFacts(
    tee(
      (event) => one.push(event),
      (event) => two.push(event),
    ),
    { stream: "a" },
  )({ event: "x" });
  expect(one).toEqual([{ event: "x", stream: "a" }]);
  expect(two).toEqual(one);
});
