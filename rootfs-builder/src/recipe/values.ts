import { BuildError } from '../build-error.ts';
import { checkTreePath } from '../tree/tree-path.ts';
import type { Owner } from './recipe.ts';
import type { Schema } from './schema.ts';
import { converted, integer, matching, text, textOr } from './schema.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** Bytes: a number, or text such as "256M" (units of 1024). */
export const size: Schema<number> = converted(
  textOr(text, integer(1, 2 ** 50)),
  (value) => {
    if (typeof value === 'number') return value;
    const match = /^([1-9][0-9]{0,14})\s*([KMGT]?)(?:i?B)?$/i.exec(value);
    const unit = UNITS[(match?.[2] ?? '').toUpperCase()];
    const bytes = Number(match?.[1] ?? 0) * (unit ?? 0);
    return bytes > 0 && bytes <= 2 ** 50 ? bytes : undefined;
  },
  'a size such as 256M',
);

/** Permission bits: "0755", or TOML's 0o755. */
export const mode: Schema<number> = converted(
  textOr(matching(/^[0-7]{3,4}$/, 'three or four octal digits'), integer(0, 0o7777)),
  (value) => (typeof value === 'number' ? value : Number.parseInt(value, 8)),
  'a mode',
);

/** "UID:GID", or a number for both. */
export const owner: Schema<Owner> = converted(
  textOr(matching(/^[0-9]{1,10}:[0-9]{1,10}$/, 'UID:GID in numbers'), integer(0, 0xffff_fffe)),
  (value) => {
    const [uid = 0, gid = 0] = typeof value === 'number' ? [value, value] : value.split(':').map(Number);
    return uid < 0xffff_ffff && gid < 0xffff_ffff ? { uid, gid } : undefined;
  },
  'UID:GID below 4294967295',
);

/** A place in the guest, with or without the slash in front; "/" is the root itself. Gives it relative to the root. */
export const guestPath: Schema<string> = (value, path, issues) => {
  const raw = text(value, path, issues);
  if (raw === null) return null;
  const relative = raw.replace(/^\/+/, '').replace(/\/+$/, '');
  try {
    if (relative.split('/').includes('..')) throw new BuildError('leaves the root of the guest');
    return relative === '' ? '.' : checkTreePath(relative);
  } catch (error) {
    issues.push({ path, problem: `${JSON.stringify(raw.slice(0, 80))} ${reason(error)}` });
    return null;
  }
};

/** What of a tree path's message follows the path. */
function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^path ".*": /, '');
}
