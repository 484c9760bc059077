import { describe, expect, it } from 'vitest';
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  MOUNT_ATTR_RDONLY,
  RLIMIT_NOFILE,
} from '../../../../agent/src/abi/constants.ts';
import { compileContainer } from '../../../../agent/src/libcontainer/plan/compile-container.ts';
import { agentHookRules } from '../../../../agent/src/libcontainer/plan/compile-hooks.ts';
import { compileExec } from '../../../../agent/src/libcontainer/plan/compile-exec.ts';
import { InheritedDescriptors } from '../../../../agent/src/libcontainer/plan/inherited-descriptors.ts';
import { describeStep } from '../../../../agent/src/libcontainer/plan/launch-plan.ts';
import type { LaunchPlan, Step, StepKind } from '../../../../agent/src/libcontainer/plan/launch-plan.ts';
import { processFromProto } from '../../../../agent/src/oci/process-from-proto.ts';
import type { ProtoProcess } from '../../../../agent/src/oci/proto-spec.ts';
import type { NamespaceType } from '../../../../agent/src/oci/spec.ts';
import { sampleSpec } from '../../oci/sample-spec.ts';
import type { Changes } from '../../oci/sample-spec.ts';

const facts = {
  rootfsPath: '/run/kata-containers/c1/rootfs',
  alwaysOwnCgroupNamespace: true,
  isPrivileged: true,
  setsGroups: true,
  keepsKeyring: false,
  hooks: agentHookRules,
  place: { id: 'c1', bundle: '/run/kata-containers/c1' },
  hasKcore: false,
  defaultNofile: undefined,
  defaultOomScoreAdj: undefined,
};

type Joins = Partial<Record<NamespaceType, string>>;

function compile(changes: Changes = {}, join: Joins = {}, more: object = {}) {
  const descriptors = new InheritedDescriptors<string>();
  const compiled = compileContainer(sampleSpec(changes), { ...facts, ...more }, join, descriptors);
  return { ...compiled, descriptors };
}

const kinds = (plan: LaunchPlan): StepKind[] => plan.steps.map((step) => step.do);
function stepOf<K extends StepKind>(plan: LaunchPlan, kind: K): Extract<Step, { do: K }> | undefined {
  return plan.steps.find((step): step is Extract<Step, { do: K }> => step.do === kind);
}

