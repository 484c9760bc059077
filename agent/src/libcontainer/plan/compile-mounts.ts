import { MOUNT_ATTR_RDONLY } from '../../abi/constants.ts';
import { DomainError, invalidArgument } from '../../base/errors.ts';
import { cleanPath } from '../../base/guest-path.ts';
import type { IdMapping, MountSpec } from '../../oci/spec.ts';
import type { AttributeChange, BindOrigin, FilesystemOrigin, MountOrigin, MountStep, Step } from './launch-plan.ts';
import { parseMountOptions } from './mount-options.ts';
import type { MountOptions } from './mount-options.ts';

/** fsconfig(2) takes string values of at most 255 bytes. */
const maxParameterLength = 255;
/** mount(2) took a page of options in all; nobody needs more, and each is a system call. */
const maxParameters = 200;

/** What mounts depend on beside themselves. */
export interface MountContext {
  /** Maps of a new user namespace; `joined`: one that exists; undefined: none. */
  readonly userNamespace: { readonly gidMappings: readonly IdMapping[] } | 'joined' | undefined;
  /** The container sees its own cgroup as the root of all. */
  readonly hasCgroupNamespace: boolean;
  /** Guest path of the container's own cgroup v2 directory. */
  readonly cgroupDirectory: string | undefined;
  /** `linux.mountLabel`. */
  readonly mountLabel?: string | undefined;
  /** Descriptors of trees that the parent opened, by index of the mount. */
  readonly opened: ReadonlyMap<number, number>;
}

const plainContext: MountContext = {
  userNamespace: undefined,
  hasCgroupNamespace: true,
  cgroupDirectory: undefined,
  opened: new Map(),
};

/** True for a mount with an id map of its own; it has to be opened by somebody with rights over the file system. */
export function isIdMapped(mount: MountSpec): boolean {
  return (
    mount.uidMappings.length > 0 ||
    mount.gidMappings.length > 0 ||
    mount.options.includes('idmap') ||
    mount.options.includes('ridmap')
  );
}

/** True for a mount whose source is a part of the guest's tree. */
export function isBindMount(mount: MountSpec): boolean {
  return mount.type === 'bind' || mount.options.includes('bind') || mount.options.includes('rbind');
}

function checkIdMap(mount: MountSpec, field: string, context: MountContext): void {
  const hasUids = mount.uidMappings.length > 0;
  const hasGids = mount.gidMappings.length > 0;
  if (!isBindMount(mount)) throw invalidArgument(`${field}.uidMappings`, 'id maps are possible for bind mounts only');
  if (hasUids !== hasGids) {
    throw invalidArgument(`${field}.${hasUids ? 'gidMappings' : 'uidMappings'}`, 'an id-mapped mount needs both maps');
  }
  if (!hasUids && context.userNamespace === undefined) {
    throw invalidArgument(`${field}.options`, 'an id-mapped mount needs maps, or a user namespace to take them from');
  }
}

function compileBind(mount: MountSpec, index: number, options: MountOptions, context: MountContext): BindOrigin {
  const field = `mounts[${index}]`;
  const isMapped = isIdMapped(mount);
  if (isMapped) checkIdMap(mount, field, context);
  if (isMapped && options.idmap === 'no' && options.bind === 'no') throw invalidArgument(field, 'is no bind mount');
  const descriptor = context.opened.get(index);
  if (isMapped && descriptor === undefined) {
    const reason = 'an id-mapped mount takes rights over the file system of its source, which the caller does not have';
    throw new DomainError('failed_precondition', `${field}: ${reason}`);
  }
  const link = options.extensions.has('copy-symlink')
    ? 'copy'
    : options.extensions.has('src-nofollow')
      ? 'bind'
      : undefined;
  return {
    kind: 'bind',
    path: mount.source,
    isRecursive: options.bind === 'rbind',
    ...(descriptor === undefined ? {} : { opened: { descriptor, isMapped } }),
    ...(link === undefined ? {} : { link }),
  };
}

