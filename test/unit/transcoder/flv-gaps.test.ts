/** Tracks that stop, through real FFmpeg beside encoded tracks and in every profile: whole segments, nothing to begin anew for. */
import { describe, expect, it } from "vitest";
import { makeSource, runSession } from "./session.ts";

const { messages } = makeSource("gaps", [
  ...["-f", "lavfi", "-i", "testsrc2=size=424x424:rate=25:duration=9"],
  ...["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=9"],
  ...["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "400k", "-sc_threshold", "0"],
  ...["-g", "50", "-keyint_min", "50", "-bf", "2", "-c:a", "aac"],
]);

describe.each([
  ["pictures", "video"],
  ["sound", "audio"],
] as const)("%s that are away from 3.5 s to 6.4 s", (_what, kind) => {
  const faulty = messages.filter(
    (message) => message.kind !== kind || message.timestamp < 3500 || message.timestamp >= 6400,
  );

  it.each([
    ["low", true],
    ["low", false],
    ["ultra", true],
    ["ultra", false],
    ["standard", true],
  ] as const)("profile %s, passed through: %s", async (profile, copy) => {
    const session = await runSession(faulty, profile, copy);
    expect(session.exit).toMatchObject({ how: "ended", stderr: "" });
    expect(session.cuts.filter((cut) => cut.type === "problem")).toEqual([]);
    const names = session.plan.renditions.map(({ name }) => name);
    const segments = session.cuts.filter((cut) => cut.type === "segment");
    for (const { tracks } of segments) expect([...tracks.keys()]).toEqual(names);
    const seconds = segments.reduce((sum, { duration }) => sum + duration, 0);
    expect(Math.abs(seconds - 9)).toBeLessThan(0.3);
  });
});
