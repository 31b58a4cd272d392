/**
 * Requests that a client may make once in a while, and what must come of each: what a blocking reload waits for, what
 * is refused, what stays. Following a rendition at the rate of its parts is hls-follower.ts.
 */
import { checkPlaylist, differences } from "./hls-checker.ts";
import { checkDelivery } from "./hls-delivery.ts";
import { all, control, lastOf, number, type ReadPlaylist, readMediaPlaylist } from "./hls-reader.ts";
import { until } from "./stack.ts";

/** Longest time for an answer that must come at once. */
const AT_ONCE_MS = 1500;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly ms: number;
}

async function ask(url: string): Promise<Answer> {
  const asked = performance.now();
  const answer = await fetch(url, { redirect: "error" });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, ms: performance.now() - asked };
}

/** Ask one live rendition for everything a blocking reload may be about: rules 7, 15 to 22, 25. */
export async function probeLive(url: string): Promise<string[]> {
  const bad: string[] = [];
  const plain = await ask(url);
  const now = readMediaPlaylist(plain.text);
  const targetDuration = number(now, "TARGETDURATION");
  bad.push(...checkDelivery({ what: "plain playlist", headers: plain.headers, targetDuration }));
  const [last] = lastOf(now);
  const closed = now.segments.at(-1)?.msn ?? last;
  const refused = async (rule: number, query: string) => {
    const { status, ms } = await ask(url + query);
    if (status !== 400 || ms > AT_ONCE_MS)
      bad.push(`rule ${rule}: ${query} was answered ${status} in ${ms} ms`);
  };
  const reached = async (rule: number, query: string, fits: (playlist: ReadPlaylist) => boolean) => {
    const { status, text, headers } = await ask(url + query);
    if (status !== 200 || !fits(readMediaPlaylist(text)))
      return bad.push(
        `rule ${rule}: ${query} was answered ${status}, ${JSON.stringify(lastOf(readMediaPlaylist(text)))}`,
      );
    return bad.push(...checkDelivery({ what: "blocking playlist", headers, targetDuration }));
  };
  const partsOfClosed = now.segments.at(-1)?.parts.length ?? 0;
  await Promise.all([
    reached(15, `?_HLS_msn=${closed + 1}`, ({ segments }) => (segments.at(-1)?.msn ?? 0) > closed),
    reached(16, `?_HLS_msn=${closed}&_HLS_part=${partsOfClosed}`, (playlist) => lastOf(playlist)[0] > closed),
    reached(
      17,
      `?_HLS_msn=${number(now, "MEDIA-SEQUENCE")}`,
      ({ segments, skipped }) => skipped === 0 && segments.length > 0,
    ),
    refused(18, `?_HLS_msn=${last + 5}`),
    refused(19, "?_HLS_part=0"),
    probeUnknown(url, now, bad),
    probeDelta(url, bad),
    probeRemovedPart(url, now, bad),
  ]);
  return bad;
}

/** A part that nobody hinted is not waited for (rule 22). */
async function probeUnknown(url: string, now: ReadPlaylist, bad: string[]): Promise<void> {
  const hint = now.hints.find((candidate) => candidate.get("TYPE") === "PART")?.get("URI") ?? "";
  const [last] = lastOf(now);
  const { status, ms } = await ask(String(new URL(hint.replace(/part-.*/, `part-${last + 50}.0.m4s`), url)));
  if (status !== 404 || ms > AT_ONCE_MS)
    bad.push(`rule 22: an unknown part was answered ${status} in ${ms} ms`);
}

/** A delta update says what the whole playlist of the same moment says (rule 21). */
async function probeDelta(url: string, bad: string[]): Promise<void> {
  const first = checkPlaylist((await ask(url)).text).state;
  const until = Number(control(first.playlist).get("CAN-SKIP-UNTIL") ?? Number.POSITIVE_INFINITY);
  const [msn] = lastOf(first.playlist);
  const query = `?_HLS_msn=${msn + 1}&_HLS_part=0`;
  const [whole, delta] = await Promise.all([ask(url + query), ask(`${url}${query}&_HLS_skip=YES`)]);
  const one = checkPlaylist(whole.text, first);
  const other = checkPlaylist(delta.text, first);
  bad.push(...one.violations, ...other.violations);
  // Between the two answers a part may have come.
  if (JSON.stringify(lastOf(one.state.playlist)) === JSON.stringify(lastOf(other.state.playlist)))
    bad.push(...differences(one.state, other.state));
  const seconds = one.state.playlist.segments.reduce((sum, { duration }) => sum + (duration ?? 0), 0);
  if (seconds > 2 * until && !delta.text.includes("#EXT-X-SKIP:")) bad.push("rule 21: nothing was skipped");
}

/** A part that has left the playlist can still be had (rule 7). */
async function probeRemovedPart(url: string, now: ReadPlaylist, bad: string[]): Promise<void> {
  const uri = all(now).find(({ parts }) => parts.length > 0)?.parts[0]?.uri ?? "";
  await until(`${uri} to leave the playlist`, async () =>
    (await ask(url)).text.includes(`"${uri}"`) ? undefined : true,
  );
  const { status } = await ask(String(new URL(uri, url)));
  if (status !== 200) bad.push(`rule 7: ${uri} was answered ${status} when it had left the playlist`);
}

/** Ask a rendition of an ended broadcast: directives are ignored (rule 14). */
export async function probeEnded(url: string): Promise<string[]> {
  const bad: string[] = [];
  const ended = await ask(url);
  if (!ended.text.includes("#EXT-X-ENDLIST")) bad.push("rule 14: no ENDLIST");
  if (/CAN-BLOCK-RELOAD=YES/.test(ended.text)) bad.push("rule 14: a reload may block after the end");
  const { status, text, ms } = await ask(`${url}?_HLS_msn=1000000&_HLS_part=0&_HLS_skip=YES`);
  if (status !== 200 || text !== ended.text || ms > AT_ONCE_MS)
    bad.push(`rule 14: a directive was not ignored after the end: ${status} in ${ms} ms`);
  return bad;
}
