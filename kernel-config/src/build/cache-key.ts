import { createHash } from 'node:crypto';

/** Everything that decides what the finished kernel is. */
export interface KernelInputs {
  readonly arch: string;
  /** Digest of the source tarball (hex). */
  readonly sourceDigest: string;
  /** The merged requests as text; comments and the order of fragments do not count. */
  readonly requests: string;
}

/** Raised when the builder itself makes something else of the same inputs. */
const BUILDER_REVISION = 1;

/** Name of the cache entry for these inputs: 32 hex digits. Fields are length-prefixed, so they cannot run together. */
export function kernelCacheKey({ arch, sourceDigest, requests }: KernelInputs): string {
  const hash = createHash('sha256');
  for (const field of [String(BUILDER_REVISION), arch, sourceDigest, requests]) {
    hash.update(`${Buffer.byteLength(field)}:`).update(field);
  }
  return hash.digest('hex').slice(0, 32);
}
