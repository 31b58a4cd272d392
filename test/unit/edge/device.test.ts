/** Devices by what they say of themselves; the user agents are real ones. */
import { describe, expect, it } from "vitest";
import { chooseDevice, parseMax, viewOf } from "../../../workers/edge/core/device.ts";

const choose = (headers: Record<string, string>, max?: "cap480" | "cap720" | "full" | "audio-first") =>
  chooseDevice(max, (name) => headers[name] ?? null);

describe("?max=", () => {
  it.each([
    [null, undefined],
    ["audio", "audio-first"],
    ["0", "audio-first"],
    ["1", "cap480"],
    ["360", "cap480"],
    ["480", "cap480"],
    ["481", "cap720"],
    ["720", "cap720"],
    ["0720", "cap720"],
    ["721", "full"],
    ["1080", "full"],
    ["99999", "full"],
  ] as const)("%s is %s", (value, device) => {
    expect(parseMax(value)).toEqual({ ok: true, value: device });
  });

  it.each(["", "-1", "720p", "1e3", "7.5", " 720", "Audio", "full", "100000", "٧٢٠", "720,480"])(
    "%j is refused",
    (value) => {
      expect(parseMax(value)).toMatchObject({ ok: false, error: { reason: "bad-parameter" } });
    },
  );
});

