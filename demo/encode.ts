/** The arguments of the one FFmpeg that encodes the test picture, and adds a soft beep on each whole second. No process is started here. */

export interface EncodeSettings {
  /** Where FLV goes: an RTMP URL, or a file. */
  readonly url: string;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly gopSeconds: number;
  readonly videoKilobits: number;
  readonly audio: boolean;
  /** B-frames between two others; players and servers have to cope with what encoders send. */
  readonly bFrames: number;
  /** How far into a second of the wall clock the first frame is, 0 to 1. */
  readonly phaseSeconds: number;
}

/** Arguments for FFmpeg, which reads raw yuv420p frames on its standard input. */
export function ffmpegArguments(settings: EncodeSettings): string[] {
  const gop = Math.max(1, Math.round(settings.gopSeconds * settings.framesPerSecond));
  return [
    ...["-hide_banner", "-nostdin", "-loglevel", "warning"],
    ...["-probesize", "32", "-analyzeduration", "0", "-fflags", "nobuffer"],
    ...["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", `${settings.width}x${settings.height}`],
    ...["-framerate", `${settings.framesPerSecond}`, "-i", "pipe:0"],
    ...(settings.audio ? ["-f", "lavfi", "-i", beep(settings.phaseSeconds)] : []),
    ...["-map", "0:v", ...(settings.audio ? ["-map", "1:a"] : [])],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1"],
    ...["-bf", `${settings.bFrames}`, "-g", `${gop}`, "-keyint_min", `${gop}`, "-sc_threshold", "0"],
    ...["-b:v", `${settings.videoKilobits}k`, "-maxrate", `${settings.videoKilobits}k`],
    ...["-bufsize", `${settings.videoKilobits}k`],
    ...["-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"],
    // The beep has no end of its own.
    ...(settings.audio ? ["-c:a", "aac", "-b:a", "96k", "-shortest"] : []),
    ...["-flush_packets", "1", "-f", "flv", "-flvflags", "no_duration_filesize", settings.url],
  ];
}

/** A tenth of a second of a bell-like tone on every whole second, an octave higher on every tenth. */
function beep(phaseSeconds: number): string {
  const time = `(t+${phaseSeconds.toFixed(3)})`;
  const pitch = `440*(1+lt(mod(${time},10),1))`;
  const within = `mod(${time},1)`;
  return `aevalsrc='0.25*sin(2*PI*${pitch}*t)*exp(-${within}*30)*lt(${within},0.2)':s=48000:c=mono`;
}
