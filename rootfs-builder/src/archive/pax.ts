import { decodeBytes } from '../../../agent/src/base/text.ts';
import { BuildError } from '../build-error.ts';
import { PaxSparse } from './pax-sparse.ts';

const XATTR_PREFIX = 'SCHILY.xattr.';
/** Access lists as text, by the attribute that they are. */
const ACCESS_LISTS: Readonly<Record<string, string>> = {
  'SCHILY.acl.access': 'system.posix_acl_access',
  'SCHILY.acl.default': 'system.posix_acl_default',
};
const SPARSE_PREFIX = 'GNU.sparse.';

/** What extended headers may say about the next entry, or with `g` about all that follow. */
export interface PaxRecords {
  readonly path?: string;
  readonly linkPath?: string;
  readonly sizeBytes?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Whole seconds; a fraction is dropped. */
  readonly mtime?: number;
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
  /** Access lists as text, by the attribute that they are. */
  readonly accessLists?: ReadonlyMap<string, string>;
  /** Present for a sparse file of GNU tar, whose data is not what it seems. */
  readonly sparse?: PaxSparse;
}

/**
 * Reads the records `LENGTH KEYWORD=VALUE\n` of a pax header (POSIX pax(1), "pax Extended Header"). Values are bytes, so an
 * extended attribute may hold anything. Throws BuildError for a length that lies and a number that is none.
 */
export function parsePax(bytes: Uint8Array): PaxRecords {
  const records: { -readonly [K in keyof PaxRecords]: PaxRecords[K] } = {};
  const xattrs = new Map<string, Uint8Array>();
  const lists = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const digits = space === -1 || space - at > 10 ? '' : decodeBytes(bytes.subarray(at, space));
    const length = /^[0-9]+$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    if (length < digits.length + 4 || end > bytes.length || bytes[end - 1] !== 0x0a)
      throw new BuildError('tar: a pax record has a wrong length');
    const record = bytes.subarray(space + 1, end - 1);
    const equals = record.indexOf(0x3d);
    if (equals <= 0) throw new BuildError('tar: a pax record has no keyword');
    const keyword = decodeBytes(record.subarray(0, equals));
    const value = record.subarray(equals + 1);
    at = end;
    const list = Object.hasOwn(ACCESS_LISTS, keyword) ? ACCESS_LISTS[keyword] : undefined;
    if (keyword.startsWith(XATTR_PREFIX)) xattrs.set(unescaped(keyword.slice(XATTR_PREFIX.length)), value.slice());
    else if (list !== undefined) lists.set(list, decodeBytes(value));
    else if (keyword.startsWith(SPARSE_PREFIX))
      (records.sparse ??= new PaxSparse()).record(keyword.slice(SPARSE_PREFIX.length), value);
    else if (keyword === 'path') records.path = decodeBytes(value);
    else if (keyword === 'linkpath') records.linkPath = decodeBytes(value);
    else if (keyword === 'size') records.sizeBytes = count(keyword, value);
    else if (keyword === 'uid') records.uid = count(keyword, value);
    else if (keyword === 'gid') records.gid = count(keyword, value);
    else if (keyword === 'mtime') records.mtime = time(value);
  }
  if (lists.size > 0) records.accessLists = lists;
  if (xattrs.size > 0) records.xattrs = xattrs;
  return records;
}

/** GNU tar escapes the two characters that a keyword must not have. */
function unescaped(name: string): string {
  return name.replace(/%(3D|25)/g, (_, digits) => (digits === '25' ? '%' : '='));
}

function count(keyword: string, value: Uint8Array): number {
  const text = decodeBytes(value);
  const number = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(number))
    throw new BuildError(`tar: a pax record has a wrong ${keyword}`);
  return number;
}

function time(value: Uint8Array): number {
  const text = decodeBytes(value);
  if (!/^-?[0-9]{1,15}(\.[0-9]*)?$/.test(text)) throw new BuildError('tar: a pax record has a wrong mtime');
  return Math.floor(Number(text));
}
