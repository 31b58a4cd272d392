/**
 * What an edge tells a LiveStream of its viewers without a socket (docs/wire.md, "Between the Workers"): who asked for a media
 * playlist in the last half minute, as hashes while they are few and as a sketch of them above. Nothing else is in it.
 */
import * as v from "valibot";
import { MAX_RANK, REGISTERS, ViewerSketch } from "./viewer-sketch.ts";

/** Hashes of one report; more people are told as a sketch. */
export const MAX_POLLED_HASHES = 500;

/** One base64 digit a register: they are six bits wide. */
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SOME_DIGITS = DIGITS.slice(0, MAX_RANK + 1);

export const PolledViewersSchema = v.union([
  v.strictObject({
    /** Of a viewer of this stream: the first 64 bits of a keyed hash, as hexadecimal digits. */
    hashes: v.pipe(v.array(v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/))), v.maxLength(MAX_POLLED_HASHES)),
  }),
  v.strictObject({
    /** Base64 of the 6-bit registers of a `ViewerSketch`. */
    registers: v.pipe(
      v.string(),
      v.length(REGISTERS),
      v.check((text) => [...text].every((digit) => SOME_DIGITS.includes(digit)), "base64 of registers"),
    ),
  }),
]);
/** All whom an edge has seen lately: the whole of it and no difference, so that a repeat does no harm. */
export type PolledViewers = Readonly<v.InferOutput<typeof PolledViewersSchema>>;

/** Registers as text. */
const writeRegisters = (registers: Uint8Array): string =>
  Array.from(registers, (rank) => DIGITS[rank] ?? "A").join("");

/** Registers of text that the schema let through. */
const readRegisters = (text: string): Uint8Array =>
  Uint8Array.from(text, (digit) => Math.max(0, SOME_DIGITS.indexOf(digit)));

/** People of several edges that are counted exactly; it takes no more memory than this, whatever the edges tell. */
const MAX_UNION_HASHES = 10_000;

/** Whom several edges saw together: somebody whom two of them saw is one. */
export function unionOf(reports: Iterable<PolledViewers>): ViewerSketch {
  const all = new ViewerSketch(MAX_UNION_HASHES);
  for (const report of reports) addReport(all, report);
  return all;
}

/** How many people those are: exactly while all edges told hashes, about 3.3 % off otherwise. */
export const countPolled = (reports: Iterable<PolledViewers>): number => unionOf(reports).estimate();

/** A sketch as it is told. */
export function reportOf(viewers: ViewerSketch): PolledViewers {
  const { held } = viewers;
  if ("registers" in held) return { registers: writeRegisters(held.registers) };
  const hashes = [...held.hashes];
  if (hashes.length <= MAX_POLLED_HASHES) return { hashes };
  const sketch = new ViewerSketch(0);
  for (const hash of hashes) sketch.add(hash);
  return reportOf(sketch);
}

function addReport(viewers: ViewerSketch, report: PolledViewers): void {
  if ("registers" in report) viewers.addRegisters(readRegisters(report.registers));
  else for (const hash of report.hashes) viewers.add(hash);
}
