/** From the bytes of a CreateContainer or ExecProcess request to the launch plan: only domain errors, in bounded time. */
import fc from 'fast-check';
import { DomainError } from '../../../agent/src/base/errors.ts';
import { MessageCodec } from '../../../agent/src/codec/protobuf/message-codec.ts';
import { ProtobufError } from '../../../agent/src/codec/protobuf/protobuf-error.ts';
import { resolveCgroupPath } from '../../../agent/src/libcontainer/cgroup/cgroup-path.ts';
import { planResources } from '../../../agent/src/libcontainer/cgroup/resource-plan.ts';
import { compileContainer } from '../../../agent/src/libcontainer/plan/compile-container.ts';
import { agentHookRules } from '../../../agent/src/libcontainer/plan/compile-hooks.ts';
import { compileExec } from '../../../agent/src/libcontainer/plan/compile-exec.ts';
import { InheritedDescriptors } from '../../../agent/src/libcontainer/plan/inherited-descriptors.ts';
import { describeStep, type LaunchPlan } from '../../../agent/src/libcontainer/plan/launch-plan.ts';
import { specFromProto } from '../../../agent/src/oci/from-proto.ts';
import { processFromProto } from '../../../agent/src/oci/process-from-proto.ts';
import type { ProtoSpec } from '../../../agent/src/oci/proto-spec.ts';
import { validateProcess } from '../../../agent/src/oci/validate-process.ts';
import { validateSpec } from '../../../agent/src/oci/validate.ts';
import { schema } from '../../../proto/gen/agent.js';
import { promise } from '../support/decoder.ts';
import type { FuzzTarget } from '../support/fuzz-target.ts';
import { fuzzTarget, mutatedBytes } from '../support/fuzz-target.ts';
import { MAX_INPUT_BYTES } from '../support/mutation.ts';
import { messageArbitrary, type TextPools } from './arbitrary-message.ts';
import { messageTypeCount } from './message-types.ts';

function codecOf(name: string): MessageCodec<ProtoSpec> {
  for (let index = 0; index < messageTypeCount(schema); index++)
    if (schema.type(index).name === name) return new MessageCodec<ProtoSpec>(schema, index);
  throw new RangeError(`no message ${name}`);
}

const specCodec = codecOf('Spec');
const typeIndex = (name: string): number =>
  Array.from({ length: messageTypeCount(schema) }, (_, index) => index).findIndex(
    (index) => schema.type(index).name === name,
  );

