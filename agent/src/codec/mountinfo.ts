import { decodeBytes } from '../base/text.ts';
import { escapeOctal, unescapeOctal } from './octal-escape.ts';

/** A row of `/proc/[pid]/mountinfo` (proc_pid_mountinfo(5)). Texts are unescaped; bytes that are not UTF-8 survive. */
export interface MountInfo {
  readonly id: number;
  readonly parentId: number;
  readonly major: number;
  readonly minor: number;
  /** Path of the mounted directory inside its file system. */
  readonly root: string;
  readonly mountPoint: string;
  /** Options of the mount, comma-separated. */
  readonly options: string;
  /** Optional fields such as `shared:5`. */
  readonly optional: readonly string[];
  readonly fsType: string;
  /** May be empty: the kernel then writes nothing between two spaces (security case MNT-16). */
  readonly source: string;
  /** Options of the superblock, comma-separated. */
  readonly superOptions: string;
}

const DIGITS = /^\d{1,10}$/;

/** Parses one row without its newline; undefined for a text that is no such row. */
export function parseMountInfoLine(line: string): MountInfo | undefined {
  // Fields are separated by single spaces; splitting on runs would lose an empty source and shift the rest.
  const fields = line.split(' ');
  const [id = '', parentId = '', device = '', root, mountPoint, options] = fields;
  const colon = device.indexOf(':');
  const major = device.slice(0, colon);
  const minor = device.slice(colon + 1);
  const separator = fields.indexOf('-', 6);
  if (root === undefined || mountPoint === undefined || options === undefined || separator < 0 || colon < 0)
    return undefined;
  if (![id, parentId, major, minor].every((text) => DIGITS.test(text))) return undefined;
  const [fsType, source, ...rest] = fields.slice(separator + 1);
  if (fsType === undefined) return undefined;
  return {
    id: Number(id),
    parentId: Number(parentId),
    major: Number(major),
    minor: Number(minor),
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    options,
    optional: fields.slice(6, separator),
    fsType: unescapeOctal(fsType),
    source: unescapeOctal(source ?? ''),
    // Some file systems print spaces here without an escape.
    superOptions: unescapeOctal(rest.join(' ')),
  };
}

/** Parses a whole table, as bytes or text of `decodeBytes`. A row that cannot be read is left out: one odd mount must not hide all others. */
export function parseMountInfo(table: string | Uint8Array): MountInfo[] {
  const text = typeof table === 'string' ? table : decodeBytes(table);
  const rows: MountInfo[] = [];
  for (const line of text.split('\n')) {
    const row = line === '' ? undefined : parseMountInfoLine(line);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

/** Writes a row as the kernel does, without newline. */
export function formatMountInfoLine(row: MountInfo): string {
  return [
    row.id,
    row.parentId,
    `${row.major}:${row.minor}`,
    escapeOctal(row.root),
    escapeOctal(row.mountPoint),
    row.options,
    ...row.optional,
    '-',
    escapeOctal(row.fsType),
    escapeOctal(row.source),
    escapeOctal(row.superOptions),
  ].join(' ');
}
