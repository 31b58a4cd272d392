/**
 * What FFmpeg gets of a track that sends nothing while the other one goes on: silence for sound, the last keyframe for
 * pictures (docs/decisions/010-tracks-that-stop.md). Times are milliseconds on the session's clock, which both tracks share.
 */
import type { AudioTag, VideoTag } from "./flv.ts";
import { type SilentFrame, silentAac, silentMp3 } from "./silence.ts";

/** A tag that no encoder sent. */
export interface MadeTag {
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/** Sound this far behind the pictures is not coming; nor are pictures this far behind the sound. */
const SOUND_PATIENCE_MS = 1000;
const PICTURE_PATIENCE_MS = 1500;
/** Encoders that let one track run ahead are waited for longer, but never so long that the cutter gives up first. */
const MOST_SOUND_PATIENCE_MS = 2500;
const MOST_PICTURE_PATIENCE_MS = 3500;
/** A source whose pictures are rare is waited for this long: a frame that lasts much longer fits into no segment. */
const RARE_PICTURE_PATIENCE_MS = 2200;
/** Room left for a track that comes back a little behind the other. */
const HELD_BACK_MS = 250;
/** A held picture is sent this often, counted from the last real keyframe: segments can begin where they would have. */
const PICTURE_MS = 500;
/** A shorter hole in the sound is left to players. */
const HOLE_MS = 100;
/** However much is missing, no more than this is made at once. */
const MOST_MADE_MS = 5000;

/** Keeps sound going. */
export class SoundStandIn {
  #silence: SilentFrame | undefined;
  /** Where the sound ends so far, and where that which was made here does. */
  #end = 0;
  #madeTo = Number.NEGATIVE_INFINITY;
  #patienceMs = SOUND_PATIENCE_MS;
  #standing = false;

  /** Learn from a tag how silence is coded. */
  learn(tag: AudioTag, payload: Uint8Array): void {
    if (tag.codec === "aac" && tag.packet === "config") this.#silence = silentAac(tag.body);
    else if (tag.codec === "mp3") this.#silence ??= silentMp3(tag, payload);
  }

  /** Silence that is due now that there are pictures up to `now`. */
  due(now: number): readonly MadeTag[] {
    this.#standing ||= now - this.#end > this.#patienceMs;
    return this.#standing ? this.#make(now - HELD_BACK_MS) : [];
  }

  /** A frame of sound came, pictures being at `now`: what goes in front of it; `undefined`: its time is taken. */
  take(time: number, now: number): readonly MadeTag[] | undefined {
    const frameMs = this.#silence?.ms ?? 0;
    this.#standing = false;
    if (time < this.#madeTo - frameMs / 2) {
      this.#patienceMs = waitLonger(this.#patienceMs, now - time, MOST_SOUND_PATIENCE_MS);
      return undefined;
    }
    const made = time - this.#end > HOLE_MS ? this.#make(time) : [];
    this.#end = Math.max(this.#end, time + frameMs);
    return made;
  }

  /** Whole frames of silence from the end of the sound. */
  #make(until: number): readonly MadeTag[] {
    const made: MadeTag[] = [];
    if (!this.#silence) return made;
    const { payload, ms } = this.#silence;
    this.#end = Math.max(this.#end, until - MOST_MADE_MS);
    for (; this.#end + ms <= until; this.#end += ms) made.push({ timestamp: Math.round(this.#end), payload });
    if (made.length > 0) this.#madeTo = this.#end;
    return made;
  }
}

/** Keeps pictures going. */
export class PictureStandIn {
  /** The newest keyframe that was shown. */
  #key: Uint8Array | undefined;
  #keyAt = 0;
  #keyDelayMs = 0;
  #last = 0;
  /** Presentation time of the newest picture, relative to the decode time of a keyframe: frames are reordered. */
  #shownTo = 0;
  /** Newest time that came from the encoder, shown or not. */
  #heard = 0;
  #patienceMs = PICTURE_PATIENCE_MS;
  #standing = false;
  /** A held picture was shown last: what was between the two is not there to decode another frame with. */
  #needsKeyframe = false;

  /** Held pictures that are due now that there is sound up to `now`. */
  due(now: number): readonly MadeTag[] {
    const made: MadeTag[] = [];
    if (!this.#key) return made;
    this.#standing ||= now - Math.max(this.#last, this.#heard) > this.#patienceMs;
    if (!this.#standing) return made;
    this.#last = Math.max(this.#last, now - MOST_MADE_MS);
    const held = Math.floor((Math.max(this.#last, this.#shownTo) - this.#keyAt) / PICTURE_MS) + 1;
    for (let at = this.#keyAt + held * PICTURE_MS; at <= now - HELD_BACK_MS; at += PICTURE_MS) {
      made.push({ timestamp: at, payload: this.#key });
      this.#last = at;
      this.#needsKeyframe = true;
    }
    return made;
  }

  /** A frame came, sound being at `now`: the time it gets, or `undefined` when it cannot be shown. */
  take(tag: VideoTag, payload: Uint8Array, time: number, now: number): number | undefined {
    const isLate = this.#needsKeyframe && time <= this.#last;
    if (this.#standing) this.#learnPatience(isLate, time, now);
    this.#heard = Math.max(this.#heard, time);
    if (isLate || (this.#needsKeyframe && !tag.keyframe)) return undefined;
    this.#standing = false;
    this.#needsKeyframe = false;
    this.#last = Math.max(this.#last, time);
    if (tag.keyframe) {
      this.#key = payload;
      this.#keyAt = this.#last;
      this.#keyDelayMs = tag.compositionMs;
      this.#shownTo = this.#last;
    } else this.#shownTo = Math.max(this.#shownTo, this.#last + tag.compositionMs - this.#keyDelayMs);
    return this.#last;
  }

  #learnPatience(isLate: boolean, time: number, now: number): void {
    const tookMs = isLate ? now - time : time - this.#heard;
    const mostMs = isLate ? MOST_PICTURE_PATIENCE_MS : RARE_PICTURE_PATIENCE_MS;
    this.#patienceMs = waitLonger(this.#patienceMs, tookMs, mostMs);
    // They do come, only behind the sound: let them catch up with what was made.
    if (isLate && tookMs <= mostMs) this.#standing = false;
  }
}

/** Half as long again as it took, within limits; never less than before. What took longer than that had stopped. */
const waitLonger = (patienceMs: number, tookMs: number, mostMs: number): number =>
  tookMs > mostMs ? patienceMs : Math.max(patienceMs, Math.min(mostMs, 1.5 * tookMs));
