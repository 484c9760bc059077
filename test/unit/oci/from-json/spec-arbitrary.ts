import fc from 'fast-check';
import { capabilityNames } from '../../../../agent/src/oci/capability-names.ts';
import { rlimitNames } from '../../../../agent/src/oci/rlimit-names.ts';
import { namespaceTypes } from '../../../../agent/src/oci/spec.ts';
import type { IdMapping, LinuxSpec, MountSpec, ProcessSpec, Resources, Spec } from '../../../../agent/src/oci/spec.ts';

type Arbitraries<T> = { [K in keyof T]-?: fc.Arbitrary<T[K]> };
const record = <T extends object>(model: Arbitraries<T>): fc.Arbitrary<T> => fc.record(model) as fc.Arbitrary<T>;
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const list = <T>(value: fc.Arbitrary<T>, maxLength = 4): fc.Arbitrary<readonly T[]> => fc.array(value, { maxLength });

/** Text with everything that is awkward in JSON, but for what a spec refuses. */
const text = fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.replaceAll('\0', ':"'));
const filled = text.map((value) => `${value}x`);
const path = list(fc.stringMatching(/^[a-z]{1,5}$/), 3).map((names) => `/r/${names.join('/')}`.replace(/\/$/, ''));
const uint16 = fc.nat({ max: 0xffff });
const uint32 = fc.nat({ max: 0xffffffff });
const uint64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const nonZero = (value: fc.Arbitrary<bigint>): fc.Arbitrary<bigint | undefined> =>
  maybe(value.filter((number) => number !== 0n));
const map = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<ReadonlyMap<string, T>> =>
  fc
    .array(fc.tuple(fc.oneof(text, fc.constant('__proto__')), value), { maxLength: 3 })
    .map((entries) => new Map(entries));

const idMapping = record<IdMapping>({ containerId: uint32, hostId: uint32, size: uint32 });
const capabilitySet = fc.uniqueArray(fc.constantFrom(...capabilityNames), { maxLength: 4 });
const device = { major: uint64.map((number) => number >> 1n), minor: uint64.map((number) => number >> 1n) };
const throttles = list(record({ ...device, rate: uint64 }));

export const processArbitrary: fc.Arbitrary<ProcessSpec> = record<ProcessSpec>({
  terminal: fc.boolean(),
  consoleSize: maybe(record({ rows: uint16, columns: uint16 })),
  user: record({
    uid: uint32,
    gid: uint32,
    additionalGids: list(uint32),
    umask: maybe(fc.nat({ max: 0o777 })),
    username: maybe(filled),
  }),
  args: fc.array(text, { minLength: 1, maxLength: 3 }),
  env: list(text),
  cwd: filled,
  capabilities: record({
    bounding: capabilitySet,
    effective: capabilitySet,
    permitted: capabilitySet,
    inheritable: capabilitySet,
    ambient: capabilitySet,
  }),
  rlimits: list(record({ type: fc.constantFrom(...rlimitNames), soft: uint64, hard: uint64 })),
  noNewPrivileges: fc.boolean(),
  oomScoreAdj: maybe(fc.integer({ min: -1000, max: 1000 })),
  apparmorProfile: maybe(filled),
  selinuxLabel: maybe(filled),
  scheduler: maybe(
    record({
      policy: filled,
      nice: fc.integer(),
      priority: fc.integer(),
      flags: list(text),
      runtime: uint64,
      deadline: uint64,
      period: uint64,
    }),
  ),
  ioPriority: maybe(
    record({
      class: fc.constantFrom('IOPRIO_CLASS_RT' as const, 'IOPRIO_CLASS_BE' as const, 'IOPRIO_CLASS_IDLE' as const),
      priority: fc.integer(),
    }),
  ),
  execCpuAffinity: maybe(record({ initial: maybe(filled), final: maybe(filled) })),
});

