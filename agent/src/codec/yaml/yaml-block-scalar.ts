import type { YamlCursor } from './yaml-cursor.ts';

const header = /^([|>])(?:([1-9])([+-]?)|([+-])([1-9]?))?[ \t\r]*(?:[ \t]#.*)?$/;

/** Whole lines of a block scalar, without their indentation. */
function readLines(cursor: YamlCursor, parent: number, given: number | undefined): string[] {
  const lines: string[] = [];
  let indent = given;
  while (!cursor.isAtEnd) {
    const line = cursor.restOfLine();
    const width = line.length - line.replace(/^ +/, '').length;
    const isEmpty = line.trim() === '';
    if (!isEmpty) indent ??= width > parent ? width : undefined;
    if (!isEmpty && (indent === undefined || width < indent)) break;
    lines.push(indent === undefined ? '' : line.slice(indent).replace(/\r$/, ''));
    cursor.offset = Math.min(cursor.text.length, cursor.offset + line.length + 1);
  }
  // What follows is found from the end of a line.
  if (!cursor.isAtEnd) cursor.offset -= 1;
  return lines;
}

/** Lines that are neither empty nor begin with white space are joined by spaces (YAML 1.2.2, 8.1.3). */
function fold(lines: readonly string[]): string {
  let text = lines[0] ?? '';
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const before = lines[index - 1] ?? '';
    const isPlain = (part: string): boolean => part !== '' && !/^[ \t]/.test(part);
    if (isPlain(before) && isPlain(line)) text += ` ${line}`;
    else if (isPlain(line) && before === '') {
      // The line ends of the empty lines are there; that of the line before them was folded away if it was plain.
      let first = index - 1;
      while (first > 0 && lines[first] === '') first -= 1;
      text += isPlain(lines[first] ?? '') ? line : `\n${line}`;
    } else text += `\n${line}`;
  }
  return text;
}

/** Reads a literal (`|`) or folded (`>`) scalar; the cursor is at its sign. */
export function readBlockScalar(cursor: YamlCursor, parent: number): string {
  const [whole, style, indentFirst, chompLast, chompFirst, indentLast] = header.exec(cursor.restOfLine()) ?? [];
  if (whole === undefined) throw cursor.error('wrong beginning of a block of text');
  const digit = indentFirst ?? indentLast ?? '';
  const chomp = chompLast ?? chompFirst ?? '';
  cursor.offset += cursor.restOfLine().length;
  if (cursor.isAtEnd) return '';
  cursor.offset += 1;
  const lines = readLines(cursor, parent, digit === '' ? undefined : Math.max(parent, 0) + Number(digit));
  let end = lines.length;
  while (end > 0 && lines[end - 1] === '') end -= 1;
  const content = lines.slice(0, end);
  const text = style === '|' ? content.join('\n') : fold(content);
  if (chomp === '-') return text;
  if (chomp === '+') return text + '\n'.repeat(lines.length - end + (end > 0 ? 1 : 0));
  return end > 0 ? `${text}\n` : '';
}
