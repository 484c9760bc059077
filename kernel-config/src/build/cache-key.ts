import { createHash } from 'node:crypto';

/** Everything that decides what the finished kernel is. */
export interface KernelInputs {
  readonly arch: string;
  /** Digest of the source tarball (hex). */
  readonly sourceDigest: string;
  /** The merged requests as text; comments and the order of fragments do not count. */
  readonly requests: string;
  /** Flags for the compiler that change the code (`codeFlags`); empty for none. */
  readonly flags: string;
}

/** Raised when the builder itself makes something else of the same inputs. */
const BUILDER_REVISION = 1;

/** Name of the cache entry for these inputs: 32 hex digits. Fields are length-prefixed, so they cannot run together. */
export function kernelCacheKey({ arch, sourceDigest, requests, flags }: KernelInputs): string {
  const hash = createHash('sha256');
  // Without flags there is no field for them: kernels that were built before there were any keep their names.
  const fields = [String(BUILDER_REVISION), arch, sourceDigest, requests, ...(flags === '' ? [] : [flags])];
  for (const field of fields) {
    hash.update(`${Buffer.byteLength(field)}:`).update(field);
  }
  return hash.digest('hex').slice(0, 32);
}
