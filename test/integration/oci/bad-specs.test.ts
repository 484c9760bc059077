import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Edit, OciConfig } from '../../support/oci-bundle.ts';
import { mount, withUserNamespace } from '../../support/oci-bundle.ts';
import { useRuntime } from '../../support/oci.ts';

const runtime = useRuntime();
const base = 300_000;

/** Sets a value of any type at a place, whatever the specification says to it. */
const wrong =
  (change: (config: Record<string, never>) => void): Edit =>
  (config: OciConfig) =>
    change(config as unknown as Record<string, never>);
const set = (path: string, value: unknown): Edit =>
  wrong((config) => {
    const names = path.split('.');
    const last = names.pop() ?? '';
    let place: Record<string, unknown> = config;
    for (const name of names) place = (place[name] ??= {}) as Record<string, unknown>;
    place[last] = value;
  });

/** What is wrong, how, and how the error begins: the place in the document. */
const bad: readonly (readonly [string, Edit, string | RegExp])[] = [
  ['an unknown namespace', (config) => config.linux.namespaces.push({ type: 'foo' }), 'linux.namespaces[5].type: '],
  ['a namespace given twice', (config) => config.linux.namespaces.push({ type: 'pid' }), 'linux.namespaces[5]'],
  [
    'a namespace path that is none',
    set('linux.namespaces', [{ type: 'mount' }, { type: 'network', path: 'x' }]),
    'linux.namespaces[1].path',
  ],
  [
    'a mount that climbs out',
    (config) => config.mounts.push(mount('/a/../../x', 'tmpfs', 'x')),
    'mounts[5].destination: ',
  ],
  ['a mount on the root', (config) => config.mounts.push(mount('/.', 'tmpfs', 'x')), 'mounts[5].destination: '],
  [
    'a mount on a part of procfs',
    (config) => config.mounts.push(mount('/proc/self', 'tmpfs', 'x')),
    'mounts[5].destination: ',
  ],
  [
    'a device that climbs out',
    set('linux.devices', [{ path: '/dev/../x', type: 'c', major: 1, minor: 3 }]),
    'linux.devices[0].path: ',
  ],
  ['a mask that climbs out', set('linux.maskedPaths', ['/proc/../x']), 'linux.maskedPaths[0]: '],
  ['a read-only path that is relative', set('linux.readonlyPaths', ['proc']), 'linux.readonlyPaths[0]: '],
  ['a cgroup that climbs out', set('linux.cgroupsPath', '/a/../../b'), 'linux.cgroupsPath: '],
  ['a working directory that is relative', set('process.cwd', 'tmp'), 'process.cwd: '],
  ['no root', set('root', undefined), 'root'],
  ['a root without path', set('root', {}), 'root.path: '],
  ['a root that is not there', set('root', { path: 'nowhere' }), 'root.path'],
  ['the root of the machine', set('root', { path: '/' }), 'root.path'],
  ['a terminal without console', set('process.terminal', true), 'process.terminal: '],
  [
    'overlapping id maps',
    (config) => {
      withUserNamespace(config, base);
      config.linux.uidMappings?.push({ containerID: 10, hostID: base + 100_000, size: 10 });
    },
    'linux.uidMappings[1]',
  ],
  [
    'overlapping host ids',
    (config) => {
      withUserNamespace(config, base);
      config.linux.gidMappings?.push({ containerID: 100_000, hostID: base + 5, size: 10 });
    },
    'linux.gidMappings[1]',
  ],
  [
    'id maps without a namespace',
    set('linux.uidMappings', [{ containerID: 0, hostID: base, size: 1 }]),
    'linux.uidMappings',
  ],
  [
    'a negative limit of processes',
    set('linux.resources', { pids: { limit: 2 ** 64 } }),
    'linux.resources.pids.limit: ',
  ],
  ['memory below nothing', set('linux.resources', { memory: { limit: -2 } }), 'linux.resources.memory.limit: '],
  [
    'less swap than memory',
    set('linux.resources', { memory: { limit: 4096, swap: 1 } }),
    'linux.resources.memory.swap: ',
  ],
  [
    'a quota of a microsecond',
    set('linux.resources', { cpu: { quota: 1, period: 100_000 } }),
    'linux.resources.cpu.quota',
  ],
  ['a period of an hour', set('linux.resources', { cpu: { period: 3_600_000_000 } }), 'linux.resources.cpu.period'],
  ['CPUs that are no list', set('linux.resources', { cpu: { cpus: 'a-b' } }), 'linux.resources.cpu.cpus'],
  [
    'a soft limit above the hard one',
    set('process.rlimits', [{ type: 'RLIMIT_CORE', soft: 2, hard: 1 }]),
    'process.rlimits[0]',
  ],
  ['an OOM score beyond', set('process.oomScoreAdj', 1001), 'process.oomScoreAdj: '],
  ['an unknown limit', set('process.rlimits', [{ type: 'RLIMIT_FOO', soft: 1, hard: 1 }]), 'process.rlimits[0].type: '],
  [
    '100,000 mounts',
    (config) => {
      for (let index = 0; index < 100_000; index++) config.mounts.push({ destination: `/${index}` });
    },
    /mounts/,
  ],
  ['arguments that are one text', set('process.args', 'sh'), 'process.args: '],
  ['a number as text', set('process.user', { uid: '0', gid: 0 }), 'process.user.uid: '],
  ['a fraction', set('process.user', { uid: 0.5, gid: 0 }), 'process.user.uid: '],
  ['a flag as number', set('process.noNewPrivileges', 1), 'process.noNewPrivileges: '],
  ['a list as object', set('mounts', {}), 'mounts: '],
  ['an object as list', set('linux', []), 'linux: '],
  ['a list in a list', set('process.env', [['A=b']]), 'process.env[0]: '],
  ['a text as object', set('annotations', 'x'), 'annotations: '],
  ['a version that is none', set('ociVersion', 1), 'ociVersion: '],
];

describe('a bad specification', () => {
  it.each(bad)('%s: the error names the place, and nothing is made', async (_, edit, place) => {
    const container = await runtime().prepare('echo the program ran', edit);
    const before = readdirSync(container.bundle.path).sort();
    const { status, stdout, stderr } = await runtime().command([
      'create',
      '--bundle',
      container.bundle.path,
      container.id,
    ]);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    if (typeof place === 'string') expect(stderr).toContain(place);
    else expect(stderr).toMatch(place);
    // One line, not a stack.
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(runtime().stateDirectories).toEqual([]);
    for (const root of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'])
      expect(existsSync(`${root}/${container.id}`)).toBe(false);
    expect(readdirSync(container.bundle.path).sort()).toEqual(before);
  });
});
