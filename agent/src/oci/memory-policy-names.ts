/** Memory policy modes by number (linux/mempolicy.h). */
export const memoryPolicyModes: ReadonlyMap<string, number> = new Map([
  ['MPOL_DEFAULT', 0],
  ['MPOL_PREFERRED', 1],
  ['MPOL_BIND', 2],
  ['MPOL_INTERLEAVE', 3],
  ['MPOL_LOCAL', 4],
  /** Since kernel 5.15. */
  ['MPOL_PREFERRED_MANY', 5],
  /** Since kernel 6.9. */
  ['MPOL_WEIGHTED_INTERLEAVE', 6],
]);

/** Bits beside the mode (linux/mempolicy.h). */
export const memoryPolicyFlags: ReadonlyMap<string, number> = new Map([
  ['MPOL_F_STATIC_NODES', 1 << 15],
  ['MPOL_F_RELATIVE_NODES', 1 << 14],
  ['MPOL_F_NUMA_BALANCING', 1 << 13],
]);
