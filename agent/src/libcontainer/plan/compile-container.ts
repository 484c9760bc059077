import { invalidArgument } from '../../base/errors.ts';
import type { NamespaceType, Spec } from '../../oci/spec.ts';
import { sysctlNames } from '../../oci/sysctl-name.ts';
import { compileDevices } from './compile-devices.ts';
import { compileMounts } from './compile-mounts.ts';
import type { MountContext } from './compile-mounts.ts';
import { compileKeyring, labelMounts, noSecurityModules } from './compile-labels.ts';
import { compileIdentity, compilePrivileges, compileProgram, compileTerminal } from './compile-process.ts';
import type { ProcessFacts } from './compile-process.ts';
import { compileHookBatch, runtimePoints } from './compile-hooks.ts';
import type { HookPlace, HookRules } from './compile-hooks.ts';
import { compileStart } from './compile-scheduling.ts';
import { compileSeccomp } from './compile-seccomp.ts';
import type { InheritedDescriptors } from './inherited-descriptors.ts';
import type { LaunchPlan, Propagation, Step } from './launch-plan.ts';
import { namespaceFlags } from './namespace-flags.ts';

export interface ContainerFacts extends ProcessFacts {
  /** Guest path of the root directory. */
  readonly rootfsPath: string;
  /** The process gets a cgroup namespace of its own whether or not the spec names one. */
  readonly alwaysOwnCgroupNamespace: boolean;
  /** The parent may do what it likes; otherwise it has only what a user namespace gives. */
  readonly isPrivileged: boolean;
  /** A sysctl that this kernel does not have is an error; else it is skipped (contract, lifecycle section 9.2). */
  readonly refusesMissingSysctls?: boolean;
  readonly hooks: HookRules;
  readonly place: HookPlace;
  /** The guest has `/proc/kcore`. */
  readonly hasKcore: boolean;
  /** Guest path of the container's cgroup v2 directory, for cgroup mounts without a cgroup namespace. */
  readonly cgroupDirectory?: string | undefined;
}

/** Choices of the caller, beside the spec. */
export interface CompileOptions<T> {
  /** `move`: MS_MOVE and chroot(2) instead of pivot_root(2), which the initial ramfs does not allow. */
  readonly rootSwitch?: 'pivot' | 'move';
  /** No session keyring of its own (`--no-new-keyring`). */
  readonly keepsKeyring?: boolean;
  /** The process is not born in its cgroup: it waits until it was put there before it does anything else (CGN-04). */
  readonly entersCgroup?: boolean;
  /** Trees that the parent opened (`rootfs/mount-sources.ts`), by index of the mount. */
  readonly mountSources?: ReadonlyMap<number, T>;
}

/** A namespace to enter: setns(2) with a descriptor that was checked by the parent. */
export interface NamespaceEntry<T> {
  readonly flag: number;
  readonly source: T;
}

/** The plan, and how its process has to be made. */
export interface CompiledContainer<T> {
  readonly plan: LaunchPlan;
  /** CLONE_NEW* bits for clone3(2). */
  readonly cloneFlags: number;
  /**
   * What has to be entered before the process is made, by a first stage that makes it: with a user namespace around, what is
   * joined belongs to others, and what is new has to belong to it. Empty: no such stage.
   */
  readonly firstStage: readonly NamespaceEntry<T>[];
}

/** Mount last, because paths mean something else afterwards. The parent sees to `pid`. */
const plainOrder: readonly NamespaceType[] = ['ipc', 'uts', 'network', 'cgroup', 'time', 'mount'];

/**
 * The order in which namespaces are entered. Whoever has all rights enters the user namespace last, since it gives them up there;
 * whoever has none gets them by entering it.
 */
export function joinOrder(isPrivileged: boolean): readonly NamespaceType[] {
  return isPrivileged ? [...plainOrder, 'user'] : ['user', ...plainOrder];
}

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
    mountLabel: spec.linux.mountLabel,
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

function compileHiding(spec: Spec, missing: 'skip' | 'fail'): readonly Step[] {
  const { maskedPaths, mountLabel, readonlyPaths, sysctl } = spec.linux;
  const label = mountLabel === undefined ? {} : { label: mountLabel };
  const entries = [...sysctl].map(([key, value]) => [sysctlNames(key).join('/'), value] as const);
  return [
    ...(entries.length === 0 ? [] : [{ do: 'sysctls', entries, missing } as const]),
    { do: 'create-directory', path: spec.process.cwd },
    ...(readonlyPaths.length === 0 ? [] : [{ do: 'readonly-paths', paths: readonlyPaths } as const]),
    ...(maskedPaths.length === 0 ? [] : [{ do: 'masked-paths', paths: maskedPaths, ...label } as const]),
  ];
}

/** Clocks of a time namespace as `timens_offsets` takes them (time_namespaces(7)). */
export function timeOffsets(spec: Spec): string {
  return (['monotonic', 'boottime'] as const)
    .flatMap((clock) => {
      const offset = spec.linux.timeOffsets[clock];
      return offset === undefined ? [] : [`${clock} ${offset.secs} ${offset.nanosecs}\n`];
    })
    .join('');
}

