import type pg from 'pg';

/**
 * One round of SQL in which each `copy … from stdin` is fed its buffer in turn. `pg` knows nothing of COPY, but hands its
 * messages to whatever was submitted (PostgreSQL, "Message Flow: COPY Operations"). Answers with the command tags.
 */
export function runWithCopies(
  client: pg.PoolClient,
  text: string,
  copies: readonly Buffer[],
): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    client.query(new CopyIn(text, copies, (error, tags) => (error === null ? resolve(tags) : reject(error))));
  });
}

/** The parts of pg's own connection that feed a COPY. */
interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

class CopyIn implements pg.Submittable {
  /** Under this name pg finds and wraps it, to take its own timeout back. */
  callback: (error: unknown, tags: readonly string[]) => void;
  readonly #text: string;
  readonly #copies: Buffer[];
  readonly #tags: string[] = [];

  constructor(text: string, copies: readonly Buffer[], callback: CopyIn['callback']) {
    this.#text = text;
    this.#copies = [...copies];
    this.callback = callback;
  }

  submit(connection: unknown): void {
    (connection as CopyConnection).query(this.#text);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    const copy = this.#copies.shift();
    if (copy === undefined) {
      connection.sendCopyFail('nothing to copy');
    } else {
      connection.sendCopyFromChunk(copy);
      connection.endCopyFrom();
    }
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#tags.push(text);
  }

  /** After an error pg calls no more: neither for one that PostgreSQL reported nor for a connection that broke. */
  handleError(error: unknown): void {
    this.callback(error, []);
  }

  handleReadyForQuery(): void {
    this.callback(null, this.#tags);
  }

  // Part of what pg calls, and of no interest here.
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
}
