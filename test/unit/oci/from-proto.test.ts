import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { specFromProto } from '../../../agent/src/oci/from-proto.ts';
import { processFromProto } from '../../../agent/src/oci/process-from-proto.ts';
import { maxMapEntries, toInt64, toUint64 } from '../../../agent/src/oci/proto-values.ts';
import { resourcesFromProto } from '../../../agent/src/oci/resources-from-proto.ts';
import { protoSpec, sampleSpec } from './sample-spec.ts';

describe('specFromProto()', () => {
  it('keeps what was sent', () => {
    const spec = sampleSpec({ linux: { RootfsPropagation: 'rslave', MaskedPaths: ['/proc/kcore'] } });
    expect(spec.process.args).toEqual(['/bin/true']);
    expect(spec.process.capabilities?.bounding).toEqual(['CAP_CHOWN']);
    expect(spec.root).toEqual({ path: '/run/kata-containers/c1/rootfs', readonly: false });
    expect(spec.mounts[0]).toEqual({
      destination: '/proc',
      type: 'proc',
      source: 'proc',
      options: ['nosuid', 'noexec', 'nodev'],
      uidMappings: [],
      gidMappings: [],
    });
  });

  it.each([
    ['Process', { top: { Process: null } }, 'process: missing'],
    ['Root', { top: { Root: null } }, 'root: missing'],
    ['Linux', { top: { Linux: null } }, 'linux: missing'],
  ])('refuses a spec without %s', (_part, changes, message) => {
    expect(() => sampleSpec(changes)).toThrow(message);
  });

  it('names EINVAL when there is no spec at all', () => {
    expect(() => specFromProto(null)).toThrow('EINVAL');
  });

  it('reads empty texts as unset', () => {
    const spec = sampleSpec({ top: { Hostname: '' }, process: { ApparmorProfile: '', SelinuxLabel: '' } });
    expect(spec.hostname).toBeUndefined();
    expect(spec.process.apparmorProfile).toBeUndefined();
    expect(spec.process.selinuxLabel).toBeUndefined();
    expect(spec.linux.rootfsPropagation).toBeUndefined();
  });

  it.each([
    ['mnt', 'mount'],
    ['mount', 'mount'],
    ['net', 'network'],
    ['network', 'network'],
    ['time', 'time'],
  ])('knows namespace type %s as %s', (sent, type) => {
    expect(sampleSpec({ linux: { Namespaces: [{ Type: sent }] } }).linux.namespaces).toEqual([
      { type, path: undefined },
    ]);
  });

  it('refuses an unknown namespace or device type instead of guessing', () => {
    expect(() => sampleSpec({ linux: { Namespaces: [{ Type: 'pod' }] } })).toThrow('linux.namespaces[0].type');
    expect(() => sampleSpec({ linux: { Devices: [{ Path: '/dev/x', Type: 'q' }] } })).toThrow('linux.devices[0].type');
  });

  it.each([
    ['', ['rbind'], 'bind'],
    ['none', ['bind', 'ro'], 'bind'],
    ['tmpfs', [], 'tmpfs'],
  ])('reads mount type %j with options %j as %s', (type, options, expected) => {
    const spec = sampleSpec({ top: { Mounts: [{ destination: '/a', source: '/b', type, options }] } });
    expect(spec.mounts[0]?.type).toBe(expected);
  });

  it('refuses a mount that says neither type nor bind', () => {
    expect(() => sampleSpec({ top: { Mounts: [{ destination: '/a', source: '/b' }] } })).toThrow('mounts[0].type');
  });

  it('takes Poststop hooks from Poststop', () => {
    const spec = sampleSpec({
      top: { Hooks: { Poststart: [{ Path: '/a' }], Poststop: [{ Path: '/b', Timeout: 3 }] } },
    });
    expect(spec.hooks.poststop).toEqual([{ path: '/b', args: [], env: [], timeout: 3 }]);
  });

  it('ENG-01 refuses a NUL byte in any string, naming the field', () => {
    const fields: [object, string][] = [
      [{ process: { Args: ['a\0b'] } }, 'process.args[0]'],
      [{ process: { Env: ['A=\0'] } }, 'process.env[0]'],
      [{ top: { Root: { Path: '/proc\0/x' } } }, 'root.path'],
      [{ top: { Annotations: { 'a\0': 'b' } } }, 'annotations'],
      [{ linux: { Sysctl: { 'net.a': '1\0' } } }, 'sysctl'],
      [{ linux: { MaskedPaths: ['/a\0'] } }, 'maskedPaths[0]'],
      [{ linux: { CgroupsPath: '\0' } }, 'cgroupsPath'],
    ];
    for (const [changes, field] of fields) {
      expect(() => sampleSpec(changes)).toThrow(field);
      expect(() => sampleSpec(changes)).toThrow('NUL');
    }
  });

  it('ENG-02 treats `__proto__` and `constructor` as ordinary keys', () => {
    const annotations = new Map([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
    const spec = specFromProto({ ...protoSpec(), Annotations: annotations });
    expect([...spec.annotations.keys()]).toEqual(['__proto__', 'constructor']);
    expect(Object.prototype).not.toHaveProperty('1');
  });

  it('ENG-07 refuses too many annotations by count', () => {
    const many = Object.fromEntries(Array.from({ length: maxMapEntries + 1 }, (_, index) => [`k${index}`, '']));
    expect(() => specFromProto({ ...protoSpec(), Annotations: many })).toThrow('at most');
  });

  it('ENG-07 refuses too many capabilities by count', () => {
    const Bounding = Array.from({ length: maxMapEntries + 1 }, (_, index) => `CAP_${index}`);
    expect(() => specFromProto(protoSpec({ process: { Capabilities: { Bounding } } }))).toThrow('at most');
  });
});

describe('processFromProto()', () => {
  it('runs `sh` in `/` when nothing is said', () => {
    const process = processFromProto({});
    expect(process.args).toEqual(['sh']);
    expect(process.cwd).toBe('/');
    expect(process.capabilities).toBeUndefined();
  });

  it('takes capability names with and without prefix, also quoted, once each', () => {
    const process = processFromProto({ Capabilities: { Bounding: ['CHOWN', 'CAP_CHOWN', '"CAP_KILL"'] } });
    expect(process.capabilities?.bounding).toEqual(['CAP_CHOWN', 'CAP_KILL']);
    expect(process.capabilities?.effective).toEqual([]);
  });

  it('ENG-03 keeps the whole of an unsigned 64-bit limit and of a 32-bit id', () => {
    const long = { low: -1, high: -1 };
    const process = processFromProto({
      User: { UID: 4294967294 },
      Rlimits: [{ Type: 'RLIMIT_NOFILE', Soft: long, Hard: long }],
    });
    expect(process.user.uid).toBe(4294967294);
    expect(process.rlimits[0]?.hard).toBe(2n ** 64n - 1n);
  });
});

describe('resourcesFromProto()', () => {
  it('takes only values above zero, so 0 and -1 leave things as they are', () => {
    const resources = resourcesFromProto({ Memory: { Limit: -1, Swap: 0 }, CPU: { Quota: 0, Shares: 1024 } });
    expect(resources.memory?.limit).toBeUndefined();
    expect(resources.memory?.swap).toBeUndefined();
    expect(resources.cpu?.quota).toBeUndefined();
    expect(resources.cpu?.shares).toBe(1024n);
  });

  it('applies a pids limit exactly when one was sent', () => {
    expect(resourcesFromProto({}).pids).toBeUndefined();
    expect(resourcesFromProto({ Pids: { Limit: 7 } }).pids).toBe(7n);
    expect(resourcesFromProto({ Pids: { Limit: -1 } }).pids).toBe(-1n);
  });

  it('reads wildcards of device rules', () => {
    const rules = resourcesFromProto({
      Devices: [
        { Allow: false, Type: '', Access: '' },
        { Allow: true, Type: 'c', Major: 5, Minor: 0, Access: 'rw' },
        { Allow: true, Type: 'b', Major: 8, Minor: -1 },
      ],
    }).devices;
    expect(rules).toEqual([
      { allow: false, type: 'a', major: undefined, minor: undefined, access: 'rwm' },
      { allow: true, type: 'c', major: 5n, minor: 0n, access: 'rw' },
      { allow: true, type: 'b', major: 8n, minor: undefined, access: 'rwm' },
    ]);
  });
});

describe('toInt64(), toUint64()', () => {
  it('read every 64-bit value from its two halves', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const long = { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)) };
        expect(toInt64(long)).toBe(value);
        expect(toUint64(long)).toBe(BigInt.asUintN(64, value));
      }),
    );
  });
});