/** Hooks at the moment when the container's mounts exist and the guest's root can still be reached. */
function compileHooks(spec: Spec, facts: ContainerFacts): readonly Step[] {
  // The parent gives the network devices at the same time.
  const asksParent = runtimePoints(spec, facts.hooks).length > 0 || spec.linux.netDevices.size > 0;
  const inside = compileHookBatch(spec, 'createContainer', facts.hooks, facts.place);
  return [
    ...(asksParent ? [{ do: 'runtime-hooks' } as const] : []),
    ...(inside === undefined ? [] : [{ do: 'hooks', batch: inside } as const]),
  ];
}

/** User and group 0 do the set-up, and the process must be somebody. */
function checkMapped(spec: Spec): void {
  const { uid, gid, additionalGids } = spec.process.user;
  const check = (list: 'uidMappings' | 'gidMappings', id: number, what: string): void => {
    const isMapped = spec.linux[list].some(({ containerId, size }) => id >= containerId && id < containerId + size);
    if (!isMapped) throw invalidArgument(`linux.${list}`, `${what} is not mapped`);
  };
  check('uidMappings', 0, 'user 0, which sets the container up,');
  check('gidMappings', 0, 'group 0, which sets the container up,');
  check('uidMappings', uid, `process.user.uid ${uid}`);
  check('gidMappings', gid, `process.user.gid ${gid}`);
  for (const group of additionalGids) check('gidMappings', group, `process.user.additionalGids ${group}`);
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
): CompiledContainer<T> {
  const capabilities = spec.process.capabilities;
  if (capabilities === undefined) throw invalidArgument('process.capabilities', 'missing process capabilities');
  const modules = facts.modules ?? noSecurityModules;
  const types = new Set(spec.linux.namespaces.map(({ type }) => type));
  const isNew = (type: NamespaceType): boolean => types.has(type) && join[type] === undefined;
  let cloneFlags = 0;
  // A new cgroup namespace has to be made in the cgroup, and a time namespace holds for children only: both by the child itself.
  for (const type of types) if (isNew(type) && type !== 'cgroup' && type !== 'time') cloneFlags |= namespaceFlags[type];
  const hasUserNamespace = types.has('user');
  if (isNew('user')) checkMapped(spec);
  const entries = joinOrder(facts.isPrivileged).flatMap((type) => {
    const source = join[type];
    return source === undefined ? [] : [{ type, flag: namespaceFlags[type], source }];
  });
  const joins: readonly Step[] = hasUserNamespace
    ? []
    : entries.map(({ type, flag, source }) => {
        return { do: 'join-namespace', type, flag, descriptor: descriptors.add(source) };
      });
  const isDumpable = hasUserNamespace && !facts.isPrivileged;
  const hasNewCgroupNamespace = join.cgroup === undefined && (facts.alwaysOwnCgroupNamespace || types.has('cgroup'));
  const rootSwitch = options.rootSwitch ?? 'pivot';
  checkRootSwitch(spec, rootSwitch);
  const seesOwnCgroup = hasNewCgroupNamespace || join.cgroup !== undefined;
  const mounts = compileMounts(
    labelMounts(spec.mounts, spec.linux.mountLabel, modules),
    compileMountContext(spec, facts, seesOwnCgroup, options, descriptors),
  );
  const startHooks = compileHookBatch(spec, 'startContainer', facts.hooks, facts.place);
  const lateSteps = compileSeccomp(spec.process, facts.seccomp, startHooks !== undefined).late;
  const steps: Step[] = [
    ...(options.entersCgroup === true ? [{ do: 'cgroup' } as const] : []),
    ...compileStart(spec.process, spec.linux, false),
    ...(hasUserNamespace
      ? [
          { do: 'find-root', path: facts.rootfsPath } as const,
          { do: 'user-namespace', asksParent: true, setsGroups: facts.setsGroups, isDumpable } as const,
        ]
      : []),
    ...compileKeyring(spec.process, modules, options.keepsKeyring === true),
    ...joins,
    ...(hasNewCgroupNamespace ? [{ do: 'cgroup-namespace' } as const] : []),
    ...(isNew('time') ? [{ do: 'time-namespace', isShifted: timeOffsets(spec) !== '' } as const] : []),
    ...(isNew('network') ? [{ do: 'loopback' } as const] : []),
    ...compilePrivileges(spec.process, facts, hasUserNamespace),
    ...compileNames(spec, types.has('uts') && join.uts === undefined),
    ...compileRoot(spec, facts),
    ...mounts.steps,
    ...(mounts.devIsBind ? [] : compileDevices(spec.linux.devices, facts.hasKcore)),
    ...compileTerminal(spec.process, true),
    ...compileHooks(spec, facts),
    rootSwitch === 'pivot' ? { do: 'pivot-root' } : { do: 'move-root' },
    ...compileHiding(spec, facts.refusesMissingSysctls === true ? 'fail' : 'skip'),
    ...mounts.deferred,
    ...(spec.root.readonly ? [{ do: 'readonly-root' } as const] : []),
    ...compileFinalPropagation(spec),
    ...compileIdentity(spec.process, capabilities, facts.setsGroups, {
      facts,
      shared: spec.linux,
      isExec: false,
      hasStartHooks: startHooks !== undefined,
    }),
  ];
  const plan = { steps, lateSteps, startHooks, program: compileProgram(spec.process) };
  return { plan, cloneFlags, firstStage: hasUserNamespace ? entries : [] };
}
