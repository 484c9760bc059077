import type { Print } from './evaluate/context.ts';
import { toDisplayText } from './value/to-text.ts';

/** One `print` as the log and a refused host see it: `file:line: text`. */
export function printText(file: string, print: Print): string {
  const parts = print.values.map((value) => (value === undefined ? '<undefined>' : toDisplayText(value)));
  return `${file}:${print.line}: ${parts.join(' ')}`;
}

/** All prints in one text of at most about `maxLength`: the first ones, then the last ones, which tell why nothing fitted. */
export function joinPrints(file: string, prints: readonly Print[], maxLength: number): string {
  const first: string[] = [];
  const last: string[] = [];
  let left = maxLength / 2;
  let index = 0;
  for (; index < prints.length && left > 0; index++) {
    const text = cut(printText(file, prints[index] as Print), maxLength / 4);
    left -= text.length;
    first.push(text);
  }
  let end = prints.length;
  for (left = maxLength / 2; end > index && left > 0; end--) {
    const text = cut(printText(file, prints[end - 1] as Print), maxLength / 4);
    left -= text.length;
    last.unshift(text);
  }
  return [...first, ...(end > index ? ['...'] : []), ...last].join(' ');
}

function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}...` : text;
}
