import type { ProcessSpec, Spec } from './spec.ts';
import { notBuiltYet } from './validate-linux.ts';

/** Parts of a process that nothing carries out yet; refused by name. One line each, gone with the part that is built. */
export function checkProcessIsBuilt(process: ProcessSpec, field: string): void {
  if (process.scheduler !== undefined) throw notBuiltYet(`${field}.scheduler`, 'scheduling policies');
  if (process.ioPriority !== undefined) throw notBuiltYet(`${field}.ioPriority`, 'io priorities');
  if (process.execCpuAffinity !== undefined) throw notBuiltYet(`${field}.execCPUAffinity`, 'cpu affinity');
}

/** The same for the rest of a specification. */
export function checkSpecIsBuilt(spec: Spec): void {
  const { linux } = spec;
  if (linux.personality !== undefined) throw notBuiltYet('linux.personality', 'execution domains');
  if (linux.memoryPolicy !== undefined) throw notBuiltYet('linux.memoryPolicy', 'memory policies');
  if (linux.netDevices.size > 0) throw notBuiltYet('linux.netDevices', 'network devices');
  spec.mounts.forEach((mount, index) => {
    if (mount.uidMappings.length + mount.gidMappings.length > 0)
      throw notBuiltYet(`mounts[${index}].uidMappings`, 'id-mapped mounts');
  });
}
