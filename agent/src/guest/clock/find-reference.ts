import type { KernelFiles } from '../files/kernel-files.ts';

const CLASS = '/sys/class/ptp';
/**
 * PTP devices through which a hypervisor shows its own wall clock. That of a network card is another thing: it may run by itself, and
 * counts leap seconds.
 */
const HYPERVISOR_CLOCKS = ['KVM virtual PTP', 'hyperv'];

/** The node of the device that tells the host's time, e.g. `/dev/ptp0`; undefined when there is none. */
export function findReference(files: Pick<KernelFiles, 'tryRead' | 'tryList' | 'exists'>): string | undefined {
  const names = (files.tryList(CLASS) ?? []).filter((name) => /^ptp\d+$/.test(name)).sort();
  const name = names.find((each) =>
    HYPERVISOR_CLOCKS.includes(files.tryRead(`${CLASS}/${each}/clock_name`)?.trim() ?? ''),
  );
  const node = `/dev/${name ?? ''}`;
  return name !== undefined && files.exists(node) ? node : undefined;
}
