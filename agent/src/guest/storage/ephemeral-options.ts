import { splitKeyValue } from './key-value.ts';
import { storageFailure } from './storage-error.ts';

/** gid_t; the highest value means "none" to the kernel. */
const MAX_ID = 0xfffffffe;

/** Decimal group id of an `fsgid=` option; throws when it is not one. */
function parseGroupId(text: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : Infinity;
  if (id > MAX_ID) throw storageFailure(`fsgid=${text.slice(0, 32)} is not a group id`);
  return id;
}

/** Value of `fsgid=`, the last one if several; undefined without any. */
export function findGroupId(options: readonly string[]): number | undefined {
  let groupId: number | undefined;
  for (const option of options) {
    const pair = splitKeyValue(option);
    if (pair?.key === 'fsgid') groupId = parseGroupId(pair.value);
  }
  return groupId;
}

/** Octal mode of a `mode=` option, the last one if several; undefined without any. */
export function findMode(options: readonly string[]): number | undefined {
  let mode: number | undefined;
  for (const option of options) {
    const pair = splitKeyValue(option);
    if (pair?.key !== 'mode') continue;
    if (!/^[0-7]{1,6}$/.test(pair.value)) throw storageFailure(`mode=${pair.value.slice(0, 32)} is not an octal mode`);
    mode = Number.parseInt(pair.value, 8) & 0o7777;
  }
  return mode;
}

/** Options that never reach the kernel: it would refuse them. */
export function withoutGroupId(options: readonly string[]): string[] {
  return options.filter((option) => !option.startsWith('fsgid='));
}

/** Data options of tmpfs (tmpfs(5)). */
const TMPFS_KEYS = new Set(['size', 'nr_blocks', 'nr_inodes', 'mode', 'uid', 'gid', 'huge', 'mpol']);
/** Flags that make sense on a memory volume; `ro` would make it useless, `remount` has nothing to change yet. */
const TMPFS_FLAGS = new Set(['noexec', 'exec', 'nosuid', 'suid', 'nodev', 'dev', 'noatime', 'relatime', 'defaults']);

/**
 * Options of an ephemeral volume that are honoured. Upstream throws all of them away, so that a `/dev/shm` asked to be 64 MiB
 * may fill half the guest's memory; we take those that tmpfs knows and leave out the rest, as upstream does.
 */
export function tmpfsOptions(options: readonly string[]): string[] {
  return options.filter((option) => {
    const pair = splitKeyValue(option);
    return pair === undefined ? TMPFS_FLAGS.has(option) : TMPFS_KEYS.has(pair.key);
  });
}

/** What a hugetlbfs volume asks for. */
export interface HugePageRequest {
  readonly pageSizeBytes: bigint;
  readonly pageCount: bigint;
}

/** Reads `pagesize=<bytes>,size=<bytes>`, usually one string; both are needed, in decimal. Throws. */
export function parseHugePages(options: readonly string[]): HugePageRequest {
  const values = new Map<string, bigint>();
  for (const option of options.flatMap((each) => each.split(','))) {
    const pair = splitKeyValue(option);
    if (pair === undefined || (pair.key !== 'pagesize' && pair.key !== 'size')) continue;
    if (!/^\d{1,19}$/.test(pair.value)) throw storageFailure(`${pair.key}=${pair.value.slice(0, 32)} is not a number`);
    values.set(pair.key, BigInt(pair.value));
  }
  const pageSizeBytes = values.get('pagesize');
  const size = values.get('size');
  if (pageSizeBytes === undefined || size === undefined) throw storageFailure('no pagesize/size options found');
  if (pageSizeBytes < 1024n) throw storageFailure(`pagesize=${pageSizeBytes} is not the size of a huge page`);
  return { pageSizeBytes, pageCount: size / pageSizeBytes };
}
