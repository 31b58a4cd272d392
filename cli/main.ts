/** `npm run millrace -- …`: the operator's CLI. This file only ties it to the process. */
import { fileURLToPath } from "node:url";
import { runCli } from "./program.ts";

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  root: fileURLToPath(new URL("..", import.meta.url)),
  print: (text) => console.log(text),
  complain: (text) => console.error(text),
});