/** As hosts send it. */
const sample: ProtoSpec = {
  Version: '1.0.2-dev',
  Process: {
    Terminal: true,
    ConsoleSize: { Height: 24, Width: 80 },
    User: { UID: 1000, GID: 1000, AdditionalGids: [1000, 10] },
    Args: ['/bin/sh', '-c', 'true'],
    Env: ['PATH=/usr/bin:/bin', 'HOME=/root', 'EMPTY='],
    Cwd: '/work',
    Capabilities: {
      Bounding: ['CAP_CHOWN', 'CAP_KILL'],
      Effective: ['CAP_CHOWN'],
      Permitted: ['CAP_CHOWN'],
      Inheritable: [],
      Ambient: [],
    },
    Rlimits: [{ Type: 'RLIMIT_NOFILE', Hard: 1024n, Soft: 1024n }],
    NoNewPrivileges: true,
    OOMScoreAdj: 100n,
  },
  Root: { Path: '/run/kata-containers/c1/rootfs', Readonly: true },
  Hostname: 'host',
  Mounts: [
    { destination: '/proc', source: 'proc', type: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      source: 'tmpfs',
      type: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k', 'ro'],
    },
    { destination: '/dev/pts', source: 'devpts', type: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
    {
      destination: '/data',
      source: '/run/kata-containers/shared/x',
      type: 'bind',
      options: ['rbind', 'rprivate', 'rro'],
    },
    { destination: '/sys/fs/cgroup', source: 'cgroup', type: 'cgroup', options: ['ro', 'nosuid'] },
  ],
  Annotations: new Map([['io.kubernetes.cri.container-type', 'container']]),
  Linux: {
    Namespaces: [{ Type: 'ipc' }, { Type: 'uts' }, { Type: 'mount' }, { Type: 'pid' }, { Type: 'network', Path: '' }],
    Sysctl: new Map([['net.ipv4.ip_forward', '1']]),
    Devices: [{ Path: '/dev/fuse', Type: 'c', Major: 10n, Minor: 229n, FileMode: 0o666 }],
    CgroupsPath: '/default/c1',
    Resources: {
      Devices: [{ Allow: false, Access: 'rwm' }],
      Memory: { Limit: 1n << 30n, Swap: 1n << 31n, Reservation: 4096n },
      CPU: { Shares: 1024n, Quota: 50_000n, Period: 100_000n, Cpus: '0-3', Mems: '0' },
      Pids: { Limit: 100n },
      BlockIO: { Weight: 100, ThrottleReadBpsDevice: [{ Major: 8n, Minor: 0n, Rate: 1000n }] },
      HugepageLimits: [{ Pagesize: '2MB', Limit: 0n }],
    },
    RootfsPropagation: 'rslave',
    MaskedPaths: ['/proc/kcore'],
    ReadonlyPaths: ['/proc/sys'],
  },
};

const paths = [
  '/',
  '/a',
  '/a/b',
  '/a/b/',
  '/a/../b',
  'a',
  '',
  '/proc',
  '/proc/self',
  '/proc/uptime',
  '/dev',
  '/dev/shm',
  '/sys',
  '/a\0b',
  `/${'x'.repeat(300)}`,
];
const capabilities = ['CAP_CHOWN', 'CAP_SYS_ADMIN', 'KILL', '"CAP_KILL"', 'CAP_NONE', ''];

const pools: TextPools = {
  Path: paths.concat('/dev/x', '/dev/null', '/run/c1/rootfs', '/proc/1/ns/net'),
  destination: paths,
  source: paths,
  Cwd: paths,
  MaskedPaths: paths,
  ReadonlyPaths: paths,
  type: ['proc', 'tmpfs', 'bind', 'none', 'cgroup', 'sysfs', 'mqueue', ''],
  Type: [
    'mount',
    'mnt',
    'pid',
    'ipc',
    'uts',
    'network',
    'cgroup',
    'user',
    'time',
    'c',
    'b',
    'u',
    'p',
    'RLIMIT_NOFILE',
    'RLIMIT_CPU',
    'RLIMIT_NONE',
    '',
  ],
  options: [
    'ro',
    'rw',
    'rro',
    'bind',
    'rbind',
    'rshared',
    'slave',
    'nosuid',
    'mode=755',
    'size=1k',
    'remount',
    'idmap',
    'x-y',
    'defaults',
    `a=${'b'.repeat(300)}`,
  ],
  Args: ['/bin/sh', 'sh', ''],
  Env: ['A=b', 'A=c', 'PATH=/bin', '=x', 'novalue', 'HOME=/'],
  Bounding: capabilities,
  Effective: capabilities,
  Permitted: capabilities,
  Inheritable: capabilities,
  Ambient: capabilities,
  RootfsPropagation: ['private', 'rslave', 'shared', 'runbindable', 'rshared', 'none', ''],
  CgroupsPath: ['/default/c1', 'a.slice:b:c', '', '../x', '/a/../b'],
  Hostname: ['host', 'x'.repeat(65), ''],
  Sysctl: ['net.ipv4.ip_forward', 'kernel.shmmax', 'fs.mqueue.x', 'kernel.core_pattern', 'net/../x', '1', 'a\nb'],
  Cpus: ['0', '0-3,7', 'x', ''],
  Mems: ['0', ''],
  Pagesize: ['2MB', '1GB', 'x'],
  ApparmorProfile: [''],
  SelinuxLabel: ['', '', '', 'x'],
  MountLabel: ['', '', '', 'x'],
  L3CacheSchema: ['', '', '', 'x'],
};

const facts = {
  rootfsPath: '/run/kata-containers/c1/rootfs',
  alwaysOwnCgroupNamespace: true,
  isPrivileged: true,
  setsGroups: true,
  keepsKeyring: false,
  hooks: agentHookRules,
  place: { id: 'c1', bundle: '/run/kata-containers/c1' },
  hasKcore: true,
  defaultNofile: { soft: 1024n, hard: 4096n },
  defaultOomScoreAdj: 0,
};

/** A plan travels as JSON, and every step can be told in an error. */
function checkPlan(plan: LaunchPlan): void {
  const text = JSON.stringify(plan);
  const received = JSON.parse(text) as LaunchPlan;
  promise('a plan survives its way to the child', JSON.stringify(received) === text);
  for (const step of received.steps) promise('a step has a name', describeStep(step) !== '');
  promise('no string holds a NUL', !text.includes('\\u0000'));
}

/** What CreateContainer and ExecProcess do with a spec, short of acting. */
function plan(proto: ProtoSpec): void {
  const spec = specFromProto(proto);
  planResources(spec.linux.resources, { cpuMax: 'max 100000\n' });
  validateSpec(spec);
  resolveCgroupPath(spec.linux.cgroupsPath, 'c1');
  const compiled = compileContainer(spec, facts, { network: 'net', uts: 'uts' }, new InheritedDescriptors<string>());
  checkPlan(compiled.plan);
  const exec = processFromProto(proto.Process);
  validateProcess(exec);
  const joins = { mount: 'mnt', pid: 'pid', network: 'net' };
  checkPlan(
    compileExec(exec, { ...facts, container: spec.process }, joins, 'root', new InheritedDescriptors<string>()),
  );
}

const ofBytes = fuzzTarget({
  name: 'spec-mutated',
  input: mutatedBytes([specCodec.encode(sample as never)]),
  errors: [DomainError, ProtobufError],
  run: (bytes) => plan(specCodec.decode(bytes, { refuseNul: bytes.length % 2 === 0 })),
});

/** Parts of the sample replaced, so that the later checks are reached as well. */
const ofParts = fuzzTarget({
  name: 'spec-structured',
  input: fc.record({
    Process: messageArbitrary(schema, typeIndex('Process'), pools),
    Linux: messageArbitrary(schema, typeIndex('Linux'), pools),
    Spec: messageArbitrary(schema, typeIndex('Spec'), pools),
    kept: fc.nat({ max: 255 }),
  }),
  errors: [DomainError],
  run: ({ Process, Linux, Spec, kept }) => {
    const keep = (bit: number, part: object, other: object): object =>
      (kept >> bit) & 1 ? { ...part, ...other } : part;
    const top: ProtoSpec = {
      ...keep(0, sample, Spec),
      Process: keep(1, sample.Process!, keep(4, Process, { Capabilities: sample.Process!.Capabilities })),
      Linux: keep(2, sample.Linux!, keep(5, Linux, { Namespaces: sample.Linux!.Namespaces, Seccomp: undefined })),
      Hooks: undefined,
    };
    plan(specCodec.decode(specCodec.encode(top)));
  },
});

/** Lists that fill a frame: nothing may take time that grows with the square of their length. */
const list = <T>(make: (index: number) => T) => make;
const growing = {
  Mounts: list((index) => ({ destination: `/${index.toString(36)}`, type: 't' })),
  NestedMounts: list((index) => ({
    destination: `/a/${'b/'.repeat(index % 20)}${index % 50}`,
    type: 't',
    options: ['ro'],
  })),
  SameMounts: list(() => ({ destination: '/a', type: 't', options: ['ro'] })),
  Env: list((index) => `${index.toString(36)}=`),
  MaskedPaths: list((index) => `/${index.toString(36)}`),
  Devices: list((index) => ({ Path: `/dev/${index.toString(36)}`, Type: 'c' })),
  Rlimits: list(() => ({ Type: 'RLIMIT_CPU' })),
  AdditionalGids: list((index) => index),
  Bounding: list((index) => index.toString(36)),
  Options: list((index) => index.toString(36)),
  Namespaces: list(() => ({ Type: 'mount' })),
  Args: list(() => ''),
  Throttle: list(() => ({ Major: 1n })),
} as const;

function grown(kind: keyof typeof growing, count: number): ProtoSpec {
  const items = Array.from({ length: count }, (_, index) => growing[kind](index)) as never[];
  const { Process, Linux, Mounts } = sample as Required<ProtoSpec>;
  const change: Record<keyof typeof growing, ProtoSpec> = {
    Mounts: { Mounts: items },
    NestedMounts: { Mounts: items },
    SameMounts: { Mounts: items },
    Options: { Mounts: [...Mounts!, { destination: '/t', type: 't', options: items }] },
    Env: { Process: { ...Process, Env: items } },
    Args: { Process: { ...Process, Args: ['x', ...items] } },
    Rlimits: { Process: { ...Process, Rlimits: items } },
    AdditionalGids: { Process: { ...Process, User: { AdditionalGids: items } } },
    Bounding: { Process: { ...Process, Capabilities: { Bounding: items } } },
    MaskedPaths: { Linux: { ...Linux, MaskedPaths: items } },
    Devices: { Linux: { ...Linux, Devices: items } },
    Namespaces: { Linux: { ...Linux, Namespaces: items } },
    Throttle: { Linux: { ...Linux, Resources: { BlockIO: { ThrottleReadBpsDevice: items } } } },
  };
  return { ...sample, ...change[kind] };
}

const large = fuzzTarget({
  name: 'spec-large',
  input: fc.record({
    kind: fc.constantFrom(...(Object.keys(growing) as (keyof typeof growing)[])),
    count: fc.integer({ min: 0, max: 12_000 }),
  }),
  errors: [DomainError, ProtobufError],
  run: ({ kind, count: wanted }) => {
    let count = wanted;
    let bytes = specCodec.encode(grown(kind, count));
    while (bytes.length > MAX_INPUT_BYTES) {
      count = Math.floor((count * MAX_INPUT_BYTES) / bytes.length) - 1;
      bytes = specCodec.encode(grown(kind, count));
    }
    plan(specCodec.decode(bytes));
  },
});

export const specTargets: readonly FuzzTarget[] = [ofBytes, ofParts, large];
