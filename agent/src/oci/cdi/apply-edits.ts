import type { DeviceRule, DeviceSpec, HooksSpec, MountSpec, Spec } from '../spec.ts';
import { cdiError } from './device-name.ts';
import type { CdiDeviceNode, CdiEdits, CdiHook, CdiMount } from './cdi-spec.ts';

/** What a path in the guest is; undefined when there is nothing. */
export type FindNode = (
  path: string,
) => { readonly type: 'b' | 'c' | 'other'; readonly major: number; readonly minor: number } | undefined;

interface Edited {
  readonly device: DeviceSpec;
  readonly rule: DeviceRule | undefined;
}

/** The numbers come from the guest's node where the document does not tell them. */
function editDevice(node: CdiDeviceNode, spec: Spec, findNode: FindNode): Edited {
  const hostPath = node.hostPath ?? node.path;
  let { type, major, minor } = node;
  if (type === undefined || (type !== 'p' && (major === undefined || minor === undefined))) {
    const found = findNode(hostPath);
    if (found === undefined || found.type === 'other') throw cdiError(`${hostPath}: no such device in the guest`);
    if (type !== undefined && type !== found.type) throw cdiError(`${hostPath} is of type ${found.type}, not ${type}`);
    type = found.type;
    major ??= found.major;
    minor ??= found.minor;
  }
  const { user } = spec.process;
  const device: DeviceSpec = {
    path: node.path,
    type,
    major: major ?? 0,
    minor: minor ?? 0,
    fileMode: node.fileMode === undefined ? undefined : node.fileMode & 0o7777,
    uid: node.uid ?? user.uid,
    gid: node.gid ?? user.gid,
  };
  if (type === 'p') return { device, rule: undefined };
  const numbers = { major: BigInt(device.major), minor: BigInt(device.minor) };
  return { device, rule: { allow: true, type, ...numbers, access: node.permissions ?? 'rwm' } };
}

function withDevices(spec: Spec, nodes: readonly CdiDeviceNode[], findNode: FindNode): Spec {
  if (nodes.length === 0) return spec;
  const edited = nodes.map((node) => editDevice(node, spec, findNode));
  // The last one of a path counts, also among those of several documents.
  const byPath = new Map(
    [...spec.linux.devices, ...edited.map(({ device }) => device)].map((d) => [d.path, d] as const),
  );
  const rules = edited.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  const { resources } = spec.linux;
  return {
    ...spec,
    linux: {
      ...spec.linux,
      devices: [...byPath.values()],
      resources: { ...resources, devices: [...resources.devices, ...rules] },
    },
  };
}

/** A variable that is there already gets the new value, in its place. */
function withEnv(env: readonly string[], added: readonly string[]): readonly string[] {
  const nameOf = (entry: string): string => entry.slice(0, entry.indexOf('='));
  const result = [...env];
  for (const entry of added) {
    const index = result.findIndex((present) => nameOf(present) === nameOf(entry));
    if (index < 0) result.push(entry);
    else result[index] = entry;
  }
  return result;
}

function compileMount({ hostPath, containerPath, type, options }: CdiMount): MountSpec {
  const isBind = type === undefined || type === 'bind' || options.includes('bind') || options.includes('rbind');
  const asBind = options.includes('bind') || options.includes('rbind') ? options : ['rbind', ...options];
  return {
    destination: containerPath,
    source: hostPath,
    type: isBind ? 'bind' : type,
    options: isBind ? asBind : options,
    uidMappings: [],
    gidMappings: [],
  };
}

const depth = (mount: MountSpec): number => mount.destination.split('/').filter((name) => name !== '').length;

/** Parents before what lies in them, in the order of the spec otherwise: a document says nothing about order (CDI, "Mounts"). */
function withMounts(mounts: readonly MountSpec[], added: readonly CdiMount[]): readonly MountSpec[] {
  if (added.length === 0) return mounts;
  const compiled = added.map(compileMount);
  const replaced = new Set(compiled.map((mount) => mount.destination));
  const kept = mounts.filter((mount) => !replaced.has(mount.destination));
  return [...kept, ...compiled].sort((a, b) => depth(a) - depth(b));
}

function withHooks(hooks: HooksSpec, added: readonly CdiHook[]): HooksSpec {
  const result = { ...hooks };
  for (const { point, ...hook } of added) result[point] = [...result[point], hook];
  return result;
}

/** The spec with the edits of one document or device. Throws `internal` when the guest does not have a device that it names. */
export function applyCdiEdits(spec: Spec, edits: CdiEdits, findNode: FindNode): Spec {
  const edited = withDevices(spec, edits.deviceNodes, findNode);
  const { process, linux } = edited;
  const gids = new Set([...process.user.additionalGids, ...edits.additionalGids]);
  return {
    ...edited,
    process: {
      ...process,
      env: withEnv(process.env, edits.env),
      user: { ...process.user, additionalGids: [...gids] },
    },
    mounts: withMounts(spec.mounts, edits.mounts),
    hooks: withHooks(spec.hooks, edits.hooks),
    linux: { ...linux, intelRdt: edits.intelRdt ?? linux.intelRdt },
  };
}
