import { programVersion } from '../programs/program-version.ts';
import type { Compression } from './compress.ts';

/** Which compressor makes the bytes: zlib is Node's own, zstd a program. */
export async function compressorVersions(compression: Compression): Promise<{ name: string; version: string }[]> {
  switch (compression) {
    case 'none':
      return [];
    case 'gzip':
      return [{ name: 'zlib', version: process.versions.zlib }];
    case 'zstd':
      return [{ name: 'zstd', version: await programVersion('zstd', ['--version']) }];
  }
}
