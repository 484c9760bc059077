import { invalidArgument } from '../../base/errors.ts';

/** Where storages may appear. Rootless hosts put the same tree below the user's runtime directory. */
const BASE = /^(?:\/run\/user\/[1-9]\d{0,9})?\/run\/kata-containers\//;

/** PATH_MAX of limits.h, without its NUL. */
const MAX_PATH_UNITS = 4095;

/** A checked place for a storage, strictly below an allowed base. */
export interface MountPoint {
  /** The whole path in one spelling: no empty parts, no slash at the end. Equal places have equal paths. */
  readonly path: string;
  /** The allowed base, e.g. `/run/kata-containers`. */
  readonly base: string;
  /** The parts below the base; at least one. */
  readonly parts: readonly string[];
}

/**
 * Checks the mount point of a storage (API-08): absolute, without `..`, below `/run/kata-containers` (or the same below
 * `/run/user/<uid>`). Throws `invalid_argument`.
 *
 * `field` names it in the error. Slashes are normalised, so that `/a/` and `/a` count as one place; upstream compares exact strings, which lets one
 * place be mounted twice.
 */
export function parseMountPoint(text: string, field = 'storage.mount_point'): MountPoint {
  const refuse = (reason: string): never => {
    throw invalidArgument(field, `${JSON.stringify(text.slice(0, 200))} ${reason}`);
  };
  if (text.length > MAX_PATH_UNITS || text.includes('\0')) return refuse('is not a usable path');
  if (!text.startsWith('/')) return refuse('is not absolute');
  const all = text.split('/').filter((part) => part !== '');
  if (all.some((part) => part === '.' || part === '..')) return refuse('must not contain . or ..');
  const path = `/${all.join('/')}`;
  const match = BASE.exec(path);
  if (match === null) return refuse('is not below /run/kata-containers');
  const base = match[0].slice(0, -1);
  return { path, base, parts: path.slice(match[0].length).split('/') };
}
