import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../abi/constants.ts';
import { invalidArgument } from '../../base/errors.ts';
import { pathNames } from '../../base/guest-path.ts';

/** The only place where files may be put (contract storage, section 10). */
export const SHARE = '/run/kata-containers/shared/containers';

const SHARE_NAMES = pathNames(SHARE, 'share');
/** PATH_MAX without its NUL: the longest target of a link. */
const MAX_TARGET_BYTES = 4095;
/** Of parents when a host says nothing: without it nobody but root could pass. */
const DEFAULT_DIRECTORY_MODE = 0o755;

/** CopyFile as it came. */
export interface CopyFileFields {
  readonly path: string;
  readonly fileSize: bigint;
  readonly fileMode: number;
  readonly directoryMode: number;
  readonly uid: number;
  readonly gid: number;
  readonly offset: bigint;
  readonly data: Uint8Array;
}

/** What to make where; names lead down from the share's root, at least one. */
export interface CopyTarget {
  readonly names: readonly string[];
  /** Permission bits, set-id bits included. */
  readonly mode: number;
  /** Permission bits of parents that have to be made. */
  readonly directoryMode: number;
  /** 4294967295 leaves the owner. */
  readonly uid: number;
  readonly gid: number;
}

export type CopyRequest = CopyTarget &
  (
    | { readonly kind: 'directory' }
    /** `target`: bytes with a NUL behind them. */
    | { readonly kind: 'symlink'; readonly target: Uint8Array }
    /** `size` of the whole file, `data` beginning at `offset`; in bytes. */
    | { readonly kind: 'regular'; readonly size: number; readonly offset: number; readonly data: Uint8Array }
  );

function size(value: bigint, field: string): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidArgument(field, `${value} is out of range`);
  return Number(value);
}

/** The names below the share; `invalid_argument` for every other place, and for the share itself. */
export function namesInShare(path: string): readonly string[] {
  const names = pathNames(path, 'path');
  const isInside = names.length > SHARE_NAMES.length && SHARE_NAMES.every((name, index) => names[index] === name);
  if (!isInside) throw invalidArgument('path', `${JSON.stringify(path)} is not below ${SHARE}`);
  return names.slice(SHARE_NAMES.length);
}

/**
 * Checks a request before anything is touched. The file type is compared as a whole (API-06): a block device or a socket, whose
 * bits contain those of a directory, is refused like every other type that is not a file, a directory or a symbolic link.
 */
export function checkCopyRequest(fields: CopyFileFields): CopyRequest {
  const target: CopyTarget = {
    names: namesInShare(fields.path),
    mode: fields.fileMode & 0o7777,
    directoryMode: fields.directoryMode & 0o777 || DEFAULT_DIRECTORY_MODE,
    uid: fields.uid >>> 0,
    gid: fields.gid >>> 0,
  };
  const { data } = fields;
  switch (fields.fileMode & S_IFMT) {
    case S_IFDIR:
      return { ...target, kind: 'directory' };
    case S_IFLNK: {
      if (data.length === 0 || data.length > MAX_TARGET_BYTES)
        throw invalidArgument('data', `a link's target of ${data.length} bytes`);
      if (data.includes(0)) throw invalidArgument('data', "a link's target with a NUL");
      const terminated = new Uint8Array(data.length + 1);
      terminated.set(data);
      return { ...target, kind: 'symlink', target: terminated };
    }
    case S_IFREG: {
      const fileSize = size(fields.fileSize, 'file_size');
      const offset = size(fields.offset, 'offset');
      if (offset + data.length > fileSize)
        throw invalidArgument('offset', `${data.length} bytes at ${offset} of a file of ${fileSize} bytes`);
      return { ...target, kind: 'regular', size: fileSize, offset, data };
    }
    default:
      throw invalidArgument(
        'file_mode',
        `0${(fields.fileMode >>> 0).toString(8)} is no file, directory or symbolic link`,
      );
  }
}
