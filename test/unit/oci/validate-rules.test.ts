import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../agent/src/base/errors.ts';
import { specFromJson } from '../../../agent/src/oci/from-json/spec-from-json.ts';
import { isNumberList } from '../../../agent/src/oci/number-list.ts';
import { bundleRules } from '../../../agent/src/oci/spec-rules.ts';
import type { IdMapping, MemoryPolicySpec, NamespaceType, SchedulerSpec, Spec } from '../../../agent/src/oci/spec.ts';
import { checkHookFields } from '../../../agent/src/oci/validate-hooks.ts';
import { checkSysctls } from '../../../agent/src/oci/validate-linux.ts';
import { checkIdMap, checkIdMappings, checkTimeOffsets } from '../../../agent/src/oci/validate-mappings.ts';
import { checkMemoryPolicy } from '../../../agent/src/oci/validate-memory-policy.ts';
import { validateMounts } from '../../../agent/src/oci/validate-mounts.ts';
import { checkNetDevices } from '../../../agent/src/oci/validate-net-devices.ts';
import { checkScheduling } from '../../../agent/src/oci/validate-scheduling.ts';
import { validateSpec } from '../../../agent/src/oci/validate.ts';
import { minimalConfig } from './from-json/fixtures.ts';

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DomainError) return error.message;
    throw error;
  }
  return 'accepted';
}

const base = specFromJson(JSON.stringify(minimalConfig()), { bundle: '/b' }).value;

function specWith(
  linux: Partial<Spec['linux']>,
  types: readonly NamespaceType[] = ['mount'],
  top: Partial<Spec> = {},
): Spec {
  const namespaces = types.map((type) => ({ type, path: undefined }));
  return { ...base, ...top, linux: { ...base.linux, namespaces, ...linux } };
}

const ids = (...ranges: readonly (readonly [number, number, number])[]): readonly IdMapping[] =>
  ranges.map(([containerId, hostId, size]) => ({ containerId, hostId, size }));

describe('PRV-10 id maps', () => {
  it.each([
    ['one range', ids([0, 1000, 1])],
    ['all ids but the last', ids([0, 0, 0xffffffff])],
    ['the highest range', ids([0xfffffffe, 0xfffffffe, 1])],
    ['ranges that touch', ids([10, 30, 5], [0, 20, 10])],
    ['340 ranges', ids(...Array.from({ length: 340 }, (_, i) => [i, 1000 + i, 1] as const))],
  ])('accepts %s', (_title, map) => expect(refusal(() => checkIdMap(map, 'm'))).toBe('accepted'));

  it.each([
    ['size 0', ids([0, 1, 1], [5, 6, 0]), 'm[1].size: is 0'],
    ['size 2^32-1 at 1', ids([1, 0, 0xffffffff]), 'm[0]: container ids 1 to 4294967295 do not exist'],
    ['a host range that wraps', ids([0, 0xfffffff0, 0x20]), 'm[0]: host ids'],
    ['341 ranges', ids(...Array.from({ length: 341 }, (_, i) => [i, i, 1] as const)), 'm: 341 ranges, at most 340'],
    ['container ids that overlap', ids([0, 100, 10], [50, 500, 1], [9, 200, 1]), 'm[2].containerID: overlaps m[0]'],
    ['host ids that overlap', ids([0, 100, 10], [10, 105, 1]), 'm[1].hostID: overlaps m[0]'],
    ['equal ranges', ids([0, 0, 1], [0, 0, 1]), 'm[1].containerID: overlaps m[0]'],
  ])('refuses %s', (_title, map, message) => expect(refusal(() => checkIdMap(map, 'm'))).toContain(message));

  it('ties maps to a new user namespace', () => {
    const map = ids([0, 1000, 1]);
    const joined = { namespaces: [{ type: 'user' as const, path: '/proc/1/ns/user' }] };
    expect(refusal(() => checkIdMappings(specWith({ uidMappings: map })))).toBe(
      'linux.uidMappings: needs a user namespace',
    );
    expect(refusal(() => checkIdMappings(specWith({ uidMappings: map }, ['user'])))).toContain(
      'linux.gidMappings: a new user namespace needs',
    );
    expect(refusal(() => checkIdMappings(specWith({ ...joined, gidMappings: map })))).toContain(
      'linux.gidMappings: a user namespace that is joined',
    );
    expect(refusal(() => checkIdMappings(specWith(joined)))).toBe('accepted');
    expect(refusal(() => checkIdMappings(specWith({ uidMappings: map, gidMappings: map }, ['user'])))).toBe('accepted');
  });
});

