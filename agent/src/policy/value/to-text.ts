import { Collection } from './value.ts';
import type { Value } from './value.ts';

/** As JSON: sets become arrays, keys that are no strings become their JSON text. */
export function toJsonText(value: Value): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') return JSON.stringify(value);
  if (!(value instanceof Collection)) return `[${value.map(toJsonText).join(',')}]`;
  if (value.kind === 'set') return `[${value.members().map(toJsonText).join(',')}]`;
  const keyText = (key: Value): string => (typeof key === 'string' ? key : toJsonText(key));
  const entries = value.entries();
  return `{${entries.map(([key, item]) => `${JSON.stringify(keyText(key))}:${toJsonText(item)}`).join(',')}}`;
}

/** As the language writes it: what `sprintf("%v")` shows of anything but a bare string. */
export function toTermText(value: Value): string {
  if (value === null || typeof value !== 'object') return toJsonText(value);
  if (!(value instanceof Collection)) return `[${value.map(toTermText).join(', ')}]`;
  if (value.kind === 'set') {
    const members = value.members();
    return members.length === 0 ? 'set()' : `{${members.map(toTermText).join(', ')}}`;
  }
  const entries = value.entries();
  return `{${entries.map(([key, item]) => `${toTermText(key)}: ${toTermText(item)}`).join(', ')}}`;
}

/** As `print` and `%s` show it: strings bare. */
export function toDisplayText(value: Value): string {
  return typeof value === 'string' ? value : toTermText(value);
}
