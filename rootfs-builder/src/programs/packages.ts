/** The Debian package that brings a program, for the message when it is missing. */
const PACKAGES: Readonly<Record<string, string>> = {
  'mkfs.ext4': 'e2fsprogs',
  debugfs: 'e2fsprogs',
  dumpe2fs: 'e2fsprogs',
  e2fsck: 'e2fsprogs',
  'mkfs.xfs': 'xfsprogs',
  xfs_db: 'xfsprogs',
  xz: 'xz-utils',
  getfattr: 'attr',
  setfattr: 'attr',
};

/** "apt-get install ..." for a program that is not there. */
export function installHint(program: string): string {
  return `on Debian: apt-get install ${PACKAGES[program] ?? program}`;
}
