/**
 * A Worker that verifies watch tokens as often as it is told to, for bench/edge/token.ts: a clock stands still in a Worker, so
 * it is timed from outside. A test entry; it is no part of the product.
 */
import { WATCH_AUDIENCE } from "../../wire/watch-token.ts";
import {
  forgetVerified,
  signWatchToken,
  type TokenSecrets,
  verifyWatchToken,
} from "../../workers/watch-tokens.ts";

const EXPIRES = 4_000_000_000;

/** Different tokens, and the same with other signatures; made before anything is timed. */
const tokens: string[] = [];
const forged: string[] = [];

async function sign(count: number, { TOKEN_SECRET = "" }: TokenSecrets): Promise<number> {
  while (tokens.length < count) {
    const stream = `stream-${tokens.length}`;
    const token = await signWatchToken({ aud: WATCH_AUDIENCE, stream, exp: EXPIRES }, TOKEN_SECRET);
    // Any letter but the last says something of the signature.
    const at = token.length - 10;
    tokens.push(token);
    forged.push(token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1));
  }
  return tokens.length;
}

/** How many were good. */
async function verify(
  given: (index: number) => string,
  count: number,
  secrets: TokenSecrets,
): Promise<number> {
  let good = 0;
  for (let index = 0; index < count; index += 1) {
    if (await verifyWatchToken(given(index), secrets)) good += 1;
  }
  return good;
}

/** The same loop without the check. */
async function pass(given: (index: number) => string, count: number): Promise<number> {
  let good = 0;
  for (let index = 0; index < count; index += 1) {
    if (await Promise.resolve(given(index))) good += 1;
  }
  return good;
}

async function run(what: string, count: number, secrets: TokenSecrets): Promise<number> {
  const each = (index: number) => tokens[index] ?? "";
  forgetVerified();
  switch (what) {
    case "sign":
      return sign(count, secrets);
    case "empty":
      return pass(each, count);
    case "different":
      return verify(each, count, secrets);
    case "forged":
      return verify((index) => forged[index] ?? "", count, secrets);
    case "repeated":
      return verify(() => tokens[0] ?? "", count, secrets);
    default:
      throw new Error(`nothing is called ${what}`);
  }
}

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    return Response.json({ good: await run(pathname.slice(1), Number(searchParams.get("count")), env) });
  },
} satisfies ExportedHandler<TokenSecrets>;
