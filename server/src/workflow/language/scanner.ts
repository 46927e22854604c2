/** Reads a path or an intrinsic call from left to right. What it cannot read it reports by throwing a `SyntaxFault`. */
export class Scanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  peek(): string {
    return this.text[this.at] ?? '';
  }

  /** Takes `expected` if it comes next. */
  take(expected: string): boolean {
    if (!this.text.startsWith(expected, this.at)) return false;
    this.at += expected.length;
    return true;
  }

  expect(expected: string): void {
    if (!this.take(expected)) this.fail(`${expected} expected`);
  }

  /** What a sticky pattern matches here. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  skipBlanks(): void {
    while (this.peek() === ' ') this.at++;
  }

  /** A string in the quotes that come next; a backslash takes the character after it as it is. */
  quoted(): string {
    const quote = this.peek();
    if (quote !== "'" && quote !== '"') this.fail('a quoted string expected');
    this.at++;
    let content = '';
    for (;;) {
      const next = this.peek();
      if (next === '') this.fail('the string does not end');
      this.at++;
      if (next === quote) return content;
      if (next === '\\') {
        content += this.peek();
        this.at++;
      } else content += next;
    }
  }

  fail(what: string): never {
    throw new SyntaxFault(`${what} at position ${this.at + 1} of ${this.text}`);
  }
}

export class SyntaxFault extends Error {}

const INTEGER = /-?\d{1,9}/y;

export function integer(scanner: Scanner): number | undefined {
  const digits = scanner.match(INTEGER);
  return digits === undefined ? undefined : Number(digits);
}
