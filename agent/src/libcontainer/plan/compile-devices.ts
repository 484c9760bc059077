import { cleanPath } from '../../base/guest-path.ts';
import type { DeviceSpec } from '../../oci/spec.ts';
import type { DeviceNode, Step } from './launch-plan.ts';

const defaultNode = (name: string, major: number, minor: number): DeviceNode => ({
  path: `/dev/${name}`,
  type: 'c',
  major,
  minor,
  mode: 0o666,
  uid: 0,
  gid: 0,
});

/** Every container has these (runtime-spec, config-linux, "Default Devices"). */
const defaultNodes: readonly DeviceNode[] = [
  defaultNode('null', 1, 3),
  defaultNode('zero', 1, 5),
  defaultNode('full', 1, 7),
  defaultNode('random', 1, 8),
  defaultNode('urandom', 1, 9),
  defaultNode('tty', 5, 0),
];

const defaultLinks: readonly (readonly [string, string])[] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  ['/dev/ptmx', 'pts/ptmx'],
];

/** Device nodes and links. A node of the spec replaces the default one of the same path; none when `/dev` is a bind. */
export function compileDevices(devices: readonly DeviceSpec[], hasKcore: boolean): readonly Step[] {
  const nodes = new Map<string, DeviceNode>(defaultNodes.map((node) => [node.path, node]));
  devices.forEach((device, index) => {
    const path = cleanPath(device.path, `linux.devices[${index}].path`);
    const { type, major, minor, uid, gid } = device;
    nodes.set(path, { path, type, major, minor, mode: device.fileMode, uid, gid });
  });
  const links = hasKcore ? [['/dev/kcore', '/proc/kcore'] as const, ...defaultLinks] : defaultLinks;
  return [
    { do: 'devices', nodes: [...nodes.values()] },
    { do: 'device-links', links },
  ];
}
