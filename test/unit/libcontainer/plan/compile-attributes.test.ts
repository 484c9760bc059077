import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../../agent/src/base/errors.ts';
import {
  compileKeyring,
  compileLabels,
  labelMounts,
  noSecurityModules,
} from '../../../../agent/src/libcontainer/plan/compile-labels.ts';
import { compileAttributes, compileStart } from '../../../../agent/src/libcontainer/plan/compile-scheduling.ts';
import { schedulerPolicies } from '../../../../agent/src/oci/scheduler-names.ts';
import type { LinuxSpec, ProcessSpec, SchedulerSpec } from '../../../../agent/src/oci/spec.ts';
import { sampleSpec } from '../../oci/sample-spec.ts';

const plain: ProcessSpec = sampleSpec({}).process;
const nothing = { personality: undefined, memoryPolicy: undefined };
const scheduler: SchedulerSpec = {
  policy: 'SCHED_OTHER',
  nice: 0,
  priority: 0,
  flags: [],
  runtime: 0n,
  deadline: 0n,
  period: 0n,
};
const apparmor = { hasAppArmor: () => true, hasSelinux: () => false };
const selinux = { hasAppArmor: () => false, hasSelinux: () => true };
const label = 'system_u:system_r:container_t:s0:c1,c2';

describe('compileStart()', () => {
  it('PRV-13 begins with the kernel defaults of what is inherited, but for what the spec sets later', () => {
    expect(compileStart(plain, nothing, false)).toEqual([
      { do: 'inherited', resetsScheduler: true, resetsPersonality: true },
      { do: 'affinity', cpus: 'all', isAdvice: false },
    ]);
    const shared = { ...nothing, personality: { domain: 'LINUX', flags: [] } } as const;
    expect(compileStart({ ...plain, scheduler }, shared, false)[0]).toEqual({
      do: 'inherited',
      resetsScheduler: false,
      resetsPersonality: false,
    });
  });

  it('gives CPUs of its own to an exec, not to init', () => {
    const process = { ...plain, execCpuAffinity: { initial: '0-1', final: undefined } };
    expect(compileStart(process, nothing, true)[1]).toEqual({ do: 'affinity', cpus: '0-1', isAdvice: true });
    expect(compileStart(process, nothing, false)[1]).toEqual({ do: 'affinity', cpus: 'all', isAdvice: false });
  });
});

describe('compileAttributes()', () => {
  it('has no step for what is not asked for', () => {
    expect(compileAttributes(plain, nothing, false)).toEqual([]);
    expect(compileAttributes(plain, nothing, true)).toEqual([]);
  });

  it.each([...schedulerPolicies])('%s is policy %i', (policy, number) => {
    const [step] = compileAttributes({ ...plain, scheduler: { ...scheduler, policy } }, nothing, false);
    expect(step).toMatchObject({ do: 'scheduler', policy: number });
  });

  it('keeps 64-bit numbers and joins flags', () => {
    const wanted = {
      ...scheduler,
      policy: 'SCHED_DEADLINE',
      flags: ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_DL_OVERRUN'],
      runtime: 2n ** 62n,
    };
    expect(compileAttributes({ ...plain, scheduler: wanted }, nothing, false)).toEqual([
      {
        ...{ do: 'scheduler', policy: 6, flags: 5, nice: 0, priority: 0 },
        ...{ runtime: '4611686018427387904', deadline: '0', period: '0' },
      },
    ]);
  });

  it.each([
    ['initial', { initial: '0', final: undefined }, ['all']],
    ['final', { initial: undefined, final: '1' }, ['1']],
    ['both', { initial: '0', final: '1-2' }, ['1-2']],
  ])('ends the initial affinity of an exec (%s)', (_name, execCpuAffinity, cpus) => {
    const steps = compileAttributes({ ...plain, execCpuAffinity }, nothing, true);
    expect(steps.map((step) => step.do === 'affinity' && step.cpus)).toEqual(cpus);
    expect(compileAttributes({ ...plain, execCpuAffinity }, nothing, false)).toEqual([]);
  });

  it('sets io priority, personality and memory policy', () => {
    const shared: Pick<LinuxSpec, 'personality' | 'memoryPolicy'> = {
      personality: { domain: 'LINUX32', flags: [] },
      memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] },
    };
    const process = { ...plain, ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 0 } } as const;
    expect(compileAttributes(process, shared, false)).toEqual([
      { do: 'personality', persona: 8 },
      { do: 'io-priority', ioClass: 3, priority: 0 },
      { do: 'memory-policy', mode: 2 | (1 << 15), nodes: '0' },
    ]);
  });

  it('refuses flags of a personality: none is defined', () => {
    const shared = { ...nothing, personality: { domain: 'LINUX', flags: ['ADDR_NO_RANDOMIZE'] } } as const;
    expect(() => compileAttributes(plain, shared, false)).toThrow(/linux\.personality\.flags.*ADDR_NO_RANDOMIZE/);
  });
});

describe('PRV-09: labels', () => {
  it('become steps where the kernel runs the module', () => {
    const process = { ...plain, apparmorProfile: 'p', selinuxLabel: label };
    expect(compileLabels({ ...process, selinuxLabel: undefined }, apparmor)).toEqual([
      { do: 'security-label', module: 'apparmor', label: 'p' },
    ]);
    expect(compileLabels({ ...process, apparmorProfile: undefined }, selinux)).toEqual([
      { do: 'security-label', module: 'selinux', label },
    ]);
    expect(compileLabels(plain, noSecurityModules)).toEqual([]);
  });

  it.each([
    ['process.apparmorProfile', { apparmorProfile: 'p' }],
    ['process.selinuxLabel', { selinuxLabel: label }],
  ])('%s is refused where the kernel does not', (field, change) => {
    expect(() => compileLabels({ ...plain, ...change }, noSecurityModules)).toThrow(DomainError);
    expect(() => compileLabels({ ...plain, ...change }, noSecurityModules)).toThrow(field);
  });

  it('`unconfined` asks for no profile', () => {
    expect(compileLabels({ ...plain, apparmorProfile: 'unconfined' }, noSecurityModules)).toEqual([]);
  });

  it('the keyring has the label of the process', () => {
    expect(compileKeyring(plain, selinux, false)).toEqual([{ do: 'session-keyring' }]);
    expect(compileKeyring({ ...plain, selinuxLabel: label }, selinux, false)).toEqual([
      { do: 'keyring-label', label },
      { do: 'session-keyring' },
      { do: 'keyring-label', label: '' },
    ]);
    expect(compileKeyring(plain, selinux, true)).toEqual([]);
  });

  it('new file systems have the label of mounts, binds and those with labels of their own have not', () => {
    const mount = (type: string, ...options: string[]) => {
      return { destination: '/m', type, source: '', options, uidMappings: [], gidMappings: [] };
    };
    const mounts = [
      ...[mount('tmpfs', 'nosuid'), mount('devpts'), mount('proc'), mount('sysfs'), mount('mqueue'), mount('cgroup2')],
      ...[mount('bind', 'rbind'), mount('none', 'bind'), mount('tmpfs', 'context=x_u:x_r:x_t:s0')],
    ];
    const labelled = labelMounts(mounts, label, selinux).map(({ options }) => options.includes(`context=${label}`));
    expect(labelled).toEqual([true, true, false, false, false, false, false, false, false]);
    expect(labelMounts(mounts, undefined, noSecurityModules)).toBe(mounts);
    expect(() => labelMounts(mounts, label, apparmor)).toThrow('linux.mountLabel');
  });
});