describe('CGN-09 settings of a namespace the container does not have', () => {
  const offset = { secs: 1n, nanosecs: 0 };

  it('are refused: time offsets', () => {
    const timeOffsets = { monotonic: offset, boottime: undefined };
    expect(refusal(() => checkTimeOffsets(specWith({ timeOffsets })))).toContain(
      'linux.timeOffsets.monotonic: needs a time namespace',
    );
    expect(refusal(() => checkTimeOffsets(specWith({ timeOffsets }, ['time'])))).toBe('accepted');
    expect(
      refusal(() => checkTimeOffsets(specWith({ timeOffsets, namespaces: [{ type: 'time', path: '/t' }] }))),
    ).toContain('is joined');
    const tooMuch = { monotonic: undefined, boottime: { secs: 0n, nanosecs: 1_000_000_000 } };
    expect(refusal(() => checkTimeOffsets(specWith({ timeOffsets: tooMuch }, ['time'])))).toContain(
      'boottime.nanosecs',
    );
  });

  it('are refused: network devices', () => {
    const netDevices = new Map([['eth0', undefined]]);
    expect(refusal(() => checkNetDevices(specWith({ netDevices })))).toContain(
      'linux.netDevices: needs a network namespace',
    );
    expect(refusal(() => checkNetDevices(specWith({ netDevices }, ['network'])))).toBe('accepted');
  });

  it('are refused: masked paths, host and domain name', () => {
    expect(refusal(() => validateSpec(specWith({ maskedPaths: ['/a'] }, ['pid']), bundleRules))).toContain(
      'mount namespace',
    );
    for (const name of ['hostname', 'domainname'])
      expect(refusal(() => validateSpec(specWith({}, ['mount'], { [name]: 'h' }), bundleRules))).toBe(
        `${name}: needs a uts namespace`,
      );
  });

  it("CGN-07 are refused: sysctls of the network, where the network is not the sandbox's", () => {
    const sysctl = new Map([['net.ipv4.ip_forward', '1']]);
    expect(refusal(() => checkSysctls(specWith({ sysctl }), bundleRules))).toContain('needs a network namespace');
    expect(refusal(() => checkSysctls(specWith({ sysctl }, ['network']), bundleRules))).toBe('accepted');
  });
});

describe('names of network devices', () => {
  const check = (name: string, target?: string): string =>
    refusal(() => checkNetDevices(specWith({ netDevices: new Map([[name, target]]) }, ['network'])));

  it.each(['e', 'eth0.100', 'é0', 'x'.repeat(15)])('accepts %s', (name) => expect(check(name)).toBe('accepted'));
  it.each(['', '.', '..', 'a/b', 'a:b', 'a b', 'a\tb', 'x%', 'x'.repeat(16), 'é'.repeat(8)])('refuses %j', (name) => {
    expect(check(name)).toContain('linux.netDevices[');
    expect(check('eth0', name)).toContain('linux.netDevices["eth0"].name');
  });

  it('accepts one number in the name inside, where every device gets another one', () => {
    expect(check('eth0', 'in%d')).toBe('accepted');
    const netDevices = new Map([
      ['eth0', 'in%d'],
      ['eth1', 'in%d'],
    ]);
    expect(refusal(() => checkNetDevices(specWith({ netDevices }, ['network'])))).toBe('accepted');
    for (const name of ['in%d%d', 'in%s', 'in%', '%%d']) expect(check('eth0', name)).toContain('cannot be the name');
  });

  it('refuses two devices of one name inside', () => {
    const netDevices = new Map([
      ['eth0', 'a'],
      ['a', undefined],
    ]);
    expect(refusal(() => checkNetDevices(specWith({ netDevices }, ['network'])))).toContain(
      'a is the name of eth0 as well',
    );
  });
});

