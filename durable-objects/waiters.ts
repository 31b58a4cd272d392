/** Requests that wait for a change, each until a deadline of its own. What the change must be is theirs to look at. */
export class Waiters {
  readonly #wakes = new Set<() => void>();

  /** Something changed: everyone looks again. */
  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  /** Look until there is an answer; `undefined` when the deadline came first. */
  async until<T>(deadline: number, look: () => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = look();
      if (found !== undefined || !(await this.#changeBefore(deadline))) return found;
    }
  }

  /** True when something changed, false when the deadline came first. */
  #changeBefore(deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (changed: boolean) => {
        clearTimeout(timer);
        this.#wakes.delete(wake);
        resolve(changed);
      };
      const wake = () => done(true);
      const timer = setTimeout(() => done(false), Math.max(0, deadline - Date.now()));
      this.#wakes.add(wake);
    });
  }
}
