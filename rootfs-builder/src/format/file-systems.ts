import { erofsFileSystem } from '../erofs/file-system.ts';
import { ext4FileSystem } from '../ext4/file-system.ts';
import { xfsFileSystem } from '../xfs/file-system.ts';
import type { FileSystem } from './file-system.ts';
import type { RootType } from './format.ts';

export const FILE_SYSTEMS: Readonly<Record<RootType, FileSystem>> = {
  ext4: ext4FileSystem,
  erofs: erofsFileSystem,
  xfs: xfsFileSystem,
};
