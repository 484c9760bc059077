import { withKnownCapabilities } from '../known-capabilities.ts';
import type { ProcessSpec, RlimitSpec, UserSpec } from '../spec.ts';
import { capabilities } from './capabilities.ts';
import { int32, uint16, uint32, uint64 } from './integer-range.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';
import { execCpuAffinity, ioPriority, scheduler } from './scheduling.ts';

/** The keys of a `process` object. `commandLine` is for Windows. */
export const processKeys = knownKeys(
  'terminal',
  'consoleSize',
  'cwd',
  'env',
  'args',
  'commandLine',
  'user',
  'capabilities',
  'rlimits',
  'noNewPrivileges',
  'oomScoreAdj',
  'apparmorProfile',
  'selinuxLabel',
  'scheduler',
  'ioPriority',
  'execCPUAffinity',
);
const sizeKeys = knownKeys('height', 'width');
const userKeys = knownKeys('uid', 'gid', 'umask', 'additionalGids', 'username');
const rlimitKeys = knownKeys('type', 'soft', 'hard');

function consoleSize(process: JsonObject): ProcessSpec['consoleSize'] {
  const size = process.object('consoleSize', sizeKeys);
  if (size === undefined) return undefined;
  // struct winsize holds 16 bits (ioctl_tty(2)).
  return { rows: size.integer('height', uint16) ?? 0, columns: size.integer('width', uint16) ?? 0 };
}

function user(process: JsonObject): UserSpec {
  const section = process.object('user', userKeys);
  return {
    uid: section?.integer('uid', uint32) ?? 0,
    gid: section?.integer('gid', uint32) ?? 0,
    additionalGids: section?.integers('additionalGids', uint32) ?? [],
    umask: section?.integer('umask', { min: 0, max: 0o777 }),
    username: section?.text('username'),
  };
}

function rlimit(entry: JsonObject): RlimitSpec {
  return {
    type: entry.requiredString('type'),
    soft: entry.bigint('soft', uint64) ?? 0n,
    hard: entry.bigint('hard', uint64) ?? 0n,
  };
}

/**
 * A `process` object (config.md, "Process"). What it leaves out stays undefined where an exec takes it from the container; what
 * nobody could grant is left out with a warning, as the specification asks.
 */
export function processSpec(section: JsonObject): ProcessSpec {
  const { process, warnings } = withKnownCapabilities(membersOf(section));
  section.session.warnings.push(...warnings);
  return process;
}

function membersOf(process: JsonObject): ProcessSpec {
  const args = process.strings('args');
  if (args.length === 0) throw process.error('args', 'missing');
  return {
    terminal: process.boolean('terminal'),
    consoleSize: consoleSize(process),
    user: user(process),
    args,
    env: process.strings('env'),
    cwd: process.requiredString('cwd'),
    capabilities: capabilities(process),
    rlimits: process.objects('rlimits', rlimitKeys, rlimit),
    noNewPrivileges: process.boolean('noNewPrivileges'),
    oomScoreAdj: process.integer('oomScoreAdj', int32),
    apparmorProfile: process.text('apparmorProfile'),
    selinuxLabel: process.text('selinuxLabel'),
    scheduler: scheduler(process),
    ioPriority: ioPriority(process),
    execCpuAffinity: execCpuAffinity(process),
  };
}
