/**
 * Codec strings (RFC 6381) from the configuration boxes of a sample entry. Each function takes the body of one box and
 * answers `undefined` when it is too short to say.
 */

const hex = (value: number): string => value.toString(16).padStart(2, "0");
const two = (value: number): string => String(value).padStart(2, "0");

/** `avcC` (ISO/IEC 14496-15, 5.3.3.1): `avc1.PPCCLL`. */
export function avcCodec(avcC: Uint8Array): string | undefined {
  const [, profile, constraints, level] = avcC;
  if (profile === undefined || constraints === undefined || level === undefined) return undefined;
  return `avc1.${hex(profile)}${hex(constraints)}${hex(level)}`;
}

/** `hvcC` (ISO/IEC 14496-15, annex E.3), under the name of its sample entry. */
export function hevcCodec(entry: string, hvcC: Uint8Array): string | undefined {
  const [, profileByte, c0 = 0, c1 = 0, c2 = 0, c3 = 0] = hvcC;
  const level = hvcC[12];
  if (profileByte === undefined || level === undefined) return undefined;
  const space = ["", "A", "B", "C"][profileByte >> 6] ?? "";
  const tier = profileByte & 0x20 ? "H" : "L";
  const compatibility = reverseBits(((c0 << 24) | (c1 << 16) | (c2 << 8) | c3) >>> 0);
  const constraints = [...hvcC.subarray(6, 12)];
  while (constraints.at(-1) === 0) constraints.pop();
  const tail = constraints.map((byte) => `.${byte.toString(16).toUpperCase()}`).join("");
  return `${entry}.${space}${profileByte & 31}.${compatibility.toString(16).toUpperCase()}.${tier}${level}${tail}`;
}

function reverseBits(value: number): number {
  let reversed = 0;
  for (let i = 0; i < 32; i += 1) reversed = (reversed << 1) | ((value >>> i) & 1);
  return reversed >>> 0;
}

/** `av1C` (AV1 in ISOBMFF, section 5): `av01.P.LLT.DD`. */
export function av1Codec(av1C: Uint8Array): string | undefined {
  const [, profileLevel, flags] = av1C;
  if (profileLevel === undefined || flags === undefined) return undefined;
  const depth = flags & 0x40 ? (flags & 0x20 ? 12 : 10) : 8;
  return `av01.${profileLevel >> 5}.${two(profileLevel & 31)}${flags & 0x80 ? "H" : "M"}.${two(depth)}`;
}

/** `vpcC` (VP codec ISO media file format binding): `vp09.PP.LL.DD`. */
export function vp9Codec(vpcC: Uint8Array): string | undefined {
  const [, , , , profile, level, depth] = vpcC;
  if (profile === undefined || level === undefined || depth === undefined) return undefined;
  return `vp09.${two(profile)}.${two(level)}.${two(depth >> 4)}`;
}

/** What an `esds` box holds (ISO/IEC 14496-1, 7.2.6): the codec, and its AudioSpecificConfig if it has one. */
export interface ElementaryStream {
  readonly codecs: string;
  readonly config?: Uint8Array;
}

const ES_DESCRIPTOR = 3;
const DECODER_CONFIG = 4;
const DECODER_SPECIFIC = 5;
const MPEG4_AUDIO = 0x40;

/** Read an `esds`: `mp4a.40.2` for AAC-LC. */
export function esdsCodec(esds: Uint8Array): ElementaryStream | undefined {
  const es = descriptor(esds.subarray(4), ES_DESCRIPTOR);
  // ES_ID and flags: stream dependence, URL and OCR are never used in mp4 files made here.
  const decoder = es && descriptor(es.subarray(3), DECODER_CONFIG);
  const [objectType] = decoder ?? [];
  if (decoder === undefined || objectType === undefined) return undefined;
  if (objectType !== MPEG4_AUDIO) return { codecs: `mp4a.${hex(objectType).toUpperCase()}` };
  const config = descriptor(decoder.subarray(13), DECODER_SPECIFIC);
  const [first, second] = config ?? [];
  if (config === undefined || first === undefined || second === undefined) return undefined;
  const short = first >> 3;
  const audioObjectType = short === 31 ? 32 + (((first & 7) << 3) | (second >> 5)) : short;
  return { codecs: `mp4a.40.${audioObjectType}`, config };
}

/** Body of the descriptor at the start of `bytes`, if it has this tag. */
function descriptor(bytes: Uint8Array, tag: number): Uint8Array | undefined {
  if (bytes[0] !== tag) return undefined;
  let size = 0;
  for (let at = 1; at <= 4; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    size = size * 128 + (byte & 127);
    if (byte < 128) return bytes.length >= at + 1 + size ? bytes.subarray(at + 1, at + 1 + size) : undefined;
  }
  return undefined;
}
