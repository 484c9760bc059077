/** Resource limit names by number (asm-generic/resource.h; the same on x86_64 and aarch64). */
export const rlimitNames: readonly string[] = [
  'RLIMIT_CPU',
  'RLIMIT_FSIZE',
  'RLIMIT_DATA',
  'RLIMIT_STACK',
  'RLIMIT_CORE',
  'RLIMIT_RSS',
  'RLIMIT_NPROC',
  'RLIMIT_NOFILE',
  'RLIMIT_MEMLOCK',
  'RLIMIT_AS',
  'RLIMIT_LOCKS',
  'RLIMIT_SIGPENDING',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
];

/** The number of a limit, or undefined for a name nobody knows. */
export function rlimitNumber(name: string): number | undefined {
  const index = rlimitNames.indexOf(name);
  return index === -1 ? undefined : index;
}
