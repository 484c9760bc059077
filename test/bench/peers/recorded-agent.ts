/**
 * Kata's Rust agent 4.1.0 (static, stripped), recorded in another run: over vsock in a VM without KVM, lean 6.12 kernel,
 * one CPU, 256 MiB, busybox over virtio-fs, one client, on an otherwise idle machine with two cores. Medians.
 */
export const RECORDED_AGENT = {
  elfMb: 27.4,
  initrdMb: 10.5,
  residentMb: 10.2,
  anonymousMb: 1.4,
  startMs: 3.5,
  bootMs: 2000,
  checkMs: 0.6,
  checksPerSecond: 3000,
  createMs: 213,
  startContainerMs: 5,
  runMs: 258,
  removeMs: 7.7,
  execMs: 199,
  stdoutMbPerSecond: 20,
  guestMemoryMb: 57,
} as const;

export const RECORDED = { key: 'recorded', title: 'Rust agent (recorded, other run)' } as const;