describe('compileContainer()', () => {
  it('orders the steps as the contract does', () => {
    const { plan } = compile({
      process: { User: { UID: 1000, GID: 1000 }, Terminal: true, Rlimits: [{ Type: 'RLIMIT_CPU', Soft: 1, Hard: 2 }] },
      top: { Hostname: 'h', Root: { Path: '/r', Readonly: true } },
      linux: {
        Namespaces: [{ Type: 'mount' }, { Type: 'uts' }, { Type: 'pid' }],
        MaskedPaths: ['/proc/kcore'],
        ReadonlyPaths: ['/proc/sys'],
        Sysctl: { 'net.ipv4.ip_forward': '1' },
      },
    });
    expect(kinds(plan)).toEqual([
      'inherited',
      'affinity',
      'session-keyring',
      'cgroup-namespace',
      'rlimits',
      'hostname',
      'propagation',
      'attach-root',
      'mount',
      'mount',
      'devices',
      'device-links',
      'terminal',
      'pivot-root',
      'sysctls',
      'create-directory',
      'readonly-paths',
      'masked-paths',
      'readonly-root',
      'session',
      'working-directory',
      'umask',
      'stdio-owner',
      'bounding-set',
      'user',
      'no-new-privileges',
      'capabilities',
    ]);
  });

  it('makes the namespaces it is not given, except the cgroup one, which the child makes in its cgroup', () => {
    expect(compile().cloneFlags).toBe(CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWPID);
    const { cloneFlags, plan } = compile({ linux: { Namespaces: [{ Type: 'mount' }, { Type: 'cgroup' }] } });
    expect(cloneFlags & CLONE_NEWCGROUP).toBe(0);
    expect(kinds(plan)).toContain('cgroup-namespace');
  });

  it('joins what it is given, in order, by descriptor; pid is left to the parent', () => {
    const { plan, cloneFlags, descriptors } = compile({}, { uts: 'U', ipc: 'I', pid: 'P' });
    expect(cloneFlags).toBe(CLONE_NEWNS);
    expect(plan.steps.filter((step) => step.do === 'join-namespace')).toEqual([
      { do: 'join-namespace', type: 'ipc', flag: CLONE_NEWIPC, descriptor: 5 },
      { do: 'join-namespace', type: 'uts', flag: CLONE_NEWUTS, descriptor: 6 },
    ]);
    expect(descriptors.sources).toEqual(['I', 'U']);
  });

  it('CGN-09 sets a hostname only in a uts namespace of its own', () => {
    const changes: Changes = { top: { Hostname: 'h' } };
    expect(stepOf(compile(changes).plan, 'hostname')?.name).toBe('h');
    expect(stepOf(compile(changes, { uts: 'U' }).plan, 'hostname')).toBeUndefined();
  });

  it('PRV-09: gives what hides folders, and a message queue, the label of mounts', () => {
    const label = 'guest_u:object_r:data_t:s0';
    const Mounts = ['mqueue', 'tmpfs'].map((type) => ({ destination: `/${type}`, source: type, type }));
    const changes = (MountLabel: string): Changes => ({ linux: { MountLabel, MaskedPaths: ['/a'] }, top: { Mounts } });
    const modules = { hasAppArmor: () => false, hasSelinux: () => true };
    const { plan } = compile(changes(label), {}, { modules });
    expect(stepOf(plan, 'masked-paths')).toEqual({ do: 'masked-paths', paths: ['/a'], label });
    const labels = plan.steps.flatMap((step) =>
      step.do === 'mount' && step.origin.kind === 'filesystem' ? [step.origin.label] : [],
    );
    expect(labels).toEqual([label, undefined]);
    expect(stepOf(compile(changes('')).plan, 'masked-paths')).toEqual({ do: 'masked-paths', paths: ['/a'] });
  });

  it('has no cgroup namespace without a cgroup', () => {
    expect(kinds(compile({}, {}, { alwaysOwnCgroupNamespace: false }).plan)).not.toContain('cgroup-namespace');
  });

  it('makes no devices when /dev is a bind', () => {
    const mounts = [{ destination: '/dev', source: '/dev', type: 'bind', options: ['rbind'] }];
    expect(kinds(compile({ top: { Mounts: mounts } }).plan)).not.toContain('devices');
  });

  it('puts off `ro` of what is still written into', () => {
    const { plan } = compile({
      top: {
        Mounts: [
          { destination: '/dev', source: 't', type: 'tmpfs', options: ['ro'] },
          { destination: '/a', source: 't', type: 'tmpfs', options: ['ro'] },
          { destination: '/a/b', source: 't', type: 'tmpfs', options: ['ro'] },
        ],
      },
    });
    const mounts = plan.steps.filter((step) => step.do === 'mount');
    expect(mounts.map((step) => step.attributes.set & MOUNT_ATTR_RDONLY)).toEqual([0, 0, MOUNT_ATTR_RDONLY]);
    expect(plan.steps.filter((step) => step.do === 'readonly-mount').map((step) => step.path)).toEqual(['/a', '/dev']);
    expect(kinds(plan).indexOf('readonly-mount')).toBeGreaterThan(kinds(plan).indexOf('pivot-root'));
  });

  it('mounts cgroup2 where a host says cgroup', () => {
    const { plan } = compile({
      top: { Mounts: [{ destination: '/sys/fs/cgroup', source: 'cgroup', type: 'cgroup' }] },
    });
    expect(stepOf(plan, 'mount')?.origin).toEqual({
      kind: 'filesystem',
      type: 'cgroup2',
      source: 'cgroup',
      parameters: [],
    });
  });

  it.each([
    [undefined, 'slave', false, []],
    ['rprivate', 'private', false, []],
    ['shared', 'shared', true, ['root-propagation']],
    ['unbindable', 'private', false, ['root-propagation']],
  ])('MNT-17 with root propagation %s the guest sees nothing of the container', (sent, kind, keepsShared, late) => {
    const { plan } = compile({ linux: { Namespaces: [{ Type: 'mount' }], RootfsPropagation: sent ?? '' } });
    expect(stepOf(plan, 'propagation')?.kind).toBe(kind);
    expect(stepOf(plan, 'attach-root')?.keepsShared).toBe(keepsShared);
    expect(kinds(plan).filter((name) => name === 'root-propagation')).toEqual(late);
  });

  it('replaces a default device by one of the spec and keeps the others', () => {
    const { plan } = compile({
      linux: {
        Namespaces: [{ Type: 'mount' }],
        Devices: [
          { Path: '/dev/null', Type: 'c', Major: 1, Minor: 3, FileMode: 0o600, UID: 5 },
          { Path: '/dev/net/tun', Type: 'c', Major: 10, Minor: 200 },
        ],
      },
    });
    const nodes = stepOf(plan, 'devices')?.nodes ?? [];
    expect(nodes).toHaveLength(7);
    expect(nodes.find((node) => node.path === '/dev/null')).toMatchObject({ mode: 0o600, uid: 5 });
    expect(nodes.find((node) => node.path === '/dev/net/tun')?.mode).toBeUndefined();
  });

  it('PRV-13 resets the descriptor limit and the OOM score that the agent has for itself', () => {
    const more = { defaultNofile: { soft: 1024n, hard: 4096n }, defaultOomScoreAdj: 0 };
    const { plan } = compile({}, {}, more);
    expect(stepOf(plan, 'rlimits')?.limits).toEqual([{ resource: RLIMIT_NOFILE, soft: '1024', hard: '4096' }]);
    expect(stepOf(plan, 'oom-score')?.value).toBe(0);
    const asked = compile(
      { process: { Rlimits: [{ Type: 'RLIMIT_NOFILE', Soft: 1, Hard: 2 }], OOMScoreAdj: 7 } },
      {},
      more,
    );
    expect(stepOf(asked.plan, 'rlimits')?.limits).toHaveLength(1);
    expect(stepOf(asked.plan, 'oom-score')?.value).toBe(7);
  });

  it('survives JSON, and describes every step', () => {
    const { plan } = compile({ process: { Terminal: true } });
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    for (const step of plan.steps) expect(describeStep(step)).not.toBe('');
    const mount = stepOf(plan, 'mount');
    expect(mount && describeStep(mount)).toBe('mount proc on /proc');
  });

  it('refuses a parameter that fsconfig(2) cannot take', () => {
    const mounts = [{ destination: '/a', source: 'o', type: 'overlay', options: [`lowerdir=${'a'.repeat(256)}`] }];
    expect(() => compile({ top: { Mounts: mounts } })).toThrow('lowerdir');
  });
});

