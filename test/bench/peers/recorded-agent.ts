/**
 * Kata's Rust agent 4.1.0 (static, stripped), recorded in another run on a machine of this kind: over vsock in a VM without
 * KVM, a lean 6.12 kernel (not necessarily today's), one CPU, 256 MiB, busybox over virtio-fs, one client. Medians. The boot
 * ended with the first answered vsock connection. How busy that machine was is not known.
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
