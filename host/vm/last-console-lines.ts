import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** Longest quotation of the guest's console in a message. */
const MAX_CHARACTERS = 400;

/** The end of the console log in one line of printable text; empty when there is none. The guest wrote it: nothing in it may move a cursor. */
export function lastConsoleLines(path: string, lines = 4): string {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch {
    return '';
  }
  const last = stripVTControlCharacters(text)
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[^\x20-\x7e]/g, '').trim())
    .filter((line) => line !== '')
    .slice(-lines);
  return last.join(' | ').slice(-MAX_CHARACTERS);
}