describe('scheduling', () => {
  const scheduler = (changes: Partial<SchedulerSpec>): string =>
    refusal(() =>
      checkScheduling(
        {
          ...base.process,
          scheduler: {
            policy: 'SCHED_OTHER',
            nice: 0,
            priority: 0,
            flags: [],
            runtime: 0n,
            deadline: 0n,
            period: 0n,
            ...changes,
          },
        },
        'process',
      ),
    );
  const deadline = { policy: 'SCHED_DEADLINE', runtime: 10_000n, deadline: 20_000n, period: 30_000n };

  it.each<[Partial<SchedulerSpec>]>([
    [{ nice: -20 }],
    [{ policy: 'SCHED_FIFO', priority: 99, flags: ['SCHED_FLAG_RESET_ON_FORK'] }],
    [{ policy: 'SCHED_IDLE' }],
    [deadline],
    [{ ...deadline, period: 0n }],
  ])('accepts %o', (changes) => expect(scheduler(changes)).toBe('accepted'));

  it.each<[Partial<SchedulerSpec>, string]>([
    [{ policy: 'SCHED_ISO' }, 'process.scheduler.policy: unknown policy "SCHED_ISO"'],
    [{ flags: ['SCHED_FLAG_X'] }, 'process.scheduler.flags[0]'],
    [{ nice: 20 }, 'process.scheduler.nice: 20 is not within -20..19'],
    [{ priority: 1 }, 'process.scheduler.priority'],
    [{ policy: 'SCHED_RR' }, 'process.scheduler.priority: 0 is not within 1..99'],
    [{ policy: 'SCHED_FIFO', priority: 100 }, 'process.scheduler.priority'],
    [{ runtime: 1n }, 'process.scheduler.runtime: only SCHED_DEADLINE'],
    [{ ...deadline, runtime: 1000n }, 'process.scheduler.runtime'],
    [{ ...deadline, deadline: 5000n }, 'process.scheduler.deadline'],
    [{ ...deadline, period: 15_000n }, 'process.scheduler.period'],
    [{ ...deadline, period: 1n << 63n }, 'process.scheduler.period'],
  ])('refuses %o', (changes, message) => expect(scheduler(changes)).toContain(message));

  it('knows io priorities from 0 to 7 and lists of cpus', () => {
    const io = (priority: number): string =>
      refusal(() =>
        checkScheduling({ ...base.process, ioPriority: { class: 'IOPRIO_CLASS_BE', priority } }, 'process'),
      );
    expect([io(0), io(7)]).toEqual(['accepted', 'accepted']);
    expect([io(-1), io(8)].every((text) => text.startsWith('process.ioPriority.priority'))).toBe(true);
    const affinity = { initial: '0-3,7', final: '3-1' };
    expect(refusal(() => checkScheduling({ ...base.process, execCpuAffinity: affinity }, 'process'))).toContain(
      'process.execCPUAffinity.final: "3-1" is not a list',
    );
  });

  it.each(['0', '0-3', '0-3,7,9-9'])('reads %s as a list', (text) => expect(isNumberList(text)).toBe(true));
  it.each(['', ',', '1,', '3-1', '1--2', 'a', ' 1', '0x1', `${'1,'.repeat(4000)}1`])(
    'does not read %.20j as one',
    (text) => expect(isNumberList(text)).toBe(false),
  );
});

describe('memory policies', () => {
  const check = (policy: Partial<MemoryPolicySpec>): string =>
    refusal(() =>
      checkMemoryPolicy(specWith({ memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: [], ...policy } })),
    );

  it.each<[Partial<MemoryPolicySpec>]>([
    [{}],
    [{ flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_NUMA_BALANCING'] }],
    [{ mode: 'MPOL_LOCAL', nodes: '' }],
    [{ mode: 'MPOL_PREFERRED', nodes: '' }],
  ])('accepts %o', (policy) => expect(check(policy)).toBe('accepted'));

  it.each<[Partial<MemoryPolicySpec>, string]>([
    [{ mode: 'BIND' }, 'linux.memoryPolicy.mode: unknown mode "BIND"'],
    [{ nodes: '' }, 'linux.memoryPolicy.nodes: MPOL_BIND needs nodes'],
    [{ nodes: '../x' }, 'linux.memoryPolicy.nodes'],
    [{ mode: 'MPOL_DEFAULT' }, 'linux.memoryPolicy.nodes: MPOL_DEFAULT takes no nodes'],
    [{ flags: ['MPOL_F_X'] }, 'linux.memoryPolicy.flags[0]'],
    [{ flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'] }, 'exclude each other'],
  ])('refuses %o', (policy, message) => expect(check(policy)).toContain(message));
});

describe('hooks', () => {
  const hook = { path: '/h', args: [], env: ['A=b'], timeout: undefined };
  const check = (changes: object): string =>
    refusal(() =>
      checkHookFields(
        specWith({}, ['mount'], { hooks: { ...base.hooks, poststart: [hook, { ...hook, ...changes }] } }),
      ),
    );

  it('are absolute paths with an environment of assignments and a time above zero', () => {
    expect(check({ path: '/a/../h', timeout: 1 })).toBe('accepted');
    expect(check({ path: 'h' })).toContain('hooks.poststart[1].path: "h" is not absolute');
    expect(check({ env: ['A'] })).toContain('hooks.poststart[1].env[0]');
    expect(check({ env: ['=b'] })).toContain('hooks.poststart[1].env[0]');
    expect(check({ timeout: 0 })).toContain('hooks.poststart[1].timeout: 0 is not above zero');
  });
});

describe('mounts', () => {
  it('are at most 10,000', () => {
    const mount = { destination: '/m', type: 'tmpfs', source: 's', options: [], uidMappings: [], gidMappings: [] };
    expect(
      refusal(() => validateMounts(specWith({}, ['mount'], { mounts: Array.from({ length: 100_000 }, () => mount) }))),
    ).toBe('mounts: 100000 mounts, at most 10000 are accepted');
  });
});
