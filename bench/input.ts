/** Made-up shows for benchmarks that must not spend the machine on painting: encoded once into a file, sent at the pace of the clock. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A recorded show. */
export interface Recording {
  /** An FLV file. */
  readonly path: string;
  readonly remove: () => void;
}

export interface RecordingSettings {
  readonly size: string;
  readonly kilobits: number;
  readonly seconds: number;
}

/** Encode a show: a moving test card with the grain of a camera, at 30 fps with a keyframe every two seconds, and a tone. */
export function record({ size, kilobits, seconds }: RecordingSettings): Recording {
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const path = join(folder, "show.flv");
  const rate = `${kilobits}k`;
  execFileSync("ffmpeg", [
    ...["-hide_banner", "-nostdin", "-loglevel", "error"],
    ...["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=30,noise=alls=12:allf=t`],
    ...["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", String(seconds)],
    ...["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"],
    ...["-g", "60", "-keyint_min", "60", "-sc_threshold", "0"],
    ...["-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-c:a", "aac", "-b:a", "128k", path],
  ]);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Arguments of an FFmpeg that sends a recording somewhere, as fast as it plays. */
export const sendArguments = (recording: Recording, to: string): string[] => [
  ...["-re", "-i", recording.path, "-c", "copy", "-f", "flv", to],
];
