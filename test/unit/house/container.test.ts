/**
 * The transcoder's image against the tree: what it copies is there and is enough, and it runs what the tests run.
 * Nothing is built here: docs/container.md says what was.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { builtinModules } from "node:module";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** One instruction of a Dockerfile, on one line, its arguments as they stand. */
interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Instructions of the stages, the first stage's first; what stands before them (`ARG`) is left out. */
function stagesOf(dockerfile: string): readonly (readonly Instruction[])[] {
  const lines = dockerfile.replaceAll(/^\s*#.*\n/gm, "").replaceAll(/\\\n/g, " ");
  const stages: Instruction[][] = [];
  for (const [, name = "", text = ""] of lines.matchAll(/^([A-Z]+)\s+(.*)$/gm)) {
    if (name === "FROM") stages.push([]);
    stages.at(-1)?.push({ name, text: text.trim() });
  }
  return stages;
}

interface Copy {
  /** The stage it copies from; `undefined` is the tree. */
  readonly from: string | undefined;
  readonly sources: readonly string[];
  readonly target: string;
}

function copiesOf(stage: readonly Instruction[]): readonly Copy[] {
  return stage
    .filter(({ name }) => name === "COPY" || name === "ADD")
    .map(({ text }) => {
      const words = text.split(/\s+/);
      const paths = words.filter((word) => !word.startsWith("--"));
      return {
        from: words.find((word) => word.startsWith("--from="))?.slice("--from=".length),
        sources: paths.slice(0, -1),
        target: paths.at(-1) ?? "",
      };
    });
}

/** Whether a build sees a file: the last line of .dockerignore that names it, or a folder it is in, decides. */
function isSent(path: string, ignore: string): boolean {
  let sent = true;
  for (const line of ignore.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const shown = line.startsWith("!");
    const pattern = (shown ? line.slice(1) : line)
      .replaceAll(".", "\\.")
      .replaceAll("**/", "\0")
      .replaceAll("*", "[^/]*")
      .replaceAll("\0", "(?:.*/)?");
    if (new RegExp(`^${pattern}(?:/.*)?$`).test(path)) sent = shown;
  }
  return sent;
}

/** Every file that a program imports, itself first, and the packages these files name. `import type` is erased. */
function closureOf(entry: string): { files: readonly string[]; packages: ReadonlySet<string> } {
  const files = [entry];
  const packages = new Set<string>();
  for (const file of files) {
    const text = read(file).replaceAll(/^import type [^;]*;/gm, "");
    for (const [, name = ""] of text.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)) {
      if (name.startsWith(".")) {
        const target = posix.join(posix.dirname(file), name);
        if (!files.includes(target)) files.push(target);
      } else if (!name.startsWith("node:"))
        packages.add(
          name
            .split("/")
            .slice(0, name.startsWith("@") ? 2 : 1)
            .join("/"),
        );
    }
  }
  return { files, packages };
}

const dockerfile = read("transcoder/Dockerfile");
const stages = stagesOf(dockerfile);
const image = stages.at(-1) ?? [];
const last = (name: string) => image.findLast((instruction) => instruction.name === name)?.text;
const fromTree = stages.flatMap(copiesOf).filter(({ from }) => from === undefined);
const closure = closureOf("transcoder/main.ts");

