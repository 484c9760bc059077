import { encodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import type { Attributes } from './entry.ts';

/** XATTR_NAME_MAX and XATTR_SIZE_MAX of linux/limits.h, in bytes. */
const MAX_NAME_BYTES = 255;
const MAX_VALUE_BYTES = 65_536;
/** What every format holds: 34 bits of seconds are the least (ext4's extra time bits). */
const MAX_MTIME = 2 ** 33;

/** Namespaces of xattr(7); a name must go on after the dot. */
const NAMESPACES = ['user.', 'trusted.', 'security.', 'system.'];

/** Throws BuildError unless time and extended attributes are such as Linux takes. */
export function checkAttributes(path: string, { xattrs, mtime }: Attributes): void {
  if (mtime !== undefined && (!Number.isInteger(mtime) || mtime < 0 || mtime > MAX_MTIME))
    throw new BuildError(`${path}: bad modification time ${mtime}`);
  for (const [name, value] of xattrs ?? []) {
    const shown = JSON.stringify(name.slice(0, 80));
    if (!NAMESPACES.some((prefix) => name.startsWith(prefix) && name.length > prefix.length) || name.includes('\0'))
      throw new BuildError(`${path}: extended attribute ${shown}: no name of xattr(7)`);
    if (encodeBytes(name).length > MAX_NAME_BYTES)
      throw new BuildError(`${path}: extended attribute ${shown}: its name is longer than ${MAX_NAME_BYTES} bytes`);
    if (value.length > MAX_VALUE_BYTES)
      throw new BuildError(`${path}: extended attribute ${shown}: its value is longer than ${MAX_VALUE_BYTES} bytes`);
  }
}
