/** The quick half of the checks: format and lint, types, unit tests. */
import type { Step } from "./steps.ts";
import { vitestStep } from "./vitest-step.ts";

/** Steps of `npm run check`; the unit tests' report goes to a file. */
export const checkSteps = (unitReport: string): Step[] => [
  {
    name: "format and lint",
    program: "biome",
    args: ["ci", "--diagnostic-level=warn", "."],
    limitSeconds: 180,
  },
  { name: "types", program: "npm", args: ["run", "--silent", "types"], limitSeconds: 540 },
  vitestStep("unit", unitReport, 600),
];
