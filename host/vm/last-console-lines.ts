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
  const all = stripVTControlCharacters(text)
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[^\x20-\x7e]/g, '').trim())
    .filter((line) => line !== '');
  // A panic ends in a call trace; what says why stands before it.
  const panic = all.findLastIndex((line) => line.includes('Kernel panic'));
  const last = panic < 0 ? all.slice(-lines) : all.slice(panic, panic + 1);
  return last.join(' | ').slice(-MAX_CHARACTERS);
}