/** A group that the container cannot name makes devpts refuse the mount; the terminals then belong to its root (as crun). */
function withoutUnmappedGroup(
  parameters: MountOptions['parameters'],
  context: MountContext,
): MountOptions['parameters'] {
  const { userNamespace } = context;
  if (userNamespace === undefined || userNamespace === 'joined') return parameters;
  const isMapped = (gid: number): boolean =>
    userNamespace.gidMappings.some(({ containerId, size }) => gid >= containerId && gid < containerId + size);
  return parameters.filter(([name, value]) => name !== 'gid' || value === null || isMapped(Number(value)));
}

function compileFilesystem(
  mount: MountSpec,
  type: string,
  options: MountOptions,
  context: MountContext,
): FilesystemOrigin {
  const copiesUp = options.extensions.has('tmpcopyup');
  const parameters = type === 'devpts' ? withoutUnmappedGroup(options.parameters, context) : options.parameters;
  const hasFallback = type === 'sysfs' && context.userNamespace !== undefined;
  return {
    kind: 'filesystem',
    type,
    source: mount.source === '' ? type : mount.source,
    parameters,
    // Its super block is the IPC namespace's, made before any option of a mount.
    ...(type === 'mqueue' && context.mountLabel !== undefined ? { label: context.mountLabel } : {}),
    ...(copiesUp ? { copiesUp } : {}),
    // Only the owner of a network namespace may mount a sysfs that shows it.
    ...(hasFallback ? { fallback: { kind: 'bind', path: '/sys', isRecursive: true } } : {}),
  };
}

/**
 * Containers see cgroup v2 only; hosts name the file system `cgroup` whatever its version. With a cgroup namespace it is
 * mounted anew and shows the container's own group as its root. Without one a new mount would show every group of the guest,
 * so the container's own is bound instead, and read-only unless `rw` is asked for (CGN-01).
 */
function compileCgroup(index: number, options: MountOptions, context: MountContext): Compiled {
  const { cgroupDirectory } = context;
  const { attributes } = options;
  const [parameter] = options.parameters;
  if (parameter !== undefined) {
    throw invalidArgument(
      `mounts[${index}].options`,
      `option ${JSON.stringify(parameter[0])} has no effect on the container's view of cgroup v2`,
    );
  }
  const own: BindOrigin | undefined =
    cgroupDirectory === undefined ? undefined : { kind: 'bind', path: cgroupDirectory, isRecursive: false };
  if (context.hasCgroupNamespace) {
    const fallback = context.userNamespace === undefined || own === undefined ? {} : { fallback: own };
    return {
      origin: { kind: 'filesystem', type: 'cgroup2', source: 'cgroup', parameters: [], ...fallback },
      attributes,
    };
  }
  if (own === undefined) {
    throw new DomainError('failed_precondition', `mounts[${index}]: the container has no cgroup v2 group to show`);
  }
  if ((attributes.clear & MOUNT_ATTR_RDONLY) !== 0) return { origin: own, attributes };
  return { origin: own, attributes: { ...attributes, set: attributes.set | MOUNT_ATTR_RDONLY } };
}

interface Compiled {
  readonly origin: MountOrigin;
  readonly attributes: AttributeChange;
}

function compileOrigin(mount: MountSpec, index: number, options: MountOptions, context: MountContext): Compiled {
  const field = `mounts[${index}]`;
  const { attributes } = options;
  if (options.extensions.has('remount')) return { origin: { kind: 'remount' }, attributes };
  if (options.bind !== 'no') return { origin: compileBind(mount, index, options, context), attributes };
  if (isIdMapped(mount)) checkIdMap(mount, field, context);
  if (mount.type === '') throw invalidArgument(`${field}.type`, 'missing');
  if (options.extensions.has('tmpcopyup') && mount.type !== 'tmpfs') {
    throw invalidArgument(`${field}.options`, 'tmpcopyup is possible for tmpfs only');
  }
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') return compileCgroup(index, options, context);
  return { origin: compileFilesystem(mount, mount.type, options, context), attributes };
}

