/** Calling Durable Objects: a stub that has thrown may be broken for good, so the second try makes its own. */

/** Call, and once more if that fails. An object that has too much to do is not asked again. */
export async function twice<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (isOverloaded(error)) throw error;
    return await call();
  }
}

const isOverloaded = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "overloaded" in error && error.overloaded === true;
