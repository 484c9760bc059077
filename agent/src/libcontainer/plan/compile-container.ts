import { invalidArgument } from '../../base/errors.ts';
import type { NamespaceType, Spec } from '../../oci/spec.ts';
import { sysctlNames } from '../../oci/sysctl-name.ts';
import { compileDevices } from './compile-devices.ts';
import { compileMounts } from './compile-mounts.ts';
import type { MountContext } from './compile-mounts.ts';
import { compileIdentity, compilePrivileges, compileProgram, compileTerminal } from './compile-process.ts';
import type { ProcessFacts } from './compile-process.ts';
import type { InheritedDescriptors } from './inherited-descriptors.ts';
import type { LaunchPlan, Propagation, Step } from './launch-plan.ts';
import { namespaceFlags } from './namespace-flags.ts';

export interface ContainerFacts extends ProcessFacts {
  /** Guest path of the root directory. */
  readonly rootfsPath: string;
  /** The process is put into a cgroup v2 of its own. */
  readonly hasCgroup: boolean;
  /** The guest has `/proc/kcore`. */
  readonly hasKcore: boolean;
  /** Guest path of the container's cgroup v2 directory, for cgroup mounts without a cgroup namespace. */
  readonly cgroupDirectory?: string | undefined;
}

/** Choices of the caller, beside the spec. */
export interface CompileOptions<T> {
  /** `move`: MS_MOVE and chroot(2) instead of pivot_root(2), which the initial ramfs does not allow. */
  readonly rootSwitch?: 'pivot' | 'move';
  /** Trees that the parent opened (`rootfs/mount-sources.ts`), by index of the mount. */
  readonly mountSources?: ReadonlyMap<number, T>;
}

/** The plan, and how its process has to be made. */
export interface CompiledContainer {
  readonly plan: LaunchPlan;
  /** CLONE_NEW* bits for clone3(2). */
  readonly cloneFlags: number;
}

/** Joined in this order; mount last, because paths mean something else afterwards. The parent sees to `pid`. */
export const joinOrder: readonly NamespaceType[] = ['user', 'ipc', 'uts', 'network', 'cgroup', 'mount'];

function splitPropagation(text: string | undefined): { kind: Propagation; isRecursive: boolean } {
  if (text === undefined) return { kind: 'slave', isRecursive: true };
  const isRecursive = text.startsWith('r');
  return { kind: (isRecursive ? text.slice(1) : text) as Propagation, isRecursive };
}

function compileRoot(spec: Spec, facts: ContainerFacts): readonly Step[] {
  const { kind } = splitPropagation(spec.linux.rootfsPropagation);
  return [
    // Mounts made on the guest side keep their peers only when the container is to be one of them.
    { do: 'propagation', kind: kind === 'unbindable' ? 'private' : kind },
    { do: 'attach-root', path: facts.rootfsPath, keepsShared: kind === 'shared' },
  ];
}

function compileFinalPropagation(spec: Spec): readonly Step[] {
  const { kind, isRecursive } = splitPropagation(spec.linux.rootfsPropagation);
  // Slave and private are what the tree is by now; the others would have kept the root from being switched.
  if (kind === 'shared') return [{ do: 'root-propagation', kind, isRecursive: false }];
  if (kind === 'unbindable') return [{ do: 'root-propagation', kind, isRecursive }];
  return [];
}

/** As runc: without pivot_root the guest's root stays below the container's, and private mounts there would never go. */
function checkRootSwitch(spec: Spec, rootSwitch: 'pivot' | 'move'): void {
  const { kind } = splitPropagation(spec.linux.rootfsPropagation);
  if (rootSwitch === 'move' && kind === 'private') {
    throw invalidArgument('linux.rootfsPropagation', 'private is not safe without pivot_root');
  }
}