function compileMount(mount: MountSpec, index: number, context: MountContext): MountStep {
  const field = `mounts[${index}]`;
  const destination = cleanPath(mount.destination, `${field}.destination`);
  const options = parseMountOptions(mount.options, `${field}.options`, mount.type === 'bind');
  if (options.parameters.length > maxParameters) {
    throw invalidArgument(
      `${field}.options`,
      `${options.parameters.length} parameters, at most ${maxParameters} are accepted`,
    );
  }
  for (const [name, value] of options.parameters) {
    if (name.length > maxParameterLength || (value?.length ?? 0) > maxParameterLength) {
      throw invalidArgument(`${field}.options`, `value of ${JSON.stringify(name.slice(0, 40))} is too long`);
    }
  }
  const { recursiveAttributes, propagation } = options;
  return {
    do: 'mount',
    destination,
    ...compileOrigin(mount, index, options, context),
    recursiveAttributes,
    propagation,
    ...(options.extensions.has('dest-nofollow') ? { coversLink: true } : {}),
  };
}

/** Takes `ro` out of a mount that something is still put into; the second value tells whether it was there. */
function withoutReadonly(step: MountStep): [MountStep, boolean] {
  if ((step.attributes.set & MOUNT_ATTR_RDONLY) === 0) return [step, false];
  const attributes = { set: step.attributes.set & ~MOUNT_ATTR_RDONLY, clear: step.attributes.clear };
  return [{ ...step, attributes }, true];
}

/**
 * For each mount whether a later one lies below it. Sorted, what lies below a path stands right behind it, so hostile lists of
 * thousands of mounts cost no square of their length; hashing would invite chosen collisions.
 */
function holdLater(mounts: readonly MountStep[]): readonly boolean[] {
  const sorted = mounts
    .map(({ destination }, index) => ({ prefix: `${destination}/`, index }))
    .sort((a, b) => (a.prefix < b.prefix ? -1 : a.prefix > b.prefix ? 1 : a.index - b.index));
  const result = mounts.map(() => false);
  /** The paths above the current one; `latest` is the highest index of a mount below them. */
  const above: { readonly prefix: string; readonly indices: number[]; latest: number }[] = [];
  const leave = (): void => {
    const left = above.pop();
    if (left === undefined) return;
    for (const index of left.indices) result[index] = index < left.latest;
    const parent = above.at(-1);
    if (parent !== undefined) parent.latest = Math.max(parent.latest, left.latest, left.indices.at(-1) ?? -1);
  };
  for (const { prefix, index } of sorted) {
    let top = above.at(-1);
    for (; top !== undefined && !prefix.startsWith(top.prefix); top = above.at(-1)) leave();
    if (top?.prefix === prefix) top.indices.push(index);
    else above.push({ prefix, indices: [index], latest: -1 });
  }
  while (above.length > 0) leave();
  return result;
}

export interface CompiledMounts {
  readonly steps: readonly Step[];
  /** Run after everything was put into the mounts. */
  readonly deferred: readonly Step[];
  /** A bind on `/dev` brings its own nodes. */
  readonly devIsBind: boolean;
}

/**
 * The mounts of a spec in order. `ro` of a new file system that later mounts, or the default devices, have to create names in
 * is put off (for `/dev` as upstream does).
 */
export function compileMounts(mounts: readonly MountSpec[], context: MountContext = plainContext): CompiledMounts {
  const compiled = mounts.map((mount, index) => compileMount(mount, index, context));
  const holdsLater = holdLater(compiled);
  const steps: Step[] = [];
  const deferred: Step[] = [];
  compiled.forEach((step, index) => {
    if (step.origin.kind !== 'filesystem' || !(holdsLater[index] === true || step.destination === '/dev')) {
      steps.push(step);
      return;
    }
    const [writable, wasReadonly] = withoutReadonly(step);
    steps.push(writable);
    if (wasReadonly) deferred.push({ do: 'readonly-mount', path: step.destination });
  });
  const dev = compiled.findLast((step) => step.destination === '/dev' && step.origin.kind !== 'remount');
  return { steps, deferred: deferred.reverse(), devIsBind: dev?.origin.kind === 'bind' };
}
