/**
 * What `onMetaData` says of a source: which tracks there are, and the picture size for codecs whose parameter sets are
 * not read here. Reads just the AMF0 scalars of one flat object; the RTMP server has the full reader.
 */

export interface Metadata {
  readonly names: ReadonlySet<string>;
  readonly numbers: ReadonlyMap<string, number>;
  readonly encoder?: string;
}

const MAX_PROPERTIES = 200;
const utf8 = (bytes: Uint8Array): string => {
  let text = "";
  for (const byte of bytes) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "?";
  return text;
};

/** Read a data message; `undefined` when it is not `onMetaData` (plain, or behind `@setDataFrame`). */
export function readMetadata(payload: Uint8Array): Metadata | undefined {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  let at = 0;
  const room = (count: number) => at + count <= payload.length;
  const text = (): string | undefined => {
    if (!room(2)) return undefined;
    const length = view.getUint16(at);
    if (!room(2 + length)) return undefined;
    const value = utf8(payload.subarray(at + 2, at + 2 + length));
    at += 2 + length;
    return value;
  };
  const typedText = (): string | undefined => {
    if (payload[at] !== STRING) return undefined;
    at += 1;
    return text();
  };
  let command = typedText();
  if (command === "@setDataFrame") command = typedText();
  if (command !== "onMetaData") return undefined;
  const type = payload[at];
  if (type !== OBJECT && type !== ECMA_ARRAY) return undefined;
  at += type === ECMA_ARRAY ? 5 : 1;

  const names = new Set<string>();
  const numbers = new Map<string, number>();
  let encoder: string | undefined;
  for (let i = 0; i < MAX_PROPERTIES; i += 1) {
    const name = text();
    if (name === undefined || name === "") break;
    const valueType = payload[at];
    at += 1;
    if (valueType === NUMBER && room(8)) {
      numbers.set(name, view.getFloat64(at));
      at += 8;
    } else if (valueType === BOOLEAN && room(1)) at += 1;
    else if (valueType === STRING) {
      const value = text();
      if (value === undefined) break;
      if (name === "encoder") encoder = value.slice(0, 200);
    } else if (valueType !== NULL && valueType !== UNDEFINED) break;
    names.add(name);
  }
  return { names, numbers, ...(encoder !== undefined && { encoder }) };
}

const NUMBER = 0;
const BOOLEAN = 1;
const STRING = 2;
const OBJECT = 3;
const NULL = 5;
const UNDEFINED = 6;
const ECMA_ARRAY = 8;

const VIDEO_NAMES = ["videocodecid", "width", "height", "videodatarate"];
const AUDIO_NAMES = ["audiocodecid", "audiosamplerate", "audiodatarate", "stereo"];

/** Which tracks it announces; `undefined` when it names neither kind, and so says nothing. */
export function announcedTracks(
  metadata: Metadata,
): { readonly audio: boolean; readonly video: boolean } | undefined {
  const video = VIDEO_NAMES.some((name) => metadata.names.has(name));
  const audio = AUDIO_NAMES.some((name) => metadata.names.has(name));
  return video || audio ? { video, audio } : undefined;
}
