import { unescapeOctal } from '../../codec/octal-escape.ts';

/** A row of `/proc/self/mounts`: what boot asks about. Paths with blanks, which are escaped there, are as they are here. */
export interface MountRow {
  readonly target: string;
  readonly fstype: string;
}

/** Reads the table of fstab(5) form; rows that are not complete are left out. */
export function parseProcMounts(text: string): MountRow[] {
  const rows: MountRow[] = [];
  for (const line of text.split('\n')) {
    const [, target, fstype] = line.split(' ');
    if (target !== undefined && fstype !== undefined) rows.push({ target: unescapeOctal(target), fstype });
  }
  return rows;
}

/** True when the root is the kernel's initial ramfs, which pivot_root(2) cannot leave. */
export function isInitialRamfs(rows: readonly MountRow[]): boolean {
  return rows.find((row) => row.target === '/')?.fstype === 'rootfs';
}
