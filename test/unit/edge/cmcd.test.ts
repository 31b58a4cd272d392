/** CMCD as players send it, and as nobody should. */
import { describe, expect, it } from "vitest";
import { CMCD_HEADERS, MAX_CMCD_LETTERS, parseCmcd, readCmcd } from "../../../workers/edge/core/cmcd.ts";

const none = () => null;

describe("version 1", () => {
  it("is read whole: the example of CTA-5004", () => {
    const text =
      'bl=21300,br=3200,bs,cid="faec5fc2-ac30-11ea-bb37-0242ac130002",d=4004,dl=18500,mtp=48100,nor="..%2F300kbps%2Ftrack.m4v",nrr="12323-48763",ot=v,pr=1.08,rtp=12000,sf=d,sid="6e2fb550-c457-11e9-bb97-0800200c9a66",st=v,su,tb=6000';
    expect(parseCmcd(text)).toEqual({
      bl: [{ value: 21300 }],
      br: [{ value: 3200 }],
      bs: true,
      cid: "faec5fc2-ac30-11ea-bb37-0242ac130002",
      d: 4004,
      dl: 18500,
      mtp: [{ value: 48100 }],
      nor: ["..%2F300kbps%2Ftrack.m4v"],
      nrr: "12323-48763",
      ot: "v",
      pr: 1.08,
      rtp: 12000,
      sf: "d",
      sid: "6e2fb550-c457-11e9-bb97-0800200c9a66",
      st: "v",
      su: true,
      tb: [{ value: 6000 }],
    });
  });

  it("comes in four headers just as well, or in both", () => {
    const headers: Record<string, string> = {
      "CMCD-Object": "br=3200,d=4004,ot=v,tb=6000",
      "CMCD-Request": "bl=21300,mtp=48100",
      "CMCD-Session": 'sf=h,sid="a,b"',
      "CMCD-Status": "bs",
    };
    const read = readCmcd(null, (name) => headers[name] ?? null);
    expect(read).toMatchObject({
      br: [{ value: 3200 }],
      bl: [{ value: 21300 }],
      sf: "h",
      sid: "a,b",
      bs: true,
    });
    expect(readCmcd("su", (name) => (name === "CMCD-Status" ? "bs" : null))).toEqual({ su: true, bs: true });
  });
});

describe("version 2", () => {
  it("has lists, with the kind of object that each value is about", () => {
    expect(parseCmcd("br=(5000;v 128;a),bl=(1200),mtp=(48100;av;x=1),v=2")).toEqual({
      br: [
        { value: 5000, objectType: "v" },
        { value: 128, objectType: "a" },
      ],
      bl: [{ value: 1200 }],
      mtp: [{ value: 48100, objectType: "av" }],
      v: 2,
    });
  });

  it("has latency, start delay, state, and lists of strings", () => {
    const text = 'ec=("a b" "c\\"d"),ltc=1530,msd=420,nor=("../x.m4s";r="0-99"),sta=r,sn=7,bs=?0,su=?1,v=2';
    expect(parseCmcd(text)).toEqual({
      ec: ["a b", 'c"d'],
      ltc: 1530,
      msd: 420,
      nor: ["../x.m4s"],
      sta: "r",
      sn: 7,
      bs: false,
      su: true,
      v: 2,
    });
  });
});

/** Each has one good key, `d=1`, that must survive what stands beside it. */
describe("what does not parse is left out, and only that", () => {
  it.each([
    "br=",
    "br",
    "br=-1",
    "br=1.5",
    "br=1e3",
    "br=NaN",
    "br=0x10",
    "br=1234567890123456",
    'br="1"',
    "br=()",
    "br=( )",
    "br=(1",
    "br=1)",
    "br=(1 x)",
    "br=(1;v  -2;a)",
    'br=(1 "2")',
    `br=(${"1 ".repeat(17)})`,
    "br=(1)(2)",
    "br =1",
    "br= 1",
    "br=1 2",
    "br=(1);",
    "BR=1",
    "br.x=1",
    "brx=1",
    "com.example-br=1",
    "constructor=1",
    "__proto__=1",
    "=1",
    "",
    "  ",
    "ot=V",
    'ot="v"',
    "ot=x",
    "ot",
    "sf=hls",
    "st=",
    "pr=1.2345",
    "pr=-1",
    "pr=.5",
    "su=true",
    "su=1",
    "su=?2",
    "bs=false",
    "su;",
    "sid=abc",
    'sid="a" b',
    'sid="a\\x"',
    'sid="é"',
    'sid="\u0000"',
    "\u0000",
    "d",
  ])("%j", (piece) => {
    expect(parseCmcd(`${piece},d=1`)).toEqual({ d: 1 });
    if (piece !== "d") expect(parseCmcd(`d=1,${piece}`)).toEqual({ d: 1 });
  });

  it.each([
    ["a string that does not end takes the rest along", 'd=1,sid="a,su,br=1', { d: 1 }],
    ["commas, quotes and backslashes within a string", 'sid="a,su\\",\\\\",d=1', { sid: 'a,su",\\', d: 1 }],
    ["space around members", " d=1 ,\tsu\t, bs", { d: 1, su: true, bs: true }],
    ["the last one of several", "d=1,d=2", { d: 2 }],
    ["a good one before a bad one of its name", "d=1,d=x", { d: 1 }],
    ["parameters that nobody knows", 'd=1;a;b="c",su;x=1', { d: 1, su: true }],
    ["leading zeros", "d=001", { d: 1 }],
  ])("%s", (_name, text, expected) => {
    expect(parseCmcd(text)).toEqual(expected);
  });
});

describe("no CMCD at all", () => {
  it.each(["", ",", "foo=1", "v=3,br=1", "v=0,br=1", "br", "%", "{}", '[{"br":1}]'])("%j", (text) => {
    expect(parseCmcd(text)).toBeUndefined();
  });

  it("no query and no header", () => expect(readCmcd(null, none)).toBeUndefined());

  it("is too long, alone or together", () => {
    const long = `d=1,sid="${"x".repeat(MAX_CMCD_LETTERS)}"`;
    expect(parseCmcd(long.slice(0, MAX_CMCD_LETTERS))).toEqual({ d: 1 });
    expect(parseCmcd(long)).toBeUndefined();
    const quarter = `nrr="${"x".repeat(MAX_CMCD_LETTERS / 4)}"`;
    expect(readCmcd(null, (name) => (name === CMCD_HEADERS[0] ? quarter : null))).toBeDefined();
    expect(readCmcd(null, () => quarter)).toBeUndefined();
  });
});

it.each([
  ["quotes", '"'],
  ["escapes", '"\\'],
  ["brackets", "br=(("],
  ["parameters", ");a"],
  ["lists", 'ec=("'],
  ["spaces", " "],
  ["commas", ","],
])("takes no time over a full length of %s", (_name, piece) => {
  const text = `br=(1${piece.repeat(MAX_CMCD_LETTERS)}`.slice(0, MAX_CMCD_LETTERS);
  const began = performance.now();
  for (let i = 0; i < 20; i += 1) parseCmcd(text);
  expect((performance.now() - began) / 20).toBeLessThan(10);
});
