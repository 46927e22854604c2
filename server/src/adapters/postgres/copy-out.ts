import type pg from 'pg';

/**
 * Runs one `copy … to stdout (format binary)` and hands on its messages, each with a whole row (PostgreSQL, "Message Flow:
 * COPY Operations"). The bytes are valid only until `take` returns. What `take` throws, it rejects with.
 */
export function runCopyOut(client: pg.PoolClient, text: string, take: (message: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyOut(text, take, (error) => (error === null ? resolve() : reject(error))));
  });
}

class CopyOut implements pg.Submittable {
  /** Under this name pg finds and wraps it, to take its own timeout back. */
  callback: (error: unknown) => void;
  readonly #text: string;
  readonly #take: (message: Buffer) => void;
  #failed: unknown = null;

  constructor(text: string, take: (message: Buffer) => void, callback: CopyOut['callback']) {
    this.#text = text;
    this.#take = take;
    this.callback = callback;
  }

  submit(connection: unknown): void {
    (connection as { query(text: string): void }).query(this.#text);
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    if (this.#failed !== null) return;
    try {
      this.#take(chunk);
    } catch (error) {
      // The rest still has to be received, or the connection could not be used again.
      this.#failed = error;
    }
  }

  /** After an error pg calls no more: neither for one that PostgreSQL reported nor for a connection that broke. */
  handleError(error: unknown): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback(this.#failed);
  }

  // Part of what pg calls, and of no interest here.
  handleCommandComplete(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
}
