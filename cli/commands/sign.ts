/** `millrace sign …`: an address that lets its viewer watch a private stream for a while. */
import { type Command, InvalidArgumentError } from "commander";
import { MAX_ADDRESS_RANGES, normalRange } from "../../wire/address-range.ts";
import type { Signed } from "../../wire/watch-token.ts";
import { streamArgument } from "../arguments.ts";
import { connect, type Surroundings, show, unwrap } from "../context.ts";
import { durationArgument } from "../duration.ts";
import { edgeOf } from "../edge-address.ts";

const EXAMPLES = `
Examples:
  npm run millrace -- sign radio
  npm run millrace -- sign radio --for 30m --ip 192.0.2.0/24 --ip 2001:db8::/32
  npm run millrace -- sign radio --from 2026-12-24T18:00:00Z --for 2h --max-height 720`;

const MAX_LINES = 8640;

interface SignOptions {
  readonly for?: number;
  readonly from?: string;
  readonly ip?: readonly string[];
  readonly country?: string;
  readonly maxHeight?: number;
  readonly edge?: string;
}

/** Add the command to the program. */
export function addSign(program: Command, around: Surroundings): void {
  program
    .command("sign")
    .description("make an address that lets its viewer watch a stream for a while")
    .argument("<stream>", "the stream", streamArgument)
    .option("--for <time>", "how long it opens, as 30m, 4h or 7d (default: 4h)", durationArgument)
    .option("--from <time>", "from when on, ISO 8601 with its zone (default: now)", moment)
    .option("--ip <range>", "only for this address or CIDR range; give it once for each", range)
    .option("--country <code>", "only for viewers in this country, as DE", country)
    .option("--max-height <lines>", "no picture taller than this, as 720; 0 is sound alone", lines)
    .option("--edge <url>", "where viewers are, to print whole addresses (or MILLRACE_EDGE)")
    .addHelpText("after", EXAMPLES)
    .action(async (stream: string, options: SignOptions, command: Command) => {
      const { for: seconds, from, ip, country, maxHeight } = options;
      const client = connect(command, around);
      const edge = edgeOf(command, around, client.base);
      const signed = unwrap(
        await client.sign(stream, {
          ...(seconds !== undefined && { seconds }),
          ...(from !== undefined && { notBefore: from }),
          ...(ip && { ip: [...ip] }),
          ...(country !== undefined && { country }),
          ...(maxHeight !== undefined && { maxHeight }),
        }),
      );
      const urls = edge !== undefined && {
        watchUrl: `${edge}${signed.watch}`,
        playlistUrl: `${edge}${signed.playlist}`,
      };
      show(command, around, { ...signed, ...urls }, () => signedWords(stream, signed, from, edge));
    });
}

/** The addresses, each alone on its line: they are made to be copied. */
function signedWords(stream: string, signed: Signed, from: string | undefined, edge = ""): string {
  const open =
    signed.access === "public" ? [`Stream ${stream} is public: anyone may watch it without these.`] : [];
  const bare = edge === "" ? ["Paths on the edge; --edge or MILLRACE_EDGE makes them whole addresses."] : [];
  return [
    `Watch     ${edge}${signed.watch}`,
    `Playlist  ${edge}${signed.playlist}`,
    ...(from === undefined ? [] : [`Begins    ${utc(from)}`]),
    `Ends      ${utc(signed.expiresAt)}`,
    ...open,
    ...bare,
  ].join("\n");
}

const utc = (iso: string): string => `${new Date(iso).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** A time without a zone means another one on another machine. */
function moment(text: string): string {
  const at = /(Z|[+-]\d\d:?\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new InvalidArgumentError("Give a time with its zone, as 2026-12-24T18:00:00Z or …+01:00.");
  return new Date(at).toISOString();
}

function range(text: string, before: readonly string[] = []): readonly string[] {
  const normal = normalRange(text);
  if (normal === undefined)
    throw new InvalidArgumentError("Give an address or a CIDR range, as 192.0.2.7 or 2001:db8::/32.");
  if (before.length >= MAX_ADDRESS_RANGES)
    throw new InvalidArgumentError(`An address is for at most ${MAX_ADDRESS_RANGES} ranges.`);
  return [...before, normal];
}

function country(text: string): string {
  if (!/^[A-Za-z]{2}$/.test(text)) throw new InvalidArgumentError("Give a country's two letters, as DE.");
  return text.toUpperCase();
}

function lines(text: string): number {
  if (!/^[0-9]{1,4}$/.test(text) || Number(text) > MAX_LINES)
    throw new InvalidArgumentError(`Give whole lines from 0 to ${MAX_LINES}.`);
  return Number(text);
}
