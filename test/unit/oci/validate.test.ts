import { describe, expect, it } from 'vitest';
import * as constants from '../../../agent/src/abi/constants.ts';
import { DomainError } from '../../../agent/src/base/errors.ts';
import { capabilityNames } from '../../../agent/src/oci/capability-names.ts';
import { rlimitNames } from '../../../agent/src/oci/rlimit-names.ts';
import type { Spec } from '../../../agent/src/oci/spec.ts';
import { validateSpec } from '../../../agent/src/oci/validate.ts';
import { procFilesOpenToBinds } from '../../../agent/src/oci/validate-mounts.ts';
import { sampleSpec } from './sample-spec.ts';
import type { Changes } from './sample-spec.ts';

function refusal(spec: Spec): DomainError {
  try {
    validateSpec(spec);
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('the spec was accepted');
}

const namespaces = (...types: string[]): Changes => ({ linux: { Namespaces: types.map((Type) => ({ Type })) } });
const mount = (destination: string, type = 'tmpfs', source = 'x', options: string[] = []): Changes => ({
  top: { Mounts: [{ destination, type, source, options }] },
});

describe('validateSpec()', () => {
  it('accepts what hosts send', () => {
    expect(validateSpec(sampleSpec())).toEqual([]);
  });

  it('accepts device rules and AppArmor profiles', () => {
    const spec = sampleSpec({
      process: { ApparmorProfile: 'p' },
      linux: { Namespaces: [{ Type: 'mount' }], Resources: { Devices: [{ Allow: false, Access: 'rwm' }] } },
    });
    expect(validateSpec(spec)).toEqual([]);
  });

  const refused: [string, Changes, string][] = [
    ['a root that is the guest', { top: { Root: { Path: '/' } } }, 'root.path'],
    ['an empty root', { top: { Root: { Path: '' } } }, 'root.path'],
    ['a root with ..', { top: { Root: { Path: '/a/../b' } } }, 'root.path'],
    ['a root with //', { top: { Root: { Path: '/a//b' } } }, 'root.path'],
    ['no capabilities', { process: { Capabilities: null } }, 'missing process capabilities'],
    ['no mount namespace', namespaces('pid'), 'linux.namespaces'],
    ['no namespaces', namespaces(), 'linux.namespaces'],
    ['a namespace given twice', namespaces('mount', 'ipc', 'ipc'), 'linux.namespaces[2].type: ipc is given twice'],
    ['a user namespace without id maps (PRV-10)', namespaces('mount', 'user'), 'linux.uidMappings'],
    [
      'a hook with a relative path',
      { top: { Hooks: { StartContainer: [{ Path: 'h' }] } } },
      'hooks.startContainer[0].path',
    ],
    ['a SELinux label that is none (PRV-09)', { process: { SelinuxLabel: 'a' } }, 'process.selinuxLabel'],
    [
      'a mount label that is none (PRV-09)',
      { linux: { Namespaces: [{ Type: 'mount' }], MountLabel: 'a' } },
      'linux.mountLabel',
    ],
    [
      'mappings without user namespace',
      { linux: { Namespaces: [{ Type: 'mount' }], UIDMappings: [{ Size: 1 }] } },
      'uidMappings',
    ],
    ['hostname without uts (CGN-09)', { ...namespaces('mount'), top: { Hostname: 'h' } }, 'hostname'],
    [
      'a masked path with ..',
      { linux: { Namespaces: [{ Type: 'mount' }], MaskedPaths: ['/a/../b'] } },
      'maskedPaths[0]',
    ],
    [
      'a relative read-only path',
      { linux: { Namespaces: [{ Type: 'mount' }], ReadonlyPaths: ['a'] } },
      'readonlyPaths[0]',
    ],
    ['an empty argument', { process: { Args: [''] } }, 'process.args[0]'],
    ['environment without = (EXE-11)', { process: { Env: ['A=1', 'B'] } }, 'Malformed OCI env entry'],
    ['a relative cwd', { process: { Cwd: 'a' } }, 'process.cwd'],
    ['uid -1 (PRV-04)', { process: { User: { UID: 4294967295 } } }, 'process.user.uid'],
    [
      '65537 groups (PRV-03)',
      { process: { User: { AdditionalGids: Array.from({ length: 65537 }, (_, i) => i) } } },
      'additionalGids',
    ],
    ['an unknown capability (PRV-02)', { process: { Capabilities: { Bounding: ['CAP_FOO'] } } }, 'CAP_FOO'],
    ['a lower-case capability (PRV-02)', { process: { Capabilities: { Bounding: ['cap_chown'] } } }, 'CAP_cap_chown'],
    ['an unknown limit', { process: { Rlimits: [{ Type: 'RLIMIT_X' }] } }, 'RLIMIT_X'],
    [
      'a soft limit above the hard one',
      { process: { Rlimits: [{ Type: 'RLIMIT_CPU', Soft: 2, Hard: 1 }] } },
      'rlimits[0]',
    ],
    ['an oom score out of range', { process: { OOMScoreAdj: 1001 } }, 'oomScoreAdj'],
    [
      'a device outside /dev (MNT-09)',
      { linux: { Namespaces: [{ Type: 'mount' }], Devices: [{ Path: '/etc/x', Type: 'c' }] } },
      'linux.devices[0].path',
    ],
    [
      'a device with .. (MNT-09)',
      { linux: { Namespaces: [{ Type: 'mount' }], Devices: [{ Path: '/dev/../x', Type: 'c' }] } },
      'linux.devices[0].path',
    ],
    [
      'a major number of 13 bits',
      { linux: { Namespaces: [{ Type: 'mount' }], Devices: [{ Path: '/dev/x', Type: 'c', Major: 4096 }] } },
      'major',
    ],
    [
      'an unknown propagation',
      { linux: { Namespaces: [{ Type: 'mount' }], RootfsPropagation: 'x' } },
      'rootfsPropagation',
    ],
    [
      'swap below the memory limit',
      { linux: { Namespaces: [{ Type: 'mount' }], Resources: { Memory: { Limit: 10, Swap: 5 } } } },
      'memory.swap',
    ],
    [
      'swappiness of 101',
      { linux: { Namespaces: [{ Type: 'mount' }], Resources: { Memory: { Swappiness: 101 } } } },
      'swappiness',
    ],
    [
      'a cpu list that is none',
      { linux: { Namespaces: [{ Type: 'mount' }], Resources: { CPU: { Cpus: '../x' } } } },
      'cpu.cpus',
    ],
    [
      'a huge page size with a path (CGN-03)',
      {
        linux: {
          Namespaces: [{ Type: 'mount' }],
          Resources: { HugepageLimits: [{ Pagesize: '2MB/../../x', Limit: 1 }] },
        },
      },
      'hugepageLimits[0]',
    ],
  ];
  it.each(refused)('refuses %s', (_title, changes, field) => {
    const error = refusal(sampleSpec(changes));
    expect(error.code).toBe('invalid_argument');
    expect(error.message).toContain(field);
  });

  const later: [string, Changes, string][] = [
    [
      'realtime limits',
      { linux: { Namespaces: [{ Type: 'mount' }], Resources: { CPU: { RealtimeRuntime: 1 } } } },
      'realtime',
    ],
  ];
  it.each(later)('refuses %s by name instead of ignoring it', (_title, changes, text) => {
    const error = refusal(sampleSpec(changes));
    expect(error.code).toBe('unimplemented');
    expect(error.message).toContain(text);
  });

  it.each([
    ['(empty)', ''],
    ['/', '/'],
    ['/.', '/.'],
    ['/..', '/..'],
    ['/a/..', '/a/..'],
    ['//', '//'],
    ['a', 'a'],
    ['of 4097 bytes', `/${'a'.repeat(4096)}`],
    ['with a name of 256 bytes', `/${'a'.repeat(256)}`],
  ])('MNT-13 refuses destination %s', (_title, destination) => {
    expect(refusal(sampleSpec(mount(destination))).message).toContain('mounts[0].destination');
  });

  it.each(['/proc/self', '/proc/sys', '/proc//1', '/proc/./self', '/x/../proc/1', '/proc/cpuinfo/x'])(
    'MNT-04 refuses a bind on %s',
    (destination) => {
      expect(refusal(sampleSpec(mount(destination, 'bind', '/src', ['bind']))).message).toContain('destination');
    },
  );

  it('MNT-04 refuses a file system on /proc, and on the files that a bind may cover', () => {
    expect(refusal(sampleSpec(mount('/proc'))).message).toContain('cannot be mounted on /proc');
    expect(refusal(sampleSpec(mount('/proc/stat'))).message).toContain('inside /proc');
    for (const file of procFilesOpenToBinds) {
      expect(() => validateSpec(sampleSpec(mount(file, 'bind', '/src', ['bind'])))).not.toThrow();
    }
  });

  it('refuses a bind with a relative source', () => {
    expect(refusal(sampleSpec(mount('/a', 'bind', 'src', ['bind']))).message).toContain('mounts[0].source');
  });

  const sysctl = (key: string, value = '1', types = ['mount', 'ipc', 'uts']): Changes => ({
    linux: { Sysctl: { [key]: value }, Namespaces: types.map((Type) => ({ Type })) },
  });

  it.each([
    'kernel.msgmax',
    'kernel/shmmax',
    'fs.mqueue.msg_max',
    'net.ipv4.ip_forward',
    'net/ipv4/conf/eth0.1/rp_filter',
    'kernel.domainname',
  ])('accepts sysctl %s', (key) => {
    expect(() => validateSpec(sampleSpec(sysctl(key)))).not.toThrow();
  });

  it.each([
    'kernel.core_pattern',
    'kernel.hostname',
    'vm.swappiness',
    'fs.file-max',
    'user.max_user_namespaces',
    'net/../kernel/core_pattern',
    'net.//kernel/core_pattern',
    'net..ipv4',
    'a.b/100.c',
    'net',
    '',
    '/net/ipv4/ip_forward',
  ])('CGN-07 refuses sysctl %s', (key) => {
    expect(refusal(sampleSpec(sysctl(key))).message).toContain('linux.sysctl');
  });

  it('CGN-07 refuses sysctls of a namespace the container does not have, and values with a line break', () => {
    expect(refusal(sampleSpec(sysctl('kernel.msgmax', '1', ['mount']))).message).toContain('needs a ipc namespace');
    expect(refusal(sampleSpec(sysctl('kernel.domainname', '1', ['mount']))).message).toContain('needs a uts namespace');
    expect(refusal(sampleSpec(sysctl('net.ipv4.ip_forward', '1\nkernel.core_pattern=x'))).message).toContain(
      'line break',
    );
  });
});

describe('name tables', () => {
  const values = constants as unknown as Record<string, number>;

  it('give capabilities the numbers of the kernel', () => {
    capabilityNames.forEach((name, number) => expect([name, values[name]]).toEqual([name, number]));
    expect(capabilityNames).toHaveLength((values['CAP_LAST_CAP'] ?? 0) + 1);
  });

  it('give resource limits the numbers of the kernel', () => {
    rlimitNames.forEach((name, number) => expect([name, values[name]]).toEqual([name, number]));
  });
});
