/** Tables that come with the first row: an object that was only asked something leaves nothing behind. Knows nothing of what is in them. */

export class LazyTables {
  readonly #storage: DurableObjectStorage;
  readonly #schema: string;
  #areThere: boolean;

  /** `mark`: a table of the schema. The schema may be run again: what was added to it since comes with the next start. */
  constructor(storage: DurableObjectStorage, mark: string, schema: string) {
    this.#storage = storage;
    this.#schema = schema;
    this.#areThere =
      storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = ?", mark).toArray().length > 0;
    if (this.#areThere) storage.sql.exec(schema);
  }

  /** Rows; none while there are no tables. */
  read<T extends Record<string, SqlStorageValue>>(
    query: string,
    ...bindings: readonly SqlStorageValue[]
  ): readonly T[] {
    return this.#areThere ? this.#storage.sql.exec<T>(query, ...bindings).toArray() : [];
  }

  /** Change something that may not be there; true: it was. */
  change(query: string, ...bindings: readonly SqlStorageValue[]): boolean {
    return this.#areThere && this.#storage.sql.exec(query, ...bindings).rowsWritten > 0;
  }

  /** Put something in, with the tables for it. */
  insert(query: string, ...bindings: readonly SqlStorageValue[]): void {
    if (!this.#areThere) this.#storage.sql.exec(this.#schema);
    this.#areThere = true;
    this.#storage.sql.exec(query, ...bindings);
  }

  /** All of it or nothing. */
  transaction<T>(work: () => T): T {
    const were = this.#areThere;
    try {
      return this.#storage.transactionSync(work);
    } catch (error) {
      this.#areThere = were;
      throw error;
    }
  }
}