describe('compileExec()', () => {
  const container = sampleSpec({
    process: {
      Capabilities: { Bounding: ['CAP_KILL'] },
      NoNewPrivileges: true,
      Rlimits: [{ Type: 'RLIMIT_CORE', Soft: 0, Hard: 0 }],
    },
  }).process;

  function exec(process: ProtoProcess) {
    const descriptors = new InheritedDescriptors<string>();
    const namespaces = { mount: 'M', ipc: 'I', pid: 'P', cgroup: 'C' };
    const plan = compileExec(processFromProto(process), { ...facts, container }, namespaces, 'R', descriptors);
    return { plan, descriptors };
  }

  it('joins the pinned namespaces and root, and touches nothing of the container', () => {
    const { plan, descriptors } = exec({ Args: ['sh'], Terminal: true });
    expect(kinds(plan)).toEqual([
      'inherited',
      'affinity',
      'session-keyring',
      'rlimits',
      'join-namespace',
      'join-namespace',
      'join-namespace',
      'enter-root',
      'terminal',
      'session',
      'working-directory',
      'umask',
      'bounding-set',
      'user',
      'no-new-privileges',
      'capabilities',
    ]);
    expect(descriptors.sources).toEqual(['I', 'C', 'M', 'R']);
  });

  it('EXE-08 is bound by what binds init where the request says nothing', () => {
    const { plan } = exec({ Args: ['sh'] });
    expect(stepOf(plan, 'bounding-set')?.capabilities).toEqual([5]);
    expect(stepOf(plan, 'rlimits')?.limits).toHaveLength(1);
    expect(kinds(plan)).toContain('no-new-privileges');
  });

  it('PRV-02 takes capabilities of the request when there are some, empty ones included', () => {
    expect(stepOf(exec({ Capabilities: {} }).plan, 'bounding-set')?.capabilities).toEqual([]);
  });
});
