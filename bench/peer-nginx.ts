/** The peer: Debian's nginx with its RTMP module, HLS in 2 s fragments, watched with the same hls.js in the same browser. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { watchPicture } from "../test/support/browser.ts";
import { endChild, freePort, type Stack, until } from "../test/support/stack.ts";
import { latencyFigures, segmentSeconds, UNDER_WAY_SECONDS } from "./latency.ts";
import type { Figure } from "./report.ts";

const NGINX = "/usr/sbin/nginx";
const RTMP_MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so";
const SETTLE_SECONDS = 15;

/** Install the peer where it is missing and may be; false when it cannot be had. */
export function ensurePeer(): boolean {
  if (existsSync(NGINX) && existsSync(RTMP_MODULE)) return true;
  try {
    execFileSync(
      "apt-get",
      ["install", "-y", "-qq", "--no-install-recommends", "nginx", "libnginx-mod-rtmp"],
      { stdio: "ignore" },
    );
  } catch {
    return false;
  }
  return existsSync(NGINX) && existsSync(RTMP_MODULE);
}

/** Measure the peer's latency. */
export async function measurePeer(
  stack: Stack,
  browser: Browser,
  seconds: number,
): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-peer-"));
  const [http, rtmp] = [await freePort(), await freePort()];
  layOut(folder, http, rtmp);
  const nginx = spawn(
    NGINX,
    ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")],
    { stdio: "ignore" },
  );
  const picture = stack.run(process.execPath, [
    ...["demo/broadcast.ts", "--url", `rtmp://127.0.0.1:${rtmp}/live/peer`],
    ...["--size", "640x360", "--kbps", "800", "--gop-seconds", "2"],
  ]);
  try {
    await until("the peer to be under way", async () => {
      const answer = await fetch(`http://127.0.0.1:${http}/hls/peer.m3u8`).catch(() => undefined);
      return answer?.ok && segmentSeconds(await answer.text()) >= UNDER_WAY_SECONDS ? true : undefined;
    });
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    await page.goto(`http://127.0.0.1:${http}/`);
    await page.waitForFunction(() => (document.querySelector("video")?.currentTime ?? 0) > 1, undefined, {
      timeout: 30_000,
    });
    await page.waitForTimeout(SETTLE_SECONDS * 1000);
    const watched = await watchPicture(page, seconds);
    await page.close();
    return latencyFigures("peer: nginx-rtmp, HLS 2 s", watched, seconds, undefined);
  } finally {
    await endChild(picture);
    if (nginx.exitCode === null) {
      nginx.kill("SIGTERM");
      await once(nginx, "close");
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

function layOut(folder: string, http: number, rtmp: number): void {
  mkdirSync(join(folder, "hls"), { recursive: true });
  mkdirSync(join(folder, "temp"));
  copyFileSync(
    join(import.meta.dirname, "../node_modules/hls.js/dist/hls.min.js"),
    join(folder, "hls.min.js"),
  );
  writeFileSync(join(folder, "index.html"), PAGE);
  writeFileSync(
    join(folder, "nginx.conf"),
    `load_module ${RTMP_MODULE};
daemon off; pid ${folder}/nginx.pid; worker_processes 1; user root;
events {}
rtmp { server { listen 127.0.0.1:${rtmp}; application live {
  live on; hls on; hls_path ${folder}/hls; hls_fragment 2s; hls_playlist_length 20s; } } }
http {
  access_log off; types { text/html html; text/javascript js; application/vnd.apple.mpegurl m3u8; video/mp2t ts; }
  client_body_temp_path ${folder}/temp; proxy_temp_path ${folder}/temp; fastcgi_temp_path ${folder}/temp;
  uwsgi_temp_path ${folder}/temp; scgi_temp_path ${folder}/temp;
  server { listen 127.0.0.1:${http}; root ${folder}; } }
`,
  );
}

const PAGE = `<!doctype html><video muted autoplay playsinline width="640"></video><script src="hls.min.js"></script>
<script>const hls = new Hls(); hls.loadSource("/hls/peer.m3u8"); hls.attachMedia(document.querySelector("video"));</script>
`;
