/** A peer of the shards: Debian's nginx with nchan, one channel, one worker process. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endChild, freePort, until } from "../../test/support/stack.ts";

const NGINX = "/usr/sbin/nginx";
const MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/** The peer while it runs. */
export interface Nchan {
  /** `/pub` takes messages, `/sub` sockets. */
  readonly base: string;
  readonly stop: () => Promise<void>;
}

/** Install it where it is missing and may be; false when it cannot be had. */
function ensureNchan(): boolean {
  if (existsSync(NGINX) && existsSync(MODULE)) return true;
  try {
    const packages = ["nginx", "libnginx-mod-nchan"];
    execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], {
      stdio: "ignore",
    });
  } catch {
    return false;
  }
  return existsSync(NGINX) && existsSync(MODULE);
}

/** Start it; `undefined` where it cannot be installed. */
export async function startNchan(): Promise<Nchan | undefined> {
  if (!ensureNchan()) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "millrace-nchan-"));
  const port = await freePort();
  mkdirSync(join(folder, "tmp"));
  writeFileSync(join(folder, "nginx.conf"), configOf(folder, port));
  const nginx = spawn(
    NGINX,
    ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")],
    {
      stdio: "ignore",
    },
  );
  const base = `http://127.0.0.1:${port}`;
  await until("nchan to listen", async () =>
    (await fetch(`${base}/pub`).catch(() => undefined)) ? true : undefined,
  );
  const stop = async (): Promise<void> => {
    await endChild(nginx);
    rmSync(folder, { recursive: true, force: true });
  };
  return { base, stop };
}

const configOf = (folder: string, port: number): string => `
load_module ${MODULE};
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
events { worker_connections 15000; }
http {
  access_log off;
  client_body_temp_path ${folder}/tmp;
  nchan_max_reserved_memory 256M;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /sub { nchan_subscriber websocket; nchan_channel_id one; nchan_subscriber_first_message newest; }
    location = /pub { nchan_publisher; nchan_channel_id one; nchan_message_buffer_length 10; }
  }
}
`;
