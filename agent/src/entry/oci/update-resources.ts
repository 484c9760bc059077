import { emptyResources } from '../../oci/spec.ts';
import type { CpuResources, MemoryResources, Resources } from '../../oci/spec.ts';
import type { Option, Options } from './arguments.ts';
import { UsageError } from './arguments.ts';

/** The limits that `update` takes as options. */
export const limitOptions: readonly Option[] = [
  { name: 'blkio-weight', kind: 'text', value: 'N', about: 'share of the disks, 10 to 1000' },
  { name: 'cpu-period', kind: 'text', value: 'US', about: 'period of the CPU quota in microseconds' },
  { name: 'cpu-quota', kind: 'text', value: 'US', about: 'CPU time in a period; -1 for no limit' },
  { name: 'cpu-burst', kind: 'text', value: 'US', about: 'CPU time that may be saved up' },
  { name: 'cpu-share', kind: 'text', value: 'N', about: 'share of the CPUs, 2 to 262144' },
  { name: 'cpu-rt-period', kind: 'text', value: 'US', about: 'not in cgroup v2' },
  { name: 'cpu-rt-runtime', kind: 'text', value: 'US', about: 'not in cgroup v2' },
  { name: 'cpu-idle', kind: 'text', value: '0|1', about: 'run only when nobody else does' },
  { name: 'cpuset-cpus', kind: 'text', value: 'LIST', about: 'CPUs to run on, such as 0-2,7' },
  { name: 'cpuset-mems', kind: 'text', value: 'LIST', about: 'memory nodes to use' },
  { name: 'memory', kind: 'text', value: 'SIZE', about: 'memory in bytes, or with k, m, g; -1 for no limit' },
  { name: 'memory-reservation', kind: 'text', value: 'SIZE', about: 'memory that is kept for it' },
  { name: 'memory-swap', kind: 'text', value: 'SIZE', about: 'memory and swap together; -1 for no limit' },
  { name: 'kernel-memory', kind: 'text', value: 'SIZE', about: 'ignored: part of the memory' },
  { name: 'kernel-memory-tcp', kind: 'text', value: 'SIZE', about: 'ignored: part of the memory' },
  { name: 'pids-limit', kind: 'text', value: 'N', about: 'most processes and threads; -1 for no limit' },
];

const units: Readonly<Record<string, bigint>> = {
  '': 1n,
  b: 1n,
  k: 1n << 10n,
  m: 1n << 20n,
  g: 1n << 30n,
  t: 1n << 40n,
  p: 1n << 50n,
};
const largest = (1n << 63n) - 1n;

/** Bytes of `512`, `64m`, `1.5g`, `2GiB`; -1 stays. */
export function parseSize(text: string, option: string): bigint {
  if (text === '-1') return -1n;
  const match = /^(\d{1,19})(?:\.(\d{1,9}))? ?([bkmgtp]?)(?:i?b)?$/.exec(text.toLowerCase());
  const unit = units[match?.[3] ?? ''];
  if (match === null || unit === undefined)
    throw new UsageError(`--${option}: ${JSON.stringify(text.slice(0, 50))} is no size`);
  const fraction = match[2] ?? '';
  const bytes =
    BigInt(match[1] ?? '0') * unit + (BigInt(fraction === '' ? '0' : fraction) * unit) / 10n ** BigInt(fraction.length);
  if (bytes > largest) throw new UsageError(`--${option}: ${text} is too large`);
  return bytes;
}

function integer(options: Options, name: string): bigint | undefined {
  const text = options.text(name);
  if (text === undefined || text === '') return undefined;
  if (!/^-?\d{1,18}$/.test(text))
    throw new UsageError(`--${name}: ${JSON.stringify(text.slice(0, 50))} is not a whole number`);
  return BigInt(text);
}

/** runc takes 0 as "not given" for everything but what 0 means something for. */
function nonZero(value: bigint | undefined): bigint | undefined {
  return value === 0n ? undefined : value;
}

function size(options: Options, name: string): bigint | undefined {
  const text = options.text(name);
  return text === undefined || text === '' ? undefined : nonZero(parseSize(text, name));
}

function list(options: Options, name: string): string | undefined {
  const text = options.text(name);
  return text === '' ? undefined : text;
}

function whenAny<T extends object>(value: T): T | undefined {
  return Object.values(value).some((field) => field !== undefined) ? value : undefined;
}

/** What the options change; everything else stays as it is. */
export function resourcesFromOptions(options: Options): Resources {
  const cpu: CpuResources = {
    shares: nonZero(integer(options, 'cpu-share')),
    quota: nonZero(integer(options, 'cpu-quota')),
    period: nonZero(integer(options, 'cpu-period')),
    burst: integer(options, 'cpu-burst'),
    idle: integer(options, 'cpu-idle'),
    realtimeRuntime: nonZero(integer(options, 'cpu-rt-runtime')),
    realtimePeriod: nonZero(integer(options, 'cpu-rt-period')),
    cpus: list(options, 'cpuset-cpus'),
    mems: list(options, 'cpuset-mems'),
  };
  const memorySizes = {
    limit: size(options, 'memory'),
    reservation: size(options, 'memory-reservation'),
    swap: size(options, 'memory-swap'),
  };
  const memory: MemoryResources | undefined = whenAny(memorySizes) && {
    ...memorySizes,
    swappiness: undefined,
    disableOomKiller: false,
    checkBeforeUpdate: false,
  };
  const weight = nonZero(integer(options, 'blkio-weight'));
  if (weight !== undefined && (weight < 10n || weight > 1000n))
    throw new UsageError('--blkio-weight: must be 10 to 1000');
  return {
    ...emptyResources,
    cpu: whenAny(cpu),
    memory,
    pids: nonZero(integer(options, 'pids-limit')),
    blockIo:
      weight === undefined
        ? undefined
        : {
            weight: Number(weight),
            leafWeight: undefined,
            weightDevices: [],
            readBps: [],
            writeBps: [],
            readIops: [],
            writeIops: [],
          },
  };
}