describe("user agents", () => {
  it.each([
    ["nothing", "", "full"],
    [
      "Chrome on Windows",
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
      "full",
    ],
    [
      "Safari on a Mac",
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
      "full",
    ],
    ["Firefox on Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "full"],
    ["VLC", "VLC/3.0.20 LibVLC/3.0.20", "full"],
    ["FFmpeg", "Lavf/60.16.100", "full"],
    [
      "Safari on an iPhone",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
      "cap720",
    ],
    [
      "the player of an iPhone",
      "AppleCoreMedia/1.0.0.21F79 (iPhone; U; CPU OS 17_5 like Mac OS X; en_us)",
      "cap720",
    ],
    [
      "Chrome on Android",
      "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
      "cap720",
    ],
    ["Firefox on Android", "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "cap720"],
    [
      "a tablet with Android",
      "Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
      "full",
    ],
    [
      "an iPad",
      "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1",
      "full",
    ],
    [
      "a television of Samsung",
      "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36",
      "full",
    ],
    [
      "a television of LG",
      "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.79 Safari/537.36 WebAppManager",
      "full",
    ],
    [
      "a television with Android that calls itself mobile",
      "Mozilla/5.0 (Linux; Android 9; BRAVIA 4K VH2 Build/PTT1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/84.0.4147.125 Mobile Safari/537.36",
      "full",
    ],
    [
      "a Fire TV stick",
      "Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7233; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/70.0.3538.110 Mobile Safari/537.36",
      "full",
    ],
    ["an Apple TV", "AppleCoreMedia/1.0.0.21L569 (Apple TV; U; CPU OS 17_5 like Mac OS X; en_us)", "full"],
    ["a Roku", "Roku/DVP-12.0 (12.0.0.4182-88)", "full"],
    [
      "a Chromecast",
      "Mozilla/5.0 (X11; Linux armv7l) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.4430.225 Safari/537.36 CrKey/1.56.500000 DeviceType/Chromecast",
      "full",
    ],
    [
      "a PlayStation",
      "Mozilla/5.0 (PlayStation; PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15",
      "full",
    ],
    [
      "an Xbox",
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/48.0.2564.82 Safari/537.36 Edge/20.02",
      "full",
    ],
    [
      "a Switch",
      "Mozilla/5.0 (Nintendo Switch; WebApplet) AppleWebKit/609.4 (KHTML, like Gecko) NF/6.0.2.21.3 NintendoBrowser/5.1.0.22474",
      "full",
    ],
    ["a HomePod", "AppleCoreMedia/1.0.0.21M71 (HomePod; U; CPU OS 17_5 like Mac OS X; en_us)", "audio-first"],
    ["a HomePod by its model", "AirMusic/1.0 AudioAccessory5,1/17.5", "audio-first"],
    ["a Sonos", "Linux UPnP/1.0 Sonos/80.1-55014 (ZPS14)", "audio-first"],
    ["an Echo", "AlexaMediaPlayer/2.0.201528.0 (Linux;Android 5.1.1) ExoPlayerLib/1.5.9", "audio-first"],
    [
      "a Nest Mini",
      "Mozilla/5.0 (X11; Linux armv7l) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0.4430.225 Safari/537.36 CrKey/1.56.500000 DeviceType/SmartSpeaker",
      "audio-first",
    ],
  ] as const)("%s", (_name, agent, device) => {
    expect(choose({ "User-Agent": agent }).device).toBe(device);
  });
});

const PHONE = "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0";
const ALL = ["Save-Data", "Sec-CH-Viewport-Width", "Viewport-Width", "Sec-CH-UA-Mobile", "User-Agent"];

describe("hints, and what the choice depended on", () => {
  it.each([
    ["nothing is said", {}, "full", ALL],
    ["Save-Data is on", { "Save-Data": "on", "User-Agent": PHONE }, "cap480", ["Save-Data"]],
    ["Save-Data is on, in capitals", { "Save-Data": " ON " }, "cap480", ["Save-Data"]],
    ["Save-Data is something else", { "Save-Data": "off" }, "full", ALL],
    ["a tiny window", { "Sec-CH-Viewport-Width": "320" }, "cap480", ALL.slice(0, 2)],
    ["a small window", { "Sec-CH-Viewport-Width": "390" }, "cap720", ALL.slice(0, 2)],
    ["a small window, the old way", { "Viewport-Width": "390.5" }, "cap720", ALL.slice(0, 3)],
    ["a wide window", { "Sec-CH-Viewport-Width": "1920" }, "full", ALL],
    [
      "a wide window of a phone",
      { "Sec-CH-Viewport-Width": "844", "Sec-CH-UA-Mobile": "?1" },
      "cap720",
      ALL.slice(0, 4),
    ],
    ["a window that cannot be", { "Sec-CH-Viewport-Width": "-1", "Viewport-Width": "0" }, "full", ALL],
    [
      "not mobile, whatever the agent says",
      { "Sec-CH-UA-Mobile": "?0", "User-Agent": PHONE },
      "full",
      ALL.slice(0, 4),
    ],
    ["nonsense, and a phone", { "Sec-CH-UA-Mobile": "1", "User-Agent": PHONE }, "cap720", ALL],
  ] as const)("%s", (_name, headers, device, dependsOn) => {
    expect(choose(headers)).toEqual({ device, dependsOn });
  });

  it("?max= overrides them all, and then nothing was looked at", () => {
    expect(choose({ "Save-Data": "on", "User-Agent": PHONE }, "full")).toEqual({
      device: "full",
      dependsOn: [],
    });
  });
});

it.each([
  ["full", undefined, undefined],
  ["full", 480, { hardMaxHeight: 480 }],
  ["full", 0, { hardMaxHeight: 0 }],
  ["cap480", undefined, { maxHeight: 480 }],
  ["cap720", 480, { maxHeight: 720, hardMaxHeight: 480 }],
  ["audio-first", undefined, { audioFirst: true }],
  ["audio-first", 360, { audioFirst: true, hardMaxHeight: 360 }],
] as const)("%s with a token for %s sees %j", (device, tokenMaxHeight, view) => {
  expect(viewOf(device, tokenMaxHeight)).toEqual(view);
});

it.each([
  [0, 0],
  [1, 0],
  [359, 288],
  [360, 360],
  [500, 480],
  [721, 720],
  [1081, 1080],
  [8640, 8640],
])("a token for %i lines shares its playlists with all up to %i", (lines, step) => {
  expect(viewOf("full", lines)).toEqual({ hardMaxHeight: step });
});
