/** One running Millrace for all end-to-end tests: starting it takes longer than most of them. */
import type { TestProject } from "vitest/node";
import { Stack } from "../support/stack.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Folder of the running stack. */
    millrace: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stack = await Stack.start();
  project.provide("millrace", stack.data);
  return () => stack.stop();
}
