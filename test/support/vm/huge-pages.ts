import type { TestVm } from './test-vm.ts';

/** Of x86_64 and of aarch64 with pages of 4 KiB. */
export const HUGE_PAGE_BYTES = 2 << 20;

/** The storage that Kata's host sends for an emptyDir with `medium: HugePages`. */
export function hugePages(mountPoint: string, pages: number): Record<string, unknown> {
  return {
    driver: 'ephemeral',
    source: 'nodev',
    fstype: 'hugetlbfs',
    options: [`pagesize=${HUGE_PAGE_BYTES},size=${pages * HUGE_PAGE_BYTES}`],
    mount_point: mountPoint,
  };
}

/** Pages of the guest's pool, and those of them that nobody has. */
export async function hugePagePool(vm: TestVm): Promise<{ total: number; free: number }> {
  const text = await vm.witness(`cd /sys/kernel/mm/hugepages/hugepages-${HUGE_PAGE_BYTES >> 10}kB && cat nr_* free_*`);
  const [total = NaN, , free = NaN] = text.trim().split('\n').map(Number);
  return { total, free };
}
