import { DomainError } from '../../base/errors.ts';
import type { Spec } from '../../oci/spec.ts';
import { writeFile } from '../../sys/file.ts';
import { getegid, geteuid, getRlimit, setRlimitOf } from '../../sys/process.ts';
import { oomScoreOf, rlimitsOf } from '../plan/compile-process.ts';
import type { ProcessFacts } from '../plan/compile-process.ts';
import type { IdMapping } from '../../oci/spec.ts';
import { formatIdMap } from '../rootfs/mapped-namespace.ts';

/** The kernel takes a map in one write of less than a page (user_namespaces(7)). */
const maxMapBytes = 4095;

function mapText(mappings: readonly IdMapping[], field: string): string {
  const text = formatIdMap(mappings);
  if (text.length > maxMapBytes) {
    throw new DomainError(
      'invalid_argument',
      `${field}: ${text.length} bytes as text, at most ${maxMapBytes} are possible`,
    );
  }
  return text;
}

/** Without rights only the caller's own id can be mapped, as one line (user_namespaces(7)). */
function checkOwnId(mappings: readonly IdMapping[], own: number, field: string): void {
  const [only] = mappings;
  if (mappings.length === 1 && only?.size === 1 && only.hostId === own) return;
  throw new DomainError(
    'permission_denied',
    `${field}: without root only the own id ${own} can be mapped, as one range of size 1`,
  );
}

/** To be called before anything is made. */
export function checkIdMaps(spec: Spec, isPrivileged: boolean): void {
  const { uidMappings, gidMappings } = spec.linux;
  mapText(uidMappings, 'linux.uidMappings');
  mapText(gidMappings, 'linux.gidMappings');
  if (isPrivileged || uidMappings.length === 0) return;
  checkOwnId(uidMappings, geteuid(), 'linux.uidMappings');
  checkOwnId(gidMappings, getegid(), 'linux.gidMappings');
}

/**
 * What a process in a user namespace cannot do for itself: its OOM score, hard limits above its own, and the maps of a new
 * namespace. `pid` is a child that waits for it.
 */
export function grantUserNamespace(pid: number, spec: Spec, facts: ProcessFacts, isNew: boolean): void {
  const score = oomScoreOf(spec.process, facts);
  if (score !== undefined) writeFile(`/proc/${pid}/oom_score_adj`, String(score));
  for (const { resource, hard } of rlimitsOf(spec.process, facts)) {
    const current = getRlimit(resource);
    if (BigInt(hard) > current.hard) setRlimitOf(pid, resource, { soft: current.soft, hard: BigInt(hard) });
  }
  if (!isNew) return;
  if (!facts.setsGroups) writeFile(`/proc/${pid}/setgroups`, 'deny');
  writeFile(`/proc/${pid}/gid_map`, mapText(spec.linux.gidMappings, 'linux.gidMappings'));
  writeFile(`/proc/${pid}/uid_map`, mapText(spec.linux.uidMappings, 'linux.uidMappings'));
}

/** The id outside that a mapped id stands for; undefined when it is not mapped. */
export function hostIdOf(mappings: readonly IdMapping[], id: number): number | undefined {
  const range = mappings.find(({ containerId, size }) => id >= containerId && id < containerId + size);
  return range === undefined ? undefined : range.hostId + (id - range.containerId);
}
