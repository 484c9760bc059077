import type { MetricFamily } from '../../codec/prometheus-text.ts';
import { item, itemGauge, keyedCounts, malformed } from './family.ts';

/** Item and name in `/proc/meminfo`, by turns (boot contract, section 7). */
const ITEMS = [
  'mem_total MemTotal mem_free MemFree mem_available MemAvailable buffers Buffers cached Cached swap_cached SwapCached',
  'active Active inactive Inactive active_anon Active(anon) inactive_anon Inactive(anon) active_file Active(file)',
  'inactive_file Inactive(file) unevictable Unevictable mlocked Mlocked high_total HighTotal high_free HighFree',
  'low_total LowTotal low_free LowFree mmap_copy MmapCopy swap_total SwapTotal swap_free SwapFree dirty Dirty',
  'writeback Writeback anon_pages AnonPages mapped Mapped shmem Shmem slab Slab s_reclaimable SReclaimable',
  's_unreclaim SUnreclaim kernel_stack KernelStack page_tables PageTables quicklists Quicklists nfs_unstable NFS_Unstable',
  'bounce Bounce writeback_tmp WritebackTmp commit_limit CommitLimit committed_as Committed_AS vmalloc_total VmallocTotal',
  'vmalloc_used VmallocUsed vmalloc_chunk VmallocChunk hardware_corrupted HardwareCorrupted anon_hugepages AnonHugePages',
  'shmem_hugepages ShmemHugePages shmem_pmd_mapped ShmemPmdMapped cma_total CmaTotal cma_free CmaFree',
  'hugepages_total HugePages_Total hugepages_free HugePages_Free hugepages_rsvd HugePages_Rsvd hugepages_surp HugePages_Surp',
  'hugepagesize Hugepagesize direct_map_4k DirectMap4k direct_map_4M DirectMap4M direct_map_2M DirectMap2M',
  'direct_map_1G DirectMap1G hugetlb Hugetlb per_cpu Percpu k_reclaimable KReclaimable',
]
  .join(' ')
  .split(' ');

const BYTES_PER_KB = 1024n;

/** The family of `/proc/meminfo`: bytes, and numbers of huge pages; 0 for what this kernel does not have. */
export function memoryInfo(text: string): MetricFamily[] {
  const values = keyedCounts(text);
  if (!values.has('MemTotal')) throw malformed('/proc/meminfo');
  const samples = [];
  for (let index = 0; index + 1 < ITEMS.length; index += 2) {
    const name = ITEMS[index + 1] ?? '';
    const value = values.get(name) ?? 0n;
    samples.push(item(ITEMS[index] ?? '', name.startsWith('HugePages_') ? value : value * BYTES_PER_KB));
  }
  return [itemGauge('kata_guest_meminfo', 'Memory of the guest in bytes.', samples)];
}
