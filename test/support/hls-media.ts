/**
 * What a client can see inside media objects: times, durations and the kind of the first picture. Written from ISO/IEC
 * 14496-12 and -15 alone; like hls-reader.ts it imports nothing of ours.
 */

/** What a segment, or several in a row, hold of one track. */
export interface SegmentFacts {
  /** First `tfdt`, in ticks of the track. */
  readonly decodeTime: number;
  /** Sum of the samples' durations. */
  readonly ticks: number;
  /** Type of the first picture's NAL unit, if these are pictures of H.264: 5 is IDR. */
  readonly firstPicture?: number;
}

/** What an init section says of its one track. */
export interface InitFacts {
  readonly timescale: number;
  readonly defaultTicks: number;
  readonly kind: "video" | "audio";
}

interface Box {
  readonly type: string;
  readonly body: DataView;
}

/** Read an init section; `undefined` when it is none. */
export function readInit(bytes: Uint8Array): InitFacts | undefined {
  const moov = find([...boxes(view(bytes))], "moov");
  const mdia = find(inside(find(inside(moov), "trak")), "mdia");
  const mdhd = find(inside(mdia), "mdhd");
  const hdlr = find(inside(mdia), "hdlr");
  const trex = find(inside(find(inside(moov), "mvex")), "trex");
  if (!mdhd || !hdlr) return undefined;
  const timescale = mdhd.body.getUint32(mdhd.body.getUint8(0) === 1 ? 20 : 12);
  const kind = text(hdlr.body, 8) === "vide" ? "video" : "audio";
  return { timescale, defaultTicks: trex ? trex.body.getUint32(12) : 0, kind };
}

/** Read a segment or a part; `undefined` when it has no samples. */
export function readSegment(bytes: Uint8Array, init: InitFacts): SegmentFacts | undefined {
  const top = [...boxes(view(bytes))];
  const fragments = top.filter(({ type }) => type === "moof").map((moof) => readFragment(moof, init));
  const [first] = fragments;
  if (!first) return undefined;
  const ticks = fragments.reduce((sum, fragment) => sum + fragment.ticks, 0);
  const mdat = find(top, "mdat");
  const picture = init.kind === "video" && mdat ? firstPicture(mdat.body) : undefined;
  return { decodeTime: first.decodeTime, ticks, ...(picture !== undefined && { firstPicture: picture }) };
}

function readFragment(moof: Box, init: InitFacts): SegmentFacts {
  const traf = inside(find(inside(moof), "traf"));
  const tfdt = find(traf, "tfdt")?.body;
  const decodeTime = tfdt
    ? tfdt.getUint8(0) === 1
      ? Number(tfdt.getBigUint64(4))
      : tfdt.getUint32(4)
    : Number.NaN;
  const usual = defaultTicksOf(find(traf, "tfhd")?.body) ?? init.defaultTicks;
  const ticks = traf
    .filter(({ type }) => type === "trun")
    .reduce((sum, { body }) => sum + runTicks(body, usual), 0);
  return { decodeTime, ticks };
}

/** `default_sample_duration` of a `tfhd`, if it has one. */
function defaultTicksOf(tfhd: DataView | undefined): number | undefined {
  if (!tfhd) return undefined;
  const flags = tfhd.getUint32(0) & 0xffffff;
  if (!(flags & 0x8)) return undefined;
  return tfhd.getUint32(8 + (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0));
}

function runTicks(trun: DataView, usual: number): number {
  const flags = trun.getUint32(0) & 0xffffff;
  const count = trun.getUint32(4);
  if (!(flags & 0x100)) return count * usual;
  const stride = 4 * [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length;
  let at = 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
  let ticks = 0;
  for (let i = 0; i < count; i += 1, at += stride) ticks += trun.getUint32(at);
  return ticks;
}

/** Type of the first NAL unit that is part of a picture; units have lengths of four bytes. */
function firstPicture(mdat: DataView): number | undefined {
  for (let at = 0; at + 5 <= mdat.byteLength; at += 4 + mdat.getUint32(at)) {
    const type = mdat.getUint8(at + 4) & 0x1f;
    if (type >= 1 && type <= 5) return type;
  }
  return undefined;
}

function* boxes(data: DataView): Generator<Box> {
  for (let at = 0; at + 8 <= data.byteLength; ) {
    const size = data.getUint32(at);
    if (size < 8 || at + size > data.byteLength) return;
    yield { type: text(data, at + 4), body: new DataView(data.buffer, data.byteOffset + at + 8, size - 8) };
    at += size;
  }
}

const inside = (box: Box | undefined): readonly Box[] => (box ? [...boxes(box.body)] : []);
const find = (among: readonly Box[], wanted: string): Box | undefined =>
  among.find(({ type }) => type === wanted);
const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const text = (data: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((i) => data.getUint8(at + i)));

/** A segment as a playlist lists it, with what it holds. */
export interface ListedSegment {
  readonly msn: number;
  /** EXTINF, seconds. */
  readonly duration: number;
  /** URI of its init section: a new one is a new session. */
  readonly map: string;
  readonly facts: SegmentFacts;
}

/** How exact a duration is: a frame of video at 20 fps, two frames of AAC. */
const FRAME_SECONDS = 0.05;

/** Judge the segments of one rendition, in order, by what is in them. */
export function checkMedia(segments: readonly ListedSegment[], init: InitFacts): string[] {
  const bad: string[] = [];
  let before: ListedSegment | undefined;
  for (const segment of segments) {
    const { msn, duration, map, facts } = segment;
    const seconds = facts.ticks / init.timescale;
    if (Math.abs(seconds - duration) > FRAME_SECONDS)
      bad.push(`rule 29: segment ${msn} says ${duration} s and holds ${seconds}`);
    if (init.kind === "video" && facts.firstPicture !== 5)
      bad.push(`rule 29: segment ${msn} begins with a picture of type ${facts.firstPicture}, not IDR`);
    if (before && before.map === map && before.msn === msn - 1) {
      const off = (facts.decodeTime - before.facts.decodeTime - before.facts.ticks) / init.timescale;
      if (Math.abs(off) > FRAME_SECONDS)
        bad.push(`rule 29: segment ${msn} begins ${off} s off the end of the one before it`);
    }
    before = segment;
  }
  return bad;
}
