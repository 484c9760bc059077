import { invalidArgument } from '../../base/errors.ts';
import type { IntelRdtSpec } from '../../oci/spec.ts';

/** What is to be done below the mount point of resctrl (kernel: filesystems/resctrl). */
export interface RdtPlan {
  /** Name of the group's directory. */
  readonly group: string;
  /** The group must be there already: it was named, and nothing is said about what it should be. */
  readonly mustExist: boolean;
  /** The group is the container's own and goes away with it. */
  readonly isOwn: boolean;
  /** Lines for the group's `schemata`. */
  readonly schemata: readonly string[];
}

/** Names that are files or folders of resctrl itself. */
const reserved: ReadonlySet<string> = new Set(['info', 'mon_groups', 'mon_data']);

function lines(text: string | undefined): readonly string[] {
  return (text ?? '').split('\n').filter((line) => line.trim() !== '');
}

/** Group and lines for `linux.intelRdt`. Throws `invalid_argument` for a group name that would be a path, or resctrl's own. */
export function planRdt(spec: IntelRdtSpec, containerId: string): RdtPlan {
  const { closId, l3CacheSchema, memBwSchema } = spec;
  const group = closId ?? containerId;
  if (group === '' || group === '.' || group === '..' || /[/\n\0]/.test(group) || reserved.has(group)) {
    throw invalidArgument(
      'linux.intelRdt.closID',
      `${JSON.stringify(group.slice(0, 80))} cannot be the name of a group`,
    );
  }
  // Bandwidth may be given twice; the field of its own counts (runtime-spec, "IntelRdt").
  const cache = lines(l3CacheSchema).filter((line) => memBwSchema === undefined || !line.trimStart().startsWith('MB:'));
  const schemata = [...cache, ...lines(memBwSchema)];
  return { group, mustExist: closId !== undefined && schemata.length === 0, isOwn: closId === undefined, schemata };
}
