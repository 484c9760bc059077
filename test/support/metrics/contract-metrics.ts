const split = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Every family of the contract that has an `item`, with every name it knows; `*` where the kernel decides. */
export const ITEMS: Readonly<Record<string, readonly string[]>> = {
  kata_agent_proc_stat: split('utime stime cutime cstime'),
  kata_agent_proc_status: split(`
    vmpeak vmsize vmlck vmpin vmhwm vmrss rssanon rssfile rssshmem vmdata vmstk vmexe vmlib vmpte vmswap hugetlbpages
    voluntary_ctxt_switches nonvoluntary_ctxt_switches`),
  kata_agent_io_stat: split('rchar wchar syscr syscw read_bytes write_bytes cancelled_write_bytes'),
  kata_guest_load: split('load1 load5 load15'),
  kata_guest_tasks: split('cur max'),
  kata_guest_cpu_time: split('user nice system idle iowait irq softirq steal guest guest_nice'),
  kata_guest_vm_stat: ['*'],
  kata_guest_netdev_stat: split(`
    recv_bytes recv_packets recv_errs recv_drop recv_fifo recv_frame recv_compressed recv_multicast
    sent_bytes sent_packets sent_errs sent_drop sent_fifo sent_colls sent_carrier sent_compressed`),
  kata_guest_diskstat: split(`
    reads merged sectors_read time_reading writes writes_merged sectors_written time_writing in_progress time_in_progress
    weighted_time_in_progress discards discards_merged sectors_discarded time_discarding flushes time_flushing`),
  kata_guest_meminfo: split(`
    mem_total mem_free mem_available buffers cached swap_cached active inactive active_anon inactive_anon active_file inactive_file
    unevictable mlocked high_total high_free low_total low_free mmap_copy swap_total swap_free dirty writeback anon_pages mapped
    shmem slab s_reclaimable s_unreclaim kernel_stack page_tables quicklists nfs_unstable bounce writeback_tmp commit_limit
    committed_as vmalloc_total vmalloc_used vmalloc_chunk hardware_corrupted anon_hugepages shmem_hugepages shmem_pmd_mapped
    cma_total cma_free hugepages_total hugepages_free hugepages_rsvd hugepages_surp hugepagesize direct_map_4k direct_map_4M
    direct_map_2M direct_map_1G hugetlb per_cpu k_reclaimable`),
  kata_guest_filesystem_bytes: split('total used available'),
  kata_guest_filesystem_inodes: split('total used available'),
};

/** The labels of the families with more than `item`. */
export const LABELS: Readonly<Record<string, readonly string[]>> = {
  kata_guest_cpu_time: ['cpu', 'item'],
  kata_guest_netdev_stat: ['interface', 'item'],
  kata_guest_diskstat: ['disk', 'item'],
  kata_guest_filesystem_bytes: ['device', 'item', 'mount'],
  kata_guest_filesystem_inodes: ['device', 'item', 'mount'],
};

/** Families with one value and no label. */
export const PLAIN = split(
  'kata_agent_scrape_count kata_agent_threads kata_agent_total_time kata_agent_total_vm kata_agent_total_rss',
);
