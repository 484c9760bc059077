import type { DeviceSpec, Spec } from '../../oci/spec.ts';
import type { AttachedDevice } from '../../guest/device/attached-device.ts';
import { deviceError } from '../../guest/device/device-error.ts';
import type { DeviceUpdate } from '../../guest/device/device-update.ts';
import {
  checkAttachedDevice,
  findAttachedDevice,
  type DeviceContext,
} from '../../guest/device/find-attached-device.ts';
import { allowDevice, rewriteDevices, withDevices } from './rewrite-devices.ts';
import { rewritePciEnvironment } from '../../guest/device/rewrite-pci-environment.ts';

/** The container's spec as this guest sees it. */
export interface PreparedDevices {
  readonly spec: Spec;
  /** For the environment of every later process of the container; undefined when nothing would change. */
  readonly rewriteEnvironment: ((env: readonly string[]) => readonly string[]) | undefined;
}

/** Most devices of one request; each may be waited for. */
const MAX_DEVICES = 1024;

const INFINIBAND = '/dev/infiniband';

/**
 * Waits for the devices that the host attached for a container, and puts what they are in the guest into its spec (contract
 * storage section 8). All are checked before the first is waited for. A failure changes nothing in the spec; drivers that
 * were bound stay bound, the host takes the device away or asks again.
 */
export async function prepareDevices(
  spec: Spec,
  devices: readonly AttachedDevice[],
  context: DeviceContext,
): Promise<PreparedDevices> {
  if (devices.length > MAX_DEVICES) throw deviceError(`${devices.length} devices, at most ${MAX_DEVICES} are accepted`);
  for (const device of devices) checkAttachedDevice(device);
  const updates: DeviceUpdate[] = [];
  // One map for all devices of the container: upstream keeps only the last one's.
  const addresses = new Map<string, string>();
  let hasVfio = false;
  for (const device of devices) {
    const found = await findAttachedDevice(device, context);
    if (found.update !== undefined) updates.push(found.update);
    for (const [host, guest] of found.pciAddresses) addresses.set(host, guest);
    hasVfio ||= found.isVfio;
  }
  const rewritten = rewriteDevices(spec, updates);
  const withGates = hasVfio ? addInfinibandDevices(rewritten, context) : rewritten;
  if (addresses.size === 0) return { spec: withGates, rewriteEnvironment: undefined };
  const rewriteEnvironment = (env: readonly string[]): readonly string[] => rewritePciEnvironment(env, addresses);
  const { process } = withGates;
  return { spec: { ...withGates, process: { ...process, env: rewriteEnvironment(process.env) } }, rewriteEnvironment };
}

/** A container with a passed-through function may use the guest's InfiniBand nodes, which only such functions bring. */
function addInfinibandDevices(spec: Spec, { files }: Pick<DeviceContext, 'files'>): Spec {
  const paths = new Set(spec.linux.devices.map((device) => device.path));
  const added: DeviceSpec[] = [];
  for (const name of files.tryList(INFINIBAND) ?? []) {
    const path = `${INFINIBAND}/${name}`;
    const node = files.tryNode(path);
    if (node?.type !== 'c' || paths.has(path)) continue;
    added.push({
      path,
      type: 'c',
      major: node.major,
      minor: node.minor,
      fileMode: node.mode,
      uid: node.uid,
      gid: node.gid,
    });
  }
  if (added.length === 0) return spec;
  const rules = added.map(({ major, minor }) => allowDevice({ type: 'c', major, minor }));
  return withDevices(spec, [...spec.linux.devices, ...added], [...spec.linux.resources.devices, ...rules]);
}
