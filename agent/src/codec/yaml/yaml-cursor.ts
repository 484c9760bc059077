import { YamlError } from './yaml-error.ts';

/** A place in a YAML text. Lines end with LF; CR before it is white space. */
export class YamlCursor {
  readonly text: string;
  offset = 0;

  constructor(text: string) {
    this.text = text;
  }

  get isAtEnd(): boolean {
    return this.offset >= this.text.length;
  }

  /** The character here, or one further on; '' beyond the end. */
  peek(ahead = 0): string {
    return this.text[this.offset + ahead] ?? '';
  }

  /** Column of the cursor, from 0. */
  get column(): number {
    return this.offset - (this.text.lastIndexOf('\n', this.offset - 1) + 1);
  }

  error(reason: string, offset = this.offset): YamlError {
    const line = this.text.slice(0, offset).split('\n').length;
    const column = offset - this.text.lastIndexOf('\n', offset - 1);
    return new YamlError(`line ${line}, column ${column}: ${reason}`);
  }

  /** True at white space, the end of a line and the end of the text. */
  isBlank(ahead = 0): boolean {
    const character = this.peek(ahead);
    return character === '' || character === ' ' || character === '\t' || character === '\n' || character === '\r';
  }

  /** Passes over spaces and tabs, and over a comment that follows them. */
  skipSpaces(): void {
    const start = this.offset;
    while (this.peek() === ' ' || this.peek() === '\t' || this.peek() === '\r') this.offset += 1;
    const isFirst = start === 0 || this.text[start - 1] === '\n';
    if (this.peek() !== '#' || (this.offset === start && !isFirst)) return;
    const end = this.text.indexOf('\n', this.offset);
    this.offset = end < 0 ? this.text.length : end;
  }

  get isAtLineEnd(): boolean {
    return this.isAtEnd || this.peek() === '\n';
  }

  /**
   * Goes to the next line that holds something, behind its indentation; the rest of the current line must have been read. A tab in
   * front of it is refused: its width is not defined.
   */
  nextContent(): void {
    for (;;) {
      const isAtStart = this.column === 0;
      const start = this.offset;
      this.skipSpaces();
      if (!this.isAtLineEnd) {
        if (isAtStart && this.text.slice(start, this.offset).includes('\t'))
          throw this.error('a tab in the indentation', start);
        return;
      }
      if (this.isAtEnd) return;
      this.offset += 1;
    }
  }

  /** The rest of the line, without its end. */
  restOfLine(): string {
    const end = this.text.indexOf('\n', this.offset);
    return this.text.slice(this.offset, end < 0 ? this.text.length : end);
  }
}