describe("what the image holds", () => {
  it.each(fromTree.flatMap(({ sources }) => sources))("copies %s, which is there and is sent", (source) => {
    expect(existsSync(join(ROOT, source))).toBe(true);
    expect(isSent(source, read(".dockerignore"))).toBe(true);
  });

  it("has every file that the transcoder imports", () => {
    expect(closure.files.length).toBeGreaterThan(40);
    const copied = copiesOf(image).filter(({ from }) => from === undefined);
    for (const file of [...closure.files, "package.json"]) {
      const copy = copied.find(({ sources }) =>
        sources.some((source) => file === source || file.startsWith(`${source}/`)),
      );
      expect(copy, `${file} is not copied`).toBeDefined();
      expect(isSent(file, read(".dockerignore")), `${file} is ignored`).toBe(true);
    }
  });

  it("keeps paths as they are, since files import each other by them", () => {
    for (const { sources, target } of copiesOf(image)) {
      if (target.startsWith("/")) continue;
      expect(sources.length).toBe(1);
      const folder = sources[0]?.replace(/^\/app\//, "") ?? "";
      expect(posix.normalize(target)).toBe(folder.includes(".") ? "./" : folder);
    }
  });

  it("has every package that the transcoder imports, from the lock", () => {
    const { dependencies } = JSON.parse(read("package.json"));
    const { packages } = JSON.parse(read("package-lock.json"));
    expect([...closure.packages]).toContain("valibot");
    for (const name of closure.packages) {
      expect(builtinModules, `${name} wants the prefix node:`).not.toContain(name);
      expect(Object.keys(dependencies), `${name} is no production dependency`).toContain(name);
      expect(packages[`node_modules/${name}`]).not.toMatchObject({ optional: true });
    }
    expect(stages[0]?.some(({ name, text }) => name === "RUN" && text.startsWith("npm ci --omit=dev"))).toBe(
      true,
    );
    expect(copiesOf(image)).toContainEqual({
      from: "node",
      sources: ["/app/node_modules"],
      target: "./node_modules",
    });
  });

  it.each([
    ".env",
    ".dev.vars",
    ".millrace/secrets.json",
    ".git/config",
    "node_modules/hono/package.json",
    "transcoder/.env.local",
    "workers/index.ts",
  ])("is not shown %s", (path) => {
    expect(isSent(path, read(".dockerignore"))).toBe(false);
  });
});

describe("how it runs", () => {
  it("runs the Node that the tests run", () => {
    const { devDependencies } = JSON.parse(read("package.json"));
    expect(/^ARG NODE_VERSION=(\S+)$/m.exec(dockerfile)?.[1]).toBe(devDependencies.node);
  });

  it("starts the program that `npm start` and the tests start, with no shell between", () => {
    expect(JSON.parse(last("CMD") ?? "")).toEqual(["node", "transcoder/main.ts"]);
    expect(last("ENTRYPOINT")).toBeUndefined();
    for (const runner of ["scripts/start.ts", "test/e2e/refusals.test.ts"])
      expect(read(runner)).toMatch(/process\.execPath,\s*\["transcoder\/main\.ts"\]/);
    expect(last("WORKDIR")).toBe("/app");
  });

  it("is not root, by number, so that a cluster can tell", () => {
    expect(last("USER")).toMatch(/^[1-9][0-9]*:[1-9][0-9]*$/);
    const runsAfter = image.slice(image.findLastIndex(({ name }) => name === "USER"));
    expect(runsAfter.some(({ name }) => name === "RUN" || name === "COPY")).toBe(false);
  });

  it("has a health check that succeeds only on a good answer", async () => {
    const command: readonly string[] = JSON.parse(
      / CMD (\[.*\])$/.exec(last("HEALTHCHECK") ?? "")?.[1] ?? "[]",
    );
    const [program, ...args] = command;
    expect(program).toBe("node");
    let status = 200;
    const asked: (string | undefined)[] = [];
    const server = createServer((request, answer) => {
      asked.push(request.url);
      answer.writeHead(status).end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const check = async (): Promise<unknown> => {
      const env = { ...process.env, MILLRACE_HEALTH_PORT: String(address.port) };
      const [code] = await once(spawn(process.execPath, args, { env, stdio: "ignore" }), "close");
      return code;
    };
    expect(await check()).toBe(0);
    status = 503;
    expect(await check()).toBe(1);
    expect(asked).toEqual(["/healthz", "/healthz"]);
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
    expect(await check()).toBe(1);
  });
});

describe("compose.yaml", () => {
  const compose = read("compose.yaml");

  it("builds this image from the root", () => {
    expect(compose).toMatch(/context: \.\n\s+dockerfile: transcoder\/Dockerfile\n/);
  });

  it("publishes ports that the image exposes", () => {
    const exposed = (last("EXPOSE") ?? "").split(" ");
    const published = [...compose.matchAll(/^\s+- ".*:([0-9]+)"$/gm)].map(([, port]) => port);
    expect(published).toEqual(exposed);
    expect(compose).toContain(`MILLRACE_RTMP_PORT: "${exposed[0]}"`);
    expect(compose).toContain(`MILLRACE_HEALTH_PORT: "${exposed[1]}"`);
  });

  it("keeps the transcoder's data, on the only path that can be written", () => {
    const data = last("VOLUME");
    expect(last("ENV")).toContain(`MILLRACE_DATA=${data}`);
    expect(compose).toContain(`- data:${data}\n`);
    expect(compose).toContain("read_only: true");
  });

  it("gives broadcasts longer to end than FFmpeg and the retries take", () => {
    expect(Number(/stop_grace_period: ([0-9]+)s/.exec(compose)?.[1])).toBeGreaterThanOrEqual(30);
  });
});
