/** Why `npm start` cannot go on. The message is one line for the person; nothing else is shown but the lines of a child that died. */
export class StartFailure extends Error {
  /** Last lines of a child's log, and where the rest is. */
  readonly lines: readonly string[];

  constructor(message: string, lines: readonly string[] = []) {
    super(message);
    this.lines = lines;
  }
}

/** What an unknown error says, in a line. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
