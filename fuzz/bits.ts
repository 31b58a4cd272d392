/** Writes bits, Exp-Golomb codes and the few structures made of them that the readers under test read. */
import { concat, u16 } from "../transcoder/rtmp/bytes.ts";
import type { Random } from "./random.ts";

/** Bits as they are written: fixed width, or Exp-Golomb (ITU-T H.264, 9.1). */
export class BitWriter {
  #bits = "";

  u(value: number, width: number): this {
    this.#bits += value.toString(2).padStart(width, "0").slice(-width);
    return this;
  }

  ue(value: number): this {
    const code = (value + 1).toString(2);
    this.#bits += "0".repeat(code.length - 1) + code;
    return this;
  }

  se(value: number): this {
    return this.ue(value > 0 ? 2 * value - 1 : -2 * value);
  }

  /** Filled up with zeros. */
  bytes(): Uint8Array {
    const count = Math.ceil(this.#bits.length / 8);
    const padded = this.#bits.padEnd(8 * count, "0");
    return Uint8Array.from({ length: count }, (_, i) => Number.parseInt(padded.slice(8 * i, 8 * i + 8), 2));
  }
}

/** A decoder configuration record (ISO/IEC 14496-15, 5.3.3.1) of a picture of whole macroblocks. */
export function avcConfig(random: Random, widthMbs: number, heightMbs: number): Uint8Array {
  const profile = random.pick([66, 77, 100, 110, 244]);
  const bits = new BitWriter().u(profile, 8).u(0, 8).u(31, 8).ue(0);
  if (profile >= 100) highProfile(bits, random);
  bits.ue(4);
  const order = random.below(3);
  bits.ue(order);
  if (order === 0) bits.ue(2);
  if (order === 1) bits.u(0, 1).se(-1).se(1).ue(2).se(3).se(-3);
  bits.ue(4).u(0, 1);
  bits
    .ue(widthMbs - 1)
    .ue(heightMbs - 1)
    .u(1, 1);
  bits.u(1, 1).u(0, 1).u(0, 1).u(1, 1);
  const sps = concat([Uint8Array.of(0x67), withEmulation(bits.bytes())]);
  return concat([
    Uint8Array.of(1, profile, 0, 31, 0xff, 0xe1),
    u16(sps.length),
    sps,
    Uint8Array.of(1, 0, 1, 0x68),
  ]);
}

function highProfile(bits: BitWriter, random: Random): void {
  // Chroma format 1, 8 bits, and scaling lists or none.
  bits.ue(1).ue(0).ue(0).u(0, 1);
  const lists = random.once(3);
  bits.u(lists ? 1 : 0, 1);
  for (let list = 0; lists && list < 8; list += 1) {
    const present = random.once(2);
    bits.u(present ? 1 : 0, 1);
    for (let i = 0; present && i < (list < 6 ? 16 : 64); i += 1) bits.se(random.between(0, 1));
  }
}

/** Put in emulation prevention bytes (7.4.1). */
function withEmulation(plain: Uint8Array): Uint8Array {
  const out: number[] = [];
  let zeros = 0;
  for (const byte of plain) {
    if (zeros >= 2 && byte <= 3) {
      out.push(3);
      zeros = 0;
    }
    out.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Uint8Array.from(out);
}

/** An AudioSpecificConfig of AAC-LC (ISO/IEC 14496-3, 1.6.2.1). `rate` is an index, or a rate in hertz that has none. */
export function audioSpecificConfig(rate: number, channels: number): Uint8Array {
  const bits = new BitWriter().u(2, 5);
  if (rate < 15) bits.u(rate, 4);
  else bits.u(15, 4).u(rate, 24);
  return bits.u(channels, 4).u(0, 3).bytes();
}
