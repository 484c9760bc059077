import { join } from 'node:path';

/** Top of the repository. */
export const REPOSITORY = join(import.meta.dirname, '..', '..', '..');

/**
 * Where kernel sources, object trees and finished kernels are kept: `kernel/` below `KIHON_CACHE`, or below
 * `.cache` in the repository.
 */
export function kernelCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const cache = environment['KIHON_CACHE'];
  return join(cache !== undefined && cache !== '' ? cache : join(REPOSITORY, '.cache'), 'kernel');
}