function compileMountContext<T>(
  spec: Spec,
  facts: ContainerFacts,
  hasCgroupNamespace: boolean,
  options: CompileOptions<T>,
  descriptors: InheritedDescriptors<T>,
): MountContext {
  const user = spec.linux.namespaces.find(({ type }) => type === 'user');
  const isNew = user !== undefined && user.path === undefined;
  const sources = [...(options.mountSources ?? [])];
  return {
    userNamespace: isNew ? { gidMappings: spec.linux.gidMappings } : user === undefined ? undefined : 'joined',
    hasCgroupNamespace,
    cgroupDirectory: facts.cgroupDirectory,
    opened: new Map(sources.map(([index, source]) => [index, descriptors.add(source)])),
  };
}

function compileNames(spec: Spec, hasNewUts: boolean): readonly Step[] {
  if (!hasNewUts) return [];
  return [
    ...(spec.hostname === undefined ? [] : [{ do: 'hostname', name: spec.hostname } as const]),
    ...(spec.domainname === undefined ? [] : [{ do: 'domainname', name: spec.domainname } as const]),
  ];
}

function compileHiding(spec: Spec): readonly Step[] {
  const { maskedPaths, readonlyPaths, sysctl } = spec.linux;
  const entries = [...sysctl].map(([key, value]) => [sysctlNames(key).join('/'), value] as const);
  return [
    ...(entries.length === 0 ? [] : [{ do: 'sysctls', entries } as const]),
    { do: 'create-directory', path: spec.process.cwd },
    ...(readonlyPaths.length === 0 ? [] : [{ do: 'readonly-paths', paths: readonlyPaths } as const]),
    ...(maskedPaths.length === 0 ? [] : [{ do: 'masked-paths', paths: maskedPaths } as const]),
  ];
}

/**
 * Compiles a validated spec into the plan of its init process. `join` holds the opened namespaces that replace new ones
 * (sandbox namespaces, and paths of the spec); a `pid` among them is the parent's business and gets no step.
 */
export function compileContainer<T>(
  spec: Spec,
  facts: ContainerFacts,
  join: Readonly<Partial<Record<NamespaceType, T>>>,
  descriptors: InheritedDescriptors<T>,
  options: CompileOptions<T> = {},
): CompiledContainer {
  const capabilities = spec.process.capabilities;
  if (capabilities === undefined) throw invalidArgument('process.capabilities', 'missing process capabilities');
  const types = new Set(spec.linux.namespaces.map(({ type }) => type));
  let cloneFlags = 0;
  for (const type of types) {
    // A new cgroup namespace has to be made in the cgroup, so by the child itself.
    if (join[type] === undefined && type !== 'cgroup') cloneFlags |= namespaceFlags[type];
  }
  const joins = joinOrder.flatMap((type): Step[] => {
    const source = join[type];
    if (source === undefined) return [];
    return [{ do: 'join-namespace', type, flag: namespaceFlags[type], descriptor: descriptors.add(source) }];
  });
  const hasNewCgroupNamespace = join.cgroup === undefined && (facts.hasCgroup || types.has('cgroup'));
  const rootSwitch = options.rootSwitch ?? 'pivot';
  checkRootSwitch(spec, rootSwitch);
  const seesOwnCgroup = hasNewCgroupNamespace || join.cgroup !== undefined;
  const mounts = compileMounts(spec.mounts, compileMountContext(spec, facts, seesOwnCgroup, options, descriptors));
  const steps: Step[] = [
    { do: 'session-keyring' },
    ...joins,
    ...(hasNewCgroupNamespace ? [{ do: 'cgroup-namespace' } as const] : []),
    ...compilePrivileges(spec.process, facts),
    ...compileNames(spec, types.has('uts') && join.uts === undefined),
    ...compileRoot(spec, facts),
    ...mounts.steps,
    ...(mounts.devIsBind ? [] : compileDevices(spec.linux.devices, facts.hasKcore)),
    ...compileTerminal(spec.process, true),
    rootSwitch === 'pivot' ? { do: 'pivot-root' } : { do: 'move-root' },
    ...compileHiding(spec),
    ...mounts.deferred,
    ...(spec.root.readonly ? [{ do: 'readonly-root' } as const] : []),
    ...compileFinalPropagation(spec),
    ...compileIdentity(spec.process, capabilities),
  ];
  return { plan: { steps, program: compileProgram(spec.process) }, cloneFlags };
}
