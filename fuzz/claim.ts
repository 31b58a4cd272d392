/**
 * Fuzz target: what an RTMP publish names (app, tcUrl, name) and the bodies by which a session is opened, completed late and a host
 * registers. Whatever is read has the shape that origin relies on, and no key gets into what may be logged.
 */
import { loggableApp, readClaim } from "../transcoder/core/publish-name.ts";
import { ReportSchema } from "../wire/fleet.ts";
import { LateSchema, OpenSessionSchema, StatsSchema } from "../wire/ingest.ts";
import { parse } from "../wire/parse.ts";
import { mutateJson, mutateText } from "./mutate.ts";
import type { Random } from "./random.ts";
import { asText, must, type Ran, readJson, type Target } from "./target.ts";

const KEY = "mrk_0123456789abcdefghjkmnpqrs";
const NAMES = [
  KEY,
  `demo?key=${KEY}`,
  `${KEY}?yield=1&backup=1`,
  `demo?backup=1&key=${encodeURIComponent(KEY)}`,
  "?key=",
  "demo?key=%E0%A4%A",
  "constructor?key=a&key=b",
  "",
] as const;
const APPS = ["live", `live?key=${KEY}`, `live/${KEY}`, KEY, "live?backup=1", "", "a/b/c"] as const;
const SCHEMAS = { open: OpenSessionSchema, late: LateSchema, stats: StatsSchema, report: ReportSchema };
const BODIES: Readonly<Record<keyof typeof SCHEMAS, unknown>> = {
  open: {
    key: KEY,
    yields: false,
    backup: true,
    claimId: "0123456789abcdef",
    stream: "demo",
    remoteAddress: "::ffff:192.0.2.1",
    transcoder: { id: "ingest-1", boot: "0123456789abcdef" },
  },
  late: {
    segments: [
      {
        type: "segment",
        msn: 7,
        at: 1_795_000_000_000,
        duration: 2,
        tracks: { v720: { bytes: 10, independent: true, md5: "0".repeat(32) } },
      },
    ],
  },
  stats: { inputBitrate: 1e6, encodeSpeed: 1, silentSeconds: 0.5, queuedBytes: 0 },
  report: {
    boot: "0123456789abcdef",
    version: "0.1.0",
    ffmpeg: "7.1",
    slots: 8,
    sessions: [`demo-${"0".repeat(26)}.1`],
    draining: false,
  },
};

function make(random: Random): string {
  if (random.once(2)) {
    const kind = random.pick(["open", "late", "stats", "report"] as const);
    const body = random.once(4) ? BODIES[kind] : mutateJson(BODIES[kind], random);
    return JSON.stringify({ kind, body });
  }
  const app = random.pick(APPS);
  const claim = { name: random.pick(NAMES), app, tcUrl: `rtmp://host/${app}` };
  if (random.once(3)) return JSON.stringify({ kind: "claim", ...claim });
  const place = random.pick(["name", "app", "tcUrl"] as const);
  return JSON.stringify({
    kind: "claim",
    ...claim,
    [place]: mutateText(claim[place], random, 1 + random.below(3)),
  });
}

function run(text: string): Ran {
  const input = readJson(text);
  if (typeof input !== "object" || input === null || !("kind" in input))
    return { outcome: "no-input", said: undefined };
  const { kind } = input;
  if (kind === "claim") return runClaim(input);
  if (kind !== "open" && kind !== "late" && kind !== "stats" && kind !== "report")
    return { outcome: "no-input", said: undefined };
  const parsed = parse(SCHEMAS[kind], "body" in input ? input.body : undefined);
  if (!parsed.ok) {
    must(parsed.error.detail.length > 0, "a refusal says why", text);
    return { outcome: "refused", said: parsed };
  }
  const again = parse(SCHEMAS[kind], JSON.parse(JSON.stringify(parsed.value)));
  must(again.ok, "what was read can be read again", parsed.value);
  return { outcome: kind, said: parsed };
}

function runClaim(input: object): Ran {
  const fact = (name: string): string => {
    const value: unknown = Reflect.get(input, name);
    return typeof value === "string" ? value : "";
  };
  const given = { name: fact("name"), app: fact("app"), tcUrl: fact("tcUrl") };
  const logged = loggableApp(given.app);
  must(logged.length <= 16 && !logged.includes("mrk_"), "what is logged of an app is no key", given);
  const claim = readClaim(given);
  if (!claim.ok) return { outcome: claim.error.reason, said: claim };
  const { key, stream } = claim.value;
  must(key.length > 0 && key.length <= 256, "a key is one that origin takes", claim.value);
  must(
    stream === undefined || /^[a-z0-9-]{1,63}$/.test(stream),
    "a stream that is named is a stream's id",
    claim.value,
  );
  return { outcome: stream === undefined ? "key" : "key-and-stream", said: claim };
}

export const claim: Target = {
  name: "claim",
  thousands: 100,
  reaches: [
    "open",
    "late",
    "stats",
    "report",
    "refused",
    "key",
    "key-and-stream",
    "no-key",
    "two-keys",
    "bad-encoding",
  ],
  make,
  run: (input) => run(asText(input)),
};
