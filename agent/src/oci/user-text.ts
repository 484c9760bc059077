import { invalidArgument } from '../base/errors.ts';

/** `user[:group]`, each a number or a name. */
export interface UserText {
  readonly user: number | string;
  readonly group: number | string | undefined;
}

/** Highest id: the next one means "leave unchanged" to the kernel. */
const maxId = 0xfffffffe;
/** Longest name looked up (LOGIN_NAME_MAX of limits.h). */
const maxNameLength = 256;

/**
 * An id in plain decimal digits, or undefined. A leading zero is refused, because other programs read such numbers as octal
 * (PRV-04).
 */
export function parseId(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(text)) return undefined;
  const id = Number(text);
  return id <= maxId ? id : undefined;
}

function parsePart(text: string, field: string): number | string {
  const shown = JSON.stringify(text.slice(0, 80));
  if (text === '') throw invalidArgument(field, 'empty');
  if (/^[0-9]+$/.test(text)) {
    const id = parseId(text);
    // Digits are never a name: an image could give the name of a number to root (CVE-2016-3697 and its kin).
    if (id === undefined) throw invalidArgument(field, `${shown} is not a number from 0 to ${maxId}`);
    return id;
  }
  // Whatever begins like a number is a mistake, not a name: -1, +0, 0x0, 1e3, 1.0.
  if (/^[-+0-9]/.test(text) || /[\s:,/\u0000-\u001f\u007f]/.test(text) || text.length > maxNameLength)
    throw invalidArgument(field, `${shown} is neither a number nor a name`);
  return text;
}

/** Reads `user[:group]`. Throws `invalid_argument` for empty parts, numbers out of range and what only looks like one. */
export function parseUserText(text: string, field = 'user'): UserText {
  const colon = text.indexOf(':');
  if (colon === -1) return { user: parsePart(text, field), group: undefined };
  return { user: parsePart(text.slice(0, colon), field), group: parsePart(text.slice(colon + 1), `group of ${field}`) };
}