export const resourcesArbitrary: fc.Arbitrary<Resources> = record<Resources>({
  devices: list(
    record({
      allow: fc.boolean(),
      type: fc.constantFrom('a' as const, 'b' as const, 'c' as const),
      major: maybe(device.major),
      minor: maybe(device.minor),
      access: fc.constantFrom('r', 'rw', 'rwm', 'mw'),
    }),
  ),
  cpu: maybe(
    record({
      shares: nonZero(uint64),
      quota: nonZero(int64),
      period: nonZero(uint64),
      burst: maybe(uint64),
      idle: maybe(int64),
      realtimeRuntime: nonZero(int64),
      realtimePeriod: nonZero(uint64),
      cpus: maybe(filled),
      mems: maybe(filled),
    }),
  ),
  memory: maybe(
    record({
      limit: nonZero(int64),
      reservation: nonZero(int64),
      swap: nonZero(int64),
      swappiness: maybe(uint64),
      disableOomKiller: fc.boolean(),
      checkBeforeUpdate: fc.boolean(),
    }),
  ),
  pids: maybe(int64),
  blockIo: maybe(
    record({
      weight: maybe(fc.integer({ min: 10, max: 1000 })),
      leafWeight: maybe(fc.integer({ min: 10, max: 1000 })),
      weightDevices: list(record({ ...device, weight: fc.constantFrom(0, 10, 500, 1000) })),
      readBps: throttles,
      writeBps: throttles,
      readIops: throttles,
      writeIops: throttles,
    }),
  ),
  hugepages: list(record({ pageSize: filled, limit: uint64 })),
  unified: map(text),
  rdma: map(record({ hcaHandles: maybe(uint32), hcaObjects: maybe(uint32) })),
  network: maybe(
    record({
      classId: maybe(uint32),
      priorities: fc.array(fc.tuple(filled, uint32), { maxLength: 3 }).map((entries) => new Map(entries)),
    }),
  ),
});

const mount: fc.Arbitrary<MountSpec> = fc
  .tuple(path, fc.constantFrom('tmpfs', 'proc', 'bind'), path, list(fc.constantFrom('ro', 'nosuid', 'size=1k')))
  .chain(([destination, type, source, options]) =>
    record<MountSpec>({
      destination: fc.constant(destination),
      type: fc.constant(type),
      source: fc.constant(source),
      options: fc.constant(options),
      uidMappings: list(idMapping),
      gidMappings: list(idMapping),
    }),
  );
const hook = record({ path: filled, args: list(text), env: list(text), timeout: maybe(fc.integer()) });
const hooks = list(hook, 2);
const offset = maybe(record({ secs: int64, nanosecs: uint32 }));
const action = fc.constantFrom('SCMP_ACT_ALLOW' as const, 'SCMP_ACT_ERRNO' as const, 'SCMP_ACT_NOTIFY' as const);
const operator = fc.constantFrom('SCMP_CMP_EQ' as const, 'SCMP_CMP_MASKED_EQ' as const);

export const linuxArbitrary: fc.Arbitrary<LinuxSpec> = record<LinuxSpec>({
  namespaces: list(record({ type: fc.constantFrom(...namespaceTypes), path: maybe(filled) })),
  uidMappings: list(idMapping),
  gidMappings: list(idMapping),
  devices: list(
    record({
      path: filled,
      type: fc.constantFrom('b' as const, 'c' as const, 'p' as const),
      major: uint32,
      minor: uint32,
      fileMode: maybe(fc.nat({ max: 0o7777 })),
      uid: uint32,
      gid: uint32,
    }),
  ),
  cgroupsPath: text,
  resources: resourcesArbitrary,
  rootfsPropagation: maybe(filled),
  seccomp: maybe(
    record({
      defaultAction: action,
      defaultErrnoRet: maybe(uint32),
      architectures: list(text),
      flags: list(text),
      listenerPath: maybe(filled),
      listenerMetadata: maybe(filled),
      syscalls: list(
        record({
          names: fc.array(text, { minLength: 1, maxLength: 3 }),
          action,
          errnoRet: maybe(uint32),
          args: list(record({ index: fc.nat({ max: 5 }), value: uint64, valueTwo: uint64, op: operator })),
        }),
      ),
    }),
  ),
  timeOffsets: record({ monotonic: offset, boottime: offset }),
  personality: maybe(
    record({
      domain: fc.constantFrom('LINUX' as const, 'LINUX32' as const),
      flags: fc.constant([] as readonly string[]),
    }),
  ),
  memoryPolicy: maybe(record({ mode: filled, nodes: text, flags: list(text) })),
  netDevices: map(maybe(filled)),
  sysctl: map(text),
  maskedPaths: list(text),
  readonlyPaths: list(text),
  mountLabel: maybe(filled),
  intelRdt: maybe(record({ closId: maybe(filled), l3CacheSchema: maybe(filled), memBwSchema: maybe(filled) })),
});

/** Any spec that a document can say. It need not pass validation. */
export const specArbitrary: fc.Arbitrary<Spec> = record<Spec>({
  version: fc.constantFrom('1.0.0', '1.0.2-dev', '1.2.1+x', '1.99.0'),
  process: processArbitrary,
  root: record({ path, readonly: fc.boolean() }),
  hostname: maybe(filled),
  domainname: maybe(filled),
  mounts: list(mount),
  hooks: record({
    prestart: hooks,
    createRuntime: hooks,
    createContainer: hooks,
    startContainer: hooks,
    poststart: hooks,
    poststop: hooks,
  }),
  annotations: map(text).map((entries) => new Map([...entries].filter(([key]) => key !== ''))),
  linux: linuxArbitrary,
});
