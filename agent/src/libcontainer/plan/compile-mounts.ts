import { MOUNT_ATTR_RDONLY } from '../../abi/constants.ts';
import { invalidArgument } from '../../base/errors.ts';
import { cleanPath } from '../../oci/guest-path.ts';
import type { MountSpec } from '../../oci/spec.ts';
import type { MountOrigin, MountStep, Step } from './launch-plan.ts';
import { parseMountOptions } from './mount-options.ts';

/** fsconfig(2) takes string values of at most 255 bytes. */
const maxParameterLength = 255;

function compileMount(mount: MountSpec, field: string): MountStep {
  const destination = cleanPath(mount.destination, `${field}.destination`);
  const options = parseMountOptions(mount.options, `${field}.options`);
  const isBind = mount.type === 'bind' || options.bind !== 'no';
  for (const [name, value] of options.parameters) {
    if (name.length > maxParameterLength || (value?.length ?? 0) > maxParameterLength) {
      throw invalidArgument(`${field}.options`, `value of ${JSON.stringify(name.slice(0, 40))} is too long`);
    }
  }
  // Containers see cgroup v2 only; hosts name the file system `cgroup` whatever its version.
  const type = mount.type === 'cgroup' ? 'cgroup2' : mount.type;
  const origin: MountOrigin = isBind
    ? { kind: 'bind', path: mount.source, isRecursive: options.bind === 'rbind' }
    : { kind: 'filesystem', type, source: mount.source === '' ? type : mount.source, parameters: options.parameters };
  return {
    do: 'mount',
    destination,
    origin,
    attributes: options.attributes,
    recursiveAttributes: options.recursiveAttributes,
    propagation: options.propagation,
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
export function compileMounts(mounts: readonly MountSpec[]): CompiledMounts {
  const compiled = mounts.map((mount, index) => compileMount(mount, `mounts[${index}]`));
  const holdsLater = holdLater(compiled);
  const steps: Step[] = [];
  const deferred: Step[] = [];
  compiled.forEach((step, index) => {
    if (step.origin.kind === 'bind' || !(holdsLater[index] === true || step.destination === '/dev')) {
      steps.push(step);
      return;
    }
    const [writable, wasReadonly] = withoutReadonly(step);
    steps.push(writable);
    if (wasReadonly) deferred.push({ do: 'readonly-mount', path: step.destination });
  });
  const dev = compiled.findLast((step) => step.destination === '/dev');
  return { steps, deferred: deferred.reverse(), devIsBind: dev?.origin.kind === 'bind' };
}
