import { BuildError } from '../build-error.ts';
import type { FileSystem } from '../format/file-systems.ts';
import { programVersion } from '../programs/program-version.ts';

export const xfsFileSystem: FileSystem = {
  write: () => Promise.reject(new BuildError('xfs: not built yet')),
  rootFlags: 'ro',
  tools: async () => [{ name: 'xfsprogs', version: await programVersion('mkfs.xfs', ['-V']) }],
};
