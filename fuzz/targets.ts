/** All fuzz targets. */
import { address } from "./address.ts";
import { amf } from "./amf.ts";
import { answers } from "./answers.ts";
import { boxes } from "./boxes.ts";
import { claim } from "./claim.ts";
import { cmcd } from "./cmcd.ts";
import { conditional } from "./conditional.ts";
import { cutter } from "./cutter.ts";
import { flv } from "./flv.ts";
import { ingest } from "./ingest.ts";
import { probe } from "./probe.ts";
import { reload } from "./reload.ts";
import { rtmp } from "./rtmp.ts";
import type { Target } from "./target.ts";

export const targets: readonly Target[] = [
  rtmp,
  amf,
  flv,
  probe,
  boxes,
  cutter,
  ingest,
  answers,
  address,
  reload,
  conditional,
  claim,
  cmcd,
];
