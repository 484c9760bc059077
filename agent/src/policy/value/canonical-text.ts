import { spend, spendText } from '../fuel.ts';
import { Collection } from './value.ts';
import type { Value } from './value.ts';

/** One text for each value: JSON with sorted keys, sets in angle brackets. Not for people. */
export function canonicalText(value: Value): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') {
    spendText(value.length);
    return JSON.stringify(value);
  }
  spend(2);
  if (!(value instanceof Collection)) return `[${value.map(canonicalText).join(',')}]`;
  if (value.kind === 'set') return `<${value.members().map(canonicalText).join(',')}>`;
  const entries = value.entries();
  return `{${entries.map(([key, item]) => `${canonicalText(key)}:${canonicalText(item)}`).join(',')}}`;
}
