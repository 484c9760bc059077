import type { SeccompSpec } from '../../oci/spec.ts';
import type { SeccompFilter } from '../plan/seccomp-filter.ts';
import { isSameProfile } from './same-profile.ts';

/** Hosts send the same few profiles for all containers. */
const maxRemembered = 4;
/** Latest first. */
const remembered: { readonly profile: SeccompSpec; readonly filter: SeccompFilter }[] = [];

/**
 * The filter of a profile; undefined without one. The compiler and its tables are loaded when the first container asks for them.
 */
export async function loadFilter(profile: SeccompSpec | undefined): Promise<SeccompFilter | undefined> {
  if (profile === undefined) return undefined;
  const known = remembered.findIndex((entry) => isSameProfile(entry.profile, profile));
  const entry = known === -1 ? undefined : remembered.splice(known, 1)[0];
  if (entry !== undefined) {
    remembered.unshift(entry);
    return entry.filter;
  }
  const { compileProfile } = await import('./compile-profile.ts');
  const filter = compileProfile(profile);
  remembered.unshift({ profile, filter });
  remembered.length = Math.min(remembered.length, maxRemembered);
  return filter;
}
