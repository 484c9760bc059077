import type { CapabilitySets } from './spec.ts';

/**
 * Whether a process with these sets, or a program that it executes, can have CAP_SYS_PTRACE: with that it may look into every
 * process of its pid and user namespaces, also into those that are not dumpable (ptrace(2)).
 */
export function mayTrace(sets: CapabilitySets | undefined): boolean {
  return sets !== undefined && Object.values(sets).some((names: readonly string[]) => names.includes('CAP_SYS_PTRACE'));
}
