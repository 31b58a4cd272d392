/** `npm start` before anything runs, and the files it keeps. What runs is tested end to end. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { OriginClient } from "../../../cli/origin.ts";
import { fail, ok } from "../../../media/result.ts";
import { seedDemoStream } from "../../../scripts/start/demo-stream.ts";
import { devFilePaths, writeDevFile } from "../../../scripts/start/dev-file.ts";
import { isStale } from "../../../scripts/start/pages.ts";
import { loadSecrets } from "../../../scripts/start/secrets.ts";
import { devArguments, writeWorkerSecrets } from "../../../scripts/start/worker.ts";
import type { StreamRecord } from "../../../wire/admin.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "millrace-start-"));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

function start(args: readonly string[], env: Record<string, string> = {}) {
  const done = spawnSync(process.execPath, ["scripts/start.ts", "--data", data, ...args], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

async function listen(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { server, port: typeof address === "object" && address ? address.port : 0 };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const { server, port } = await listen();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

it.each(["--port", "--rtmp-port"] as const)("says that the port of %s is taken", async (option) => {
  const { server, port } = await listen();
  const other = option === "--port" ? "--rtmp-port" : "--port";
  const done = start([option, `${port}`, other, `${await freePort()}`]);
  server.close();
  expect(done).toEqual({ code: 1, out: "", err: `Port ${port} is taken. Use ${option}.\n` });
});

it("says that FFmpeg is missing", async () => {
  const ports = ["--port", `${await freePort()}`, "--rtmp-port", `${await freePort()}`];
  expect(start(ports, { PATH: data })).toEqual({
    code: 1,
    out: "",
    err: "FFmpeg is missing: install ffmpeg 5.1 or newer.\n",
  });
});

it("says that the data folder cannot be used", async () => {
  const ports = ["--port", `${await freePort()}`, "--rtmp-port", `${await freePort()}`];
  writeFileSync(join(data, "file"), "");
  const { code, err } = start([...ports, "--data", join(data, "file", "x")]);
  expect(code).toBe(1);
  expect(err).toMatch(/^.*\/file\/x cannot be used: .*Use --data\.\n$/);
});

it.each([["--port", "0"], ["--rtmp-port", "65536"], ["--port", "abc"], ["--unknown"], ["extra"]])(
  "refuses %s %s",
  (...args) => {
    const { code, err } = start(args);
    expect(code).toBe(1);
    expect(err).toMatch(/^error: /);
  },
);

it("makes secrets once, for their owner only", () => {
  const secrets = loadSecrets(data);
  expect(secrets.adminToken).not.toBe(secrets.tokenSecret);
  expect(loadSecrets(data)).toEqual(secrets);
  expect(statSync(join(data, "secrets.json")).mode & 0o777).toBe(0o600);
  writeFileSync(join(data, "secrets.json"), "{}");
  expect(() => loadSecrets(data)).toThrow(/secrets\.json is damaged/);
});

it("gives the worker its secrets in a file, not in its arguments", () => {
  const secrets = loadSecrets(data);
  const path = writeWorkerSecrets(data, secrets);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, "utf8")).toContain(`ADMIN_TOKEN=${secrets.adminToken}\n`);
  const args = devArguments({ port: 1, rtmpPort: 2, data, demo: true }, 3, path).join(" ");
  expect(args).not.toContain(secrets.adminToken);
  expect(args).toContain("--ip 127.0.0.1 --port 1");
});

it("takes dev.json away again, unless another start has replaced it", () => {
  const paths = devFilePaths(join(data, "project"), join(data, "elsewhere"));
  const file = { edge: "e", origin: "o", rtmp: "r", streams: [], adminToken: "a", tokenSecret: "t" };
  const forget = writeDevFile(paths, file);
  const [inProject = "", inData = ""] = paths;
  expect(JSON.parse(readFileSync(inProject, "utf8"))).toEqual(file);
  expect(statSync(inData).mode & 0o777).toBe(0o600);
  writeFileSync(inProject, "another's");
  forget();
  expect(readFileSync(inProject, "utf8")).toBe("another's");
  expect(statSync(inData, { throwIfNoEntry: false })).toBeUndefined();
  expect(devFilePaths("/p", "/p/.millrace")).toEqual(["/p/.millrace/dev.json"]);
});

it("builds pages when a source is newer, or gone", () => {
  for (const folder of ["web/player", "media", "dist/web"])
    mkdirSync(join(data, folder), { recursive: true });
  expect(isStale(data)).toBe(true);
  writeFileSync(join(data, "web/player/a.ts"), "");
  writeFileSync(join(data, "dist/web/index.html"), "");
  const at = (path: string, seconds: number) => utimesSync(join(data, path), seconds, seconds);
  const sources = ["web/player/a.ts", "web/player", "web", "media"];
  for (const path of sources) at(path, 1000);
  at("dist/web/index.html", 2000);
  expect(isStale(data)).toBe(false);
  for (const path of sources) {
    at(path, 3000);
    expect(isStale(data)).toBe(true);
    at(path, 1000);
  }
});

const STREAM: StreamRecord = {
  id: "demo",
  title: "",
  profile: "low",
  reconnectSeconds: 60,
  disabled: false,
  createdAt: "",
  allowAddresses: [],
  standby: "cold",
  access: "public",
  live: false,
};
const refused = (name: string) => fail({ reason: "refused", name, message: "No." } as const);

/** An origin that has the stream already, knows one key of it, and counts rotations. */
function origin(
  exists: boolean,
  valid = "created",
): { readonly client: OriginClient; readonly rotations: () => number } {
  let rotations = 0;
  const client: OriginClient = {
    createStream: async () => (exists ? refused("stream-exists") : ok({ ...STREAM, key: "created" })),
    rotateKey: async () => ok({ ...STREAM, key: `rotated-${++rotations}` }),
    listStreams: async () => ok([]),
    setDisabled: async () => ok(STREAM),
    checkKey: async (_id, key) => ok(key === valid),
    health: async () => refused("unused"),
    updateStream: async () => refused("unused"),
    showStream: async () => refused("unused"),
    sign: async () => refused("unused"),
    request: async () => refused("unused"),
    base: "",
  };
  return { client, rotations: () => rotations };
}

it("creates the demo stream and remembers its key", async () => {
  const { client } = origin(false);
  expect(await seedDemoStream(client, data, loadSecrets(data))).toBe("created");
  const again = origin(true);
  expect(await seedDemoStream(again.client, data, loadSecrets(data))).toBe("created");
  expect(again.rotations()).toBe(0);
});

it("replaces a key that was lost, or that the CLI has replaced", async () => {
  const { client } = origin(true, "made by the CLI");
  expect(await seedDemoStream(client, data, loadSecrets(data))).toBe("rotated-1");
  expect(await seedDemoStream(client, data, loadSecrets(data))).toBe("rotated-2");
  expect(loadSecrets(data).keys).toEqual({ demo: "rotated-2" });
});

it("says why there is no demo stream", async () => {
  const { client } = origin(true);
  const closed: OriginClient = { ...client, createStream: async () => refused("unauthorized") };
  await expect(seedDemoStream(closed, data, loadSecrets(data))).rejects.toThrow(
    '"demo" could not be made: No.',
  );
});
